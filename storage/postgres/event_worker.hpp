// The workers for events, each with a libpq connection: one kind appends, the other reads.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "storage/append_batch.hpp"
#include "storage/postgres/connected_worker.hpp"
#include "storage/postgres/event_appender.hpp"
#include "storage/postgres/event_pages.hpp"
#include "storage/postgres/link.hpp"
#include "storage/postgres/log_ledger.hpp"

namespace lapwing::postgres {

struct append_counters {
  std::atomic<std::uint64_t> stored{0};
  std::atomic<std::uint64_t> duplicates{0};
  std::atomic<std::uint64_t> commits{0};
  std::atomic<std::uint64_t> failed_commits{0};
};

/// What the workers share. All of it must outlive them.
struct event_means {
  server_watch& watch;
  const connection_settings& settings;
  const node_fence& fence;
  const row_means& rows;
  log_ledger& ledger;
  append_counters& counters;
};

class append_job final : public database_job {
public:
  append_job(std::vector<append_request> requests,
             std::function<void(result<std::vector<append_result>>)> done);

  std::size_t weight() const noexcept override { return batch_.weight(); }
  /// One for each log: what comes later in a log is not stored before what came earlier, or a reader
  /// could be past a number that appears afterwards.
  std::span<const std::size_t> lanes() const noexcept override { return lanes_; }
  append_batch& batch() noexcept { return batch_; }
  void answer(std::vector<append_result> results) { done_(std::move(results)); }
  void refuse(const error& why) override { done_(why); }

private:
  append_batch batch_;
  std::vector<std::size_t> lanes_;
  std::function<void(result<std::vector<append_result>>)> done_;
};

/// A worker with a link.
class link_worker : public connected_worker {
public:
  explicit link_worker(const event_means& means) : connected_worker(means.watch), means_(means) {}

protected:
  bool is_connected() const noexcept override { return link_.has_value(); }
  bool is_alive() const noexcept override { return link_->is_alive(); }
  int socket() const noexcept override { return link_->socket(); }
  void connect() override { link_.emplace(means_.settings); }
  void disconnect() noexcept override { link_.reset(); }

  const event_means means_;
  std::optional<link> link_;
};

/// Takes append_jobs only: a group of them is one transaction.
class append_worker final : public link_worker {
public:
  using link_worker::link_worker;

private:
  void serve(std::vector<database_job_ptr>& group) override;
  void append(std::vector<append_job*>& jobs);
};

class page_job : public database_job {
public:
  /// Asks and answers. Throws job_refused or failure before it has answered.
  virtual void run(event_pages& pages) = 0;
};

template <class T, class Question>
class page_question final : public page_job {
public:
  page_question(Question question, std::function<void(result<T>)> done)
      : question_(std::move(question)), done_(std::move(done)) {}

  void run(event_pages& pages) override {
    T answer = question_(pages);
    done_(std::move(answer));
  }
  void refuse(const error& why) override { done_(why); }

private:
  Question question_;
  std::function<void(result<T>)> done_;
};

template <class T, class Question>
database_job_ptr make_page_question(Question question, std::function<void(result<T>)> done) {
  return std::make_unique<page_question<T, Question>>(std::move(question), std::move(done));
}

/// Takes page_jobs only.
class page_worker final : public link_worker {
public:
  using link_worker::link_worker;

private:
  void serve(std::vector<database_job_ptr>& group) override;
};

} // namespace lapwing::postgres
