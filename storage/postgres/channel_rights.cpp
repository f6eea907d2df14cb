#include "storage/postgres/channel_rights.hpp"

#include <array>
#include <mutex>

#include <libpq-fe.h>
#include <spdlog/spdlog.h>

#include "storage/postgres/channel_rights_sql.hpp"
#include "storage/postgres/settings.hpp"
#include "storage/postgres/text_link.hpp"

namespace lapwing::postgres {
namespace {

using namespace realtime;

/// A policy that takes longer is as good as none.
constexpr const char* patience_sql = "SET statement_timeout = 5000";
/// Joins that wait. Guess: those of a node's clients that all come back at once.
constexpr std::size_t queue_max = 20'000;

struct clear_result {
  void operator()(PGresult* result) const noexcept { PQclear(result); }
};
using answer_ptr = std::unique_ptr<PGresult, clear_result>;

std::string_view state_of(const answer_ptr& answer) {
  const char* state = PQresultErrorField(answer.get(), PG_DIAG_SQLSTATE);
  return state ? state : "";
}

bool succeeded(const answer_ptr& answer) {
  auto status = PQresultStatus(answer.get());
  return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

error refused(std::string_view reason) {
  return {errc::store_unavailable, std::string{reason}};
}

/// Why a question could not be answered, for the client.
std::string_view reason_of(std::string_view state) {
  if (state == "57014")
    return refusal::query_canceled;
  if (state == "23514") // No partition for today: somebody else's table.
    return refusal::missing_partition;
  if (state.starts_with("53"))
    return refusal::no_connections;
  return refusal::unavailable;
}

/// The operator is told of each kind of failure when it begins, not for every join.
class failure_log {
public:
  void failed(std::string_view state, std::string_view hint) {
    std::lock_guard guard{mutex_};
    if (last_ == state)
      return;
    last_ = state;
    spdlog::error("realtime: private channels are refused: {} (SQLSTATE {})", hint,
                  state.empty() ? "none" : state);
  }
  /// A policy's own fault: the others may be right.
  void policy_failed(std::string_view state) {
    std::lock_guard guard{mutex_};
    if (policy_ != state)
      spdlog::warn("realtime: a policy on realtime.messages fails (SQLSTATE {});"
                   " whoever it fails for is refused", state);
    policy_ = state;
  }
  void worked() {
    std::lock_guard guard{mutex_};
    last_.assign(1, ' ');
  }

private:
  std::mutex mutex_;
  std::string last_{" "};
  std::string policy_;
};

std::string_view hint_of(std::string_view state) {
  if (state == "42501" || state == "42P17")
    return "the node's role must be able to make schema realtime, or own realtime.messages";
  if (state == "42P01" || state == "42703" || state == "3F000")
    return "realtime.messages is not the table that the documentation describes";
  if (state.empty() || state.starts_with("08") || state.starts_with("57P"))
    return "the database cannot be reached";
  return "the database did not answer";
}

struct question : database_job {
  std::string channel;
  identity_ptr who;
  std::function<void(result<permissions>)> done;

  void refuse(const error&) override { done(refused(refusal::unavailable)); }
};

/// Makes the connection's part of the database ready at once, before anybody asks.
struct preparation : database_job {
  void refuse(const error&) override {}
};

class asker final : public database_worker {
public:
  asker(std::string parameters, const std::atomic<bool>& stopping,
        std::shared_ptr<failure_log> log)
      : parameters_(std::move(parameters)), stopping_(stopping), log_(std::move(log)) {}

  void run(std::vector<database_job_ptr>& group) noexcept override {
    for (auto& job : group) {
      auto* asked = dynamic_cast<question*>(job.get());
      if (stopping_)
        job->refuse({errc::shutting_down, "the node stops"});
      else if (asked)
        asked->done(answer(*asked));
      else
        prepare();
    }
  }

private:
  result<permissions> answer(const question& asked) {
    // A connection may have died since it was used last: one more try, on a new one.
    auto had_one = connection_ != nullptr;
    auto found = ask(asked);
    if (!found && had_one && !connection_)
      found = ask(asked);
    return found;
  }

  result<permissions> ask(const question& asked) {
    if (!prepare())
      return refused(reason_of(last_state_));
    std::array<const char*, 4> values{asked.channel.c_str(), asked.who->role.c_str(),
                                      asked.who->user.c_str(), asked.who->claims.c_str()};
    answer_ptr answer{PQexecParams(connection_.get(),
                                   "SELECT pg_temp.lapwing_channel_rights($1, $2, $3, $4)",
                                   static_cast<int>(values.size()), nullptr, values.data(), nullptr,
                                   nullptr, 0)};
    if (!took(answer))
      return refused(reason_of(last_state_));
    std::string_view letters = PQgetvalue(answer.get(), 0, 0);
    if (letters.size() > 4)
      log_->policy_failed(letters.substr(5));
    auto may = [&](std::size_t at) { return letters[at] == 't'; };
    return permissions{may(0), may(2), may(1), may(3)};
  }

  bool prepare() {
    if (connection_)
      return true;
    auto opened = open_connection(parameters_);
    if (!opened) {
      last_state_.clear();
      log_->failed({}, hint_of({}));
      return false;
    }
    connection_ = std::move(*opened);
    for (const char* statement : {patience_sql, channel_schema_sql, channel_rights_sql})
      if (!took(answer_ptr{PQexec(connection_.get(), statement)})) {
        connection_.reset();
        return false;
      }
    return true;
  }

  bool took(const answer_ptr& answer) {
    if (succeeded(answer)) {
      log_->worked();
      return true;
    }
    last_state_ = state_of(answer);
    log_->failed(last_state_, hint_of(last_state_));
    // 25006, 57P..: a server that goes down or comes up; another connection may find it well.
    // 3F000, 42P01: the table is gone; preparing makes it again.
    if (PQstatus(connection_.get()) != CONNECTION_OK || last_state_.empty()
        || last_state_.starts_with("57P") || last_state_ == "25006" || last_state_ == "3F000"
        || last_state_ == "42P01")
      connection_.reset();
    return false;
  }

  std::string parameters_;
  const std::atomic<bool>& stopping_;
  std::shared_ptr<failure_log> log_;
  connection_ptr connection_; ///< Null, or prepared.
  std::string last_state_;
};

std::vector<std::unique_ptr<database_worker>> askers(const std::string& parameters,
                                                     const std::atomic<bool>& stopping) {
  auto log = std::make_shared<failure_log>();
  std::vector<std::unique_ptr<database_worker>> all;
  for (int i = 0; i < 2; ++i) // One slow policy does not hold up everybody.
    all.push_back(std::make_unique<asker>(parameters, stopping, log));
  return all;
}

} // namespace

result<std::unique_ptr<channel_rights>> channel_rights::open(const std::string& url) {
  auto parameters = connection_parameters(url);
  if (!parameters)
    return parameters.error();
  return std::unique_ptr<channel_rights>{new channel_rights{*parameters}};
}

channel_rights::channel_rights(const std::string& parameters)
    : threads_({"channel-rights", queue_max, 1}, askers(parameters, stopping_)) {
  threads_.offer(std::make_unique<preparation>());
}

channel_rights::~channel_rights() {
  stop();
}

void channel_rights::stop() {
  stopping_ = true;
  threads_.stop();
}

void channel_rights::ask(std::string channel, identity_ptr who,
                         std::function<void(result<permissions>)> done) {
  if (may_everything(*who))
    return done(permissions::all());
  // No text of the database can hold these: no policy knows such a channel or person.
  for (std::string_view text : {std::string_view{channel}, std::string_view{who->role},
                                std::string_view{who->user}, std::string_view{who->claims}})
    if (text.find('\0') != std::string_view::npos)
      return done(permissions{});
  auto asked = std::make_unique<question>();
  asked->channel = std::move(channel);
  asked->who = std::move(who);
  asked->done = std::move(done);
  threads_.offer(std::move(asked));
}

} // namespace lapwing::postgres
