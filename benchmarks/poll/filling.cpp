#include "benchmarks/poll/filling.hpp"

#include <algorithm>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "config/config.hpp"
#include "storage/open_store.hpp"
#include "storage/row_values.hpp"
#include "storage/sqlite.hpp"

namespace lapwing::poll_bench {
namespace {

using nlohmann::json;

/// Users asked of the simulator, and written, at once: the store's queue takes 8,192 calls.
constexpr std::size_t users_at_once = 500;

std::string database_of(const std::string& data_directory) {
  return (std::filesystem::path{data_directory} / "lapwing.db").string();
}

/// Waits for many calls of a store.
class countdown {
public:
  template <class T>
  std::function<void(result<T>)> expect() {
    std::lock_guard lock{mutex_};
    ++open_;
    return [this](const result<T>& answer) { one(answer ? error{errc::none, {}} : answer.error()); };
  }
  result<bool> wait() {
    std::unique_lock lock{mutex_};
    none_.wait(lock, [this] { return open_ == 0; });
    if (first_failure_.code != errc::none)
      return first_failure_;
    return true;
  }

private:
  void one(error how) {
    std::lock_guard lock{mutex_};
    if (first_failure_.code == errc::none)
      first_failure_ = std::move(how);
    if (--open_ == 0)
      none_.notify_one();
  }

  std::mutex mutex_;
  std::condition_variable none_;
  std::size_t open_ = 0;
  error first_failure_{errc::none, {}};
};

connection connection_of(const json& grant, const std::string& platform, timestamp now) {
  connection out;
  out.user = user_id{grant.value("user", "")};
  out.platform = platform_id{platform};
  out.account = grant.value("account", "");
  out.granted_at = now;
  out.tokens.access_token = grant.value("access_token", "");
  out.tokens.refresh_token = grant.value("refresh_token", "");
  out.tokens.expires_at = parse_row_time(grant.value("expires_at", ""));
  for (const auto& scope : grant.value("scopes", json::array()))
    out.tokens.scopes += (out.tokens.scopes.empty() ? "" : " ") + scope.get<std::string>();
  return out;
}

result<std::vector<connection>> granted(loopback_http& simulator, const std::string& platform,
                                        std::size_t from, std::size_t to, timestamp now) {
  json question{{"do", "grant"}, {"platform", platform}, {"users", json::array()}};
  for (std::size_t i = from; i < to; ++i)
    question["users"].push_back(user_name(i));
  auto answer = simulator.post("/_control", question.dump());
  if (!answer)
    return answer.error();
  const auto parsed = json::parse(*answer, nullptr, false);
  if (!parsed.is_object() || !parsed.contains("grants") || parsed["grants"].size() != to - from)
    return error{errc::internal, "the simulator's grants are not what was asked for"};
  std::vector<connection> out;
  for (const auto& grant : parsed["grants"])
    out.push_back(connection_of(grant, platform, now));
  return out;
}

} // namespace

std::string user_name(std::size_t index) {
  return "bench-" + std::to_string(index);
}

result<bool> fill_store(const filling& how, loopback_http& simulator,
                        const std::function<bool(std::size_t)>& done) {
  config settings;
  settings.node.data_dir = how.data_directory;
  settings.security.encryption_keys = {how.encryption_key};
  auto store = open_store(settings);
  if (!store)
    return store.error();
  auto& connections = (*store)->connections();
  const auto now = system_wall_clock{}.now();
  for (std::size_t from = 0; from < how.users; from += users_at_once) {
    const auto to = std::min(how.users, from + users_at_once);
    countdown calls;
    for (const auto& platform : how.platforms) {
      auto grants = granted(simulator, platform.name, from, to, now);
      if (!grants) {
        static_cast<void>(calls.wait()); // They refer to it.
        return grants.error();
      }
      for (auto& fresh : *grants) {
        const connection_key key{fresh.user, fresh.platform};
        connections.connect(std::move(fresh), now, calls.expect<std::uint64_t>());
        for (const auto& endpoint : platform.endpoints) {
          poll_progress progress;
          progress.endpoint = endpoint;
          progress.due = how.polls_due;
          connections.save_progress(key, progress, now, calls.expect<bool>());
        }
      }
    }
    if (auto written = calls.wait(); !written)
      return written.error();
    if (!done(to))
      return error{errc::shutting_down, "interrupted"};
  }
  return true;
}

result<bool> make_everything_due(const std::string& data_directory) {
  try {
    sqlite_connection database{database_of(data_directory), open_mode::create};
    database.execute("UPDATE poll_progress SET due_at = 0;"
                     "UPDATE platform_connections SET due_at = number % 1000;"
                     "PRAGMA wal_checkpoint(TRUNCATE);");
    return true;
  } catch (const sqlite_failure& failure) {
    return to_error(failure);
  }
}

struct progress_reader::parts {
  explicit parts(const std::string& path)
      : database{path, open_mode::read_only},
        count{database, "SELECT count(*) FROM platform_connections WHERE due_at > ?1"
                        " AND status IN ('connected', 'degraded')"} {}

  sqlite_connection database;
  sqlite_statement count;
};

progress_reader::progress_reader(const std::string& data_directory)
    : parts_(std::make_unique<parts>(database_of(data_directory))) {}

progress_reader::~progress_reader() = default;

result<std::size_t> progress_reader::resting(timestamp now) {
  try {
    reset_at_end ends{parts_->count};
    parts_->count.bind(1, now.time_since_epoch().count()).step();
    return static_cast<std::size_t>(parts_->count.integer(0));
  } catch (const sqlite_failure& failure) {
    return to_error(failure);
  }
}

std::uint64_t store_bytes(const std::string& data_directory) {
  std::uint64_t sum = 0;
  std::error_code failure;
  for (const auto& file : std::filesystem::directory_iterator{data_directory, failure})
    if (const auto size = file.file_size(failure); !failure)
      sum += size;
  return sum;
}

} // namespace lapwing::poll_bench
