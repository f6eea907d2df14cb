// What a worker for ordinary queries works with: a libpqxx connection with its statements prepared,
// and jobs as functions of it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "storage/job_refused.hpp"
#include "storage/postgres/connected_worker.hpp"
#include "storage/postgres/fence.hpp"
#include "storage/postgres/pqxx.hpp"
#include "storage/postgres/settings.hpp"

namespace lapwing::postgres {

class row_session {
public:
  /// Throws what libpqxx throws. `fence` must outlive this.
  row_session(const connection_settings& settings, const node_fence& fence);

  pqxx::connection& connection() noexcept { return connection_; }
  const node_fence& fence() const noexcept { return fence_; }

private:
  pqxx::connection connection_;
  const node_fence& fence_;
};

/// To be the first statement of a transaction that writes. Throws a pqxx::sql_error with SQLSTATE
/// LW001 when this node was replaced.
void hold_fence(pqxx::transaction_base& transaction, const node_fence& fence);

/// The rest of the transaction sees what this user may see.
void become_user(pqxx::transaction_base& transaction, const std::string& user);

class row_job : public database_job {
public:
  explicit row_job(std::optional<std::size_t> lane = std::nullopt) : lane_(lane) {}

  std::span<const std::size_t> lanes() const noexcept override {
    return lane_ ? std::span{&*lane_, 1} : std::span<const std::size_t>{};
  }
  /// Asks and answers. Throws before it has answered. May be called again after it has thrown.
  virtual void run(row_session& session) = 0;

private:
  std::optional<std::size_t> lane_;
};

/// A question as a function of a transaction that cannot write.
template <class T, class Question>
class question_job final : public row_job {
public:
  question_job(Question question, std::function<void(result<T>)> done)
      : question_(std::move(question)), done_(std::move(done)) {}

  void run(row_session& session) override {
    std::optional<T> answer;
    {
      // Several statements see one state of the database.
      pqxx::transaction<pqxx::repeatable_read, pqxx::read_only> transaction{session.connection()};
      answer.emplace(question_(transaction));
      transaction.commit();
    }
    done_(std::move(*answer));
  }
  void refuse(const error& why) override { done_(why); }

private:
  Question question_;
  std::function<void(result<T>)> done_;
};

template <class T, class Question>
database_job_ptr make_question(Question question, std::function<void(result<T>)> done) {
  return std::make_unique<question_job<T, Question>>(std::move(question), std::move(done));
}

/// A change as a function of a transaction that answers a result, an error of which does not undo it.
template <class T, class Change>
class change_job final : public row_job {
public:
  change_job(std::size_t lane, Change change, std::function<void(result<T>)> done)
      : row_job(lane), change_(std::move(change)), done_(std::move(done)) {}

  void run(row_session& session) override {
    result<T> answer{error{}};
    {
      pqxx::work transaction{session.connection()};
      hold_fence(transaction, session.fence());
      answer = change_(transaction);
      transaction.commit();
    }
    done_(std::move(answer));
  }
  void refuse(const error& why) override { done_(why); }

private:
  Change change_;
  std::function<void(result<T>)> done_;
};

/// Changes of one lane are done in the order in which they were asked for.
template <class T, class Change>
database_job_ptr make_change(std::size_t lane, Change change,
                             std::function<void(result<T>)> done) {
  return std::make_unique<change_job<T, Change>>(lane, std::move(change), std::move(done));
}

/// Takes row_jobs only.
class row_worker final : public connected_worker {
public:
  /// All must outlive the worker.
  row_worker(server_watch& watch, const connection_settings& settings, const node_fence& fence)
      : connected_worker(watch), settings_(settings), fence_(fence) {}

private:
  bool is_connected() const noexcept override { return session_.has_value(); }
  bool is_alive() const noexcept override;
  int socket() const noexcept override;
  void connect() override;
  void disconnect() noexcept override { session_.reset(); }
  void serve(std::vector<database_job_ptr>& group) override;

  const connection_settings& settings_;
  const node_fence& fence_;
  mutable std::optional<row_session> session_;
};

} // namespace lapwing::postgres
