// What a reader's thread works with: its connection, the statements on it, and questions as jobs.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "storage/connection_reader.hpp"
#include "storage/event_rows.hpp"
#include "storage/executor.hpp"
#include "storage/outbox_rows.hpp"
#include "storage/sqlite.hpp"

namespace lapwing {

/// A connection for reading and everything prepared on it.
struct read_session {
  explicit read_session(sqlite_connection opened);

  sqlite_connection connection;
  event_selector events;
  connection_reader connections;
  outbox_reader outbox;
  sqlite_statement find_account;
};

class read_job : public database_job {
public:
  /// Asks and answers. Throws job_refused or sqlite_failure before it has answered.
  virtual void run(read_session& session) = 0;
};

/// A question as a function of the session.
template <class T, class Question>
class question_job final : public read_job {
public:
  question_job(Question question, std::function<void(result<T>)> done, std::size_t weight)
      : question_(std::move(question)), done_(std::move(done)), weight_(weight) {}

  std::size_t weight() const noexcept override { return weight_; }
  void run(read_session& session) override {
    T answer = question_(session);
    done_(std::move(answer));
  }
  void refuse(const error& why) override { done_(why); }

private:
  Question question_;
  std::function<void(result<T>)> done_;
  std::size_t weight_;
};

template <class T, class Question>
database_job_ptr make_question(Question question, std::function<void(result<T>)> done,
                               std::size_t weight = 1) {
  return std::make_unique<question_job<T, Question>>(std::move(question), std::move(done), weight);
}

struct reader_options {
  std::string path;
  std::size_t cache_bytes;
  std::chrono::milliseconds lock_wait;
};

class store_reader final : public database_worker {
public:
  /// Throws sqlite_failure.
  explicit store_reader(reader_options settings);

  /// Takes read_jobs only.
  void run(std::vector<database_job_ptr>& group) noexcept override;

private:
  const reader_options settings_;
  std::optional<read_session> session_;
};

} // namespace lapwing
