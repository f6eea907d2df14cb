#include "storage/sqlite_store.hpp"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "storage/append_batch.hpp"
#include "storage/event_rows.hpp"
#include "storage/executor.hpp"
#include "storage/file_lock.hpp"
#include "storage/read_session.hpp"
#include "storage/sealed_columns.hpp"
#include "storage/sqlite_connections.hpp"
#include "storage/sqlite_outbox.hpp"
#include "storage/wal_keeper.hpp"
#include "storage/write_session.hpp"

namespace lapwing {
namespace {

template <class T>
using callback = event_store::callback<T>;

/// It only copies pages from the log.
constexpr std::size_t keeper_cache_bytes = 1024 * 1024;

class append_job final : public write_job {
public:
  append_job(std::vector<append_request> requests, callback<std::vector<append_result>> done,
             write_counters& counters)
      : batch_(std::move(requests)), done_(std::move(done)), counters_(counters) {}

  std::size_t weight() const noexcept override { return batch_.weight(); }
  void apply(write_session& session) override {
    results_.clear();
    results_.reserve(batch_.requests().size());
    batch_.pack_rest();
    for (std::size_t i = 0; i < batch_.requests().size(); ++i) {
      const auto& request = batch_.requests()[i];
      const auto inserted = session.events.insert(request, batch_.packed(i));
      if (inserted.result.outcome == append_outcome::stored)
        session.old_events.appended(inserted.log);
      results_.push_back(inserted.result);
      if (request.with)
        session.connections.apply(*request.with);
      if (request.outgoing)
        session.outbox.put(*request.outgoing);
    }
  }
  void committed() override {
    const auto stored = static_cast<std::uint64_t>(
      std::count_if(results_.begin(), results_.end(),
                    [](const auto& r) { return r.outcome == append_outcome::stored; }));
    counters_.stored.fetch_add(stored, std::memory_order_relaxed);
    counters_.duplicates.fetch_add(results_.size() - stored, std::memory_order_relaxed);
    done_(std::move(results_));
  }
  void refuse(const error& why) override { done_(why); }

private:
  append_batch batch_;
  std::vector<append_result> results_;
  callback<std::vector<append_result>> done_;
  write_counters& counters_;
};

class trim_job final : public write_job {
public:
  trim_job(retention_rule rule, std::size_t weight, callback<retention_step> done)
      : rule_(std::move(rule)), weight_(weight), done_(std::move(done)) {}

  /// A group by itself: appends do not wait for it longer than they must.
  std::size_t weight() const noexcept override { return weight_; }
  void apply(write_session& session) override {
    step_ = session.old_events.trim(rule_);
    const auto items = session.old_items.trim(rule_);
    step_.removed += items.removed;
    step_.more = step_.more || items.more;
  }
  void committed() override { done_(step_); }
  void refuse(const error& why) override { done_(why); }

private:
  retention_rule rule_;
  std::size_t weight_;
  retention_step step_;
  callback<retention_step> done_;
};

/// For the schema. The page size must be chosen before the file has its first page.
sqlite_connection open_for_schema(const sqlite_options& options) {
  sqlite_connection connection{options.path, open_mode::create};
  connection.wait_for_locks(options.lock_wait);
  connection.execute("PRAGMA page_size = " + std::to_string(options.page_bytes));
  connection.execute("PRAGMA journal_mode = WAL");
  connection.execute("PRAGMA synchronous = FULL");
  return connection;
}

std::size_t page_size_of(sqlite_connection& connection) {
  sqlite_statement statement{connection, "PRAGMA page_size"};
  reset_at_end ends{statement};
  return statement.step() ? static_cast<std::size_t>(statement.integer(0)) : 4096;
}

} // namespace

// In the order of construction; taken down the other way round, the readers first.
struct sqlite_store::parts {
  parts(file_lock taken, sqlite_options settings, std::optional<secret_box> box)
      : lock(std::move(taken)), options(std::move(settings)), secrets(std::move(box)) {}

  file_lock lock;
  sqlite_options options;
  secret_columns secrets;
  system_wall_clock system_clock;
  row_means means{&secrets, options.clock == nullptr ? &system_clock : options.clock,
                  &options.random};
  migration_report migrations;
  std::size_t page_bytes = 0;
  write_counters counters;
  std::optional<wal_keeper> keeper;
  std::optional<executor> writing;
  std::optional<executor> reading;
  std::optional<sqlite_connections> connections;
  std::optional<sqlite_outbox> outbox;
};

result<std::unique_ptr<sqlite_store>> sqlite_store::open_file(sqlite_options options) {
  std::optional<secret_box> box;
  if (!options.encryption_keys.empty()) {
    auto keyed = secret_box::with_keys(options.encryption_keys, options.random);
    if (!keyed)
      return keyed.error();
    box.emplace(std::move(*keyed));
    options.encryption_keys.clear(); // The box forgets its keys in the end; these would stay.
  }
  auto lock = file_lock::take(options.path + ".lock");
  if (!lock)
    return lock.error();
  auto made = std::make_unique<parts>(std::move(*lock), options, std::move(box));
  try {
    {
      auto first = open_for_schema(options);
      auto report = options.migrate ? migrate(first) : check_schema(first);
      if (!report)
        return report.error();
      made->migrations = std::move(*report);
      made->page_bytes = page_size_of(first);
    }
    const auto pages = std::max<std::size_t>(options.wal_bytes / made->page_bytes, 16);
    writer_options writing{options.path, keeper_cache_bytes, options.wal_bytes, options.lock_wait};
    made->keeper.emplace(wal_keeper::options{pages, pages / 8, pages * 8}, open_writer(writing));
    writing.cache_bytes = options.cache_bytes / 2;
    std::vector<std::unique_ptr<database_worker>> writers;
    writers.push_back(std::make_unique<store_writer>(writing, open_writer(writing), made->means,
                                                     *made->keeper, made->counters));
    const auto reader_count = std::max<std::size_t>(options.reader_threads, 1);
    std::vector<std::unique_ptr<database_worker>> readers;
    for (std::size_t i = 0; i < reader_count; ++i)
      readers.push_back(std::make_unique<store_reader>(reader_options{
        options.path, options.cache_bytes / 2 / reader_count, options.lock_wait}));
    made->writing.emplace(executor::options{"store-writer", options.queue_max, options.batch_max},
                          std::move(writers));
    made->reading.emplace(executor::options{"store-reader", options.queue_max, 1},
                          std::move(readers));
    made->connections.emplace(*made->writing, *made->reading, made->means);
    made->outbox.emplace(*made->writing, *made->reading);
  } catch (const sqlite_failure& failure) {
    return to_error(failure);
  } catch (const std::exception&) {
    return error{errc::store_unavailable, "the store's threads could not be started"};
  }
  return std::unique_ptr<sqlite_store>{new sqlite_store{std::move(made)}};
}

sqlite_store::sqlite_store(std::unique_ptr<parts> made) : parts_(std::move(made)) {}

sqlite_store::~sqlite_store() {
  parts_->reading->stop();
  parts_->writing->stop();
}

void sqlite_store::append(std::vector<append_request> batch,
                          callback<std::vector<append_result>> done) {
  if (batch.empty())
    return done(std::vector<append_result>{});
  if (!storable(batch))
    return done(error{errc::internal, "an event without a number cannot be stored"});
  parts_->writing->offer(
    std::make_unique<append_job>(std::move(batch), std::move(done), parts_->counters));
}

void sqlite_store::read(log_id log, sequence after, std::size_t limit,
                        callback<event_range> done) {
  parts_->reading->offer(make_question<event_range>(
    [log = std::move(log), after, limit,
     bytes_max = parts_->options.read_bytes_max](read_session& session) {
      return session.events.read(log, after, limit, bytes_max);
    },
    std::move(done)));
}

void sqlite_store::find(log_id log, sequence seq, callback<event_ptr> done) {
  parts_->reading->offer(make_question<event_ptr>(
    [log = std::move(log), seq](read_session& session) { return session.events.find(log, seq); },
    std::move(done)));
}

void sqlite_store::open(log_id log, callback<log_state> done) {
  parts_->reading->offer(make_question<log_state>(
    [log = std::move(log)](read_session& session) { return session.events.state(log); },
    std::move(done)));
}

void sqlite_store::put_user(user_id user, std::vector<account> accounts, callback<bool> done) {
  parts_->writing->offer(make_change<bool>(
    [user = std::move(user),
     accounts = std::move(accounts)](write_session& session) -> result<bool> {
      session.add_user.bind(1, user.str()).run();
      auto& set = session.set_account;
      for (const auto& each : accounts)
        set.bind(1, each.platform.str()).bind(2, each.name).bind(3, user.str()).run();
      return true;
    },
    std::move(done)));
}

void sqlite_store::find_account(account which, callback<std::optional<user_id>> done) {
  parts_->reading->offer(make_question<std::optional<user_id>>(
    [which = std::move(which)](read_session& session) -> std::optional<user_id> {
      auto& statement = session.find_account;
      reset_at_end ends{statement};
      if (!statement.bind(1, which.platform.str()).bind(2, which.name).step())
        return std::nullopt;
      return user_id{statement.text(0)};
    },
    std::move(done)));
}

void sqlite_store::trim(retention_rule rule, callback<retention_step> done) {
  parts_->writing->offer(
    std::make_unique<trim_job>(std::move(rule), parts_->options.batch_max, std::move(done)));
}

void sqlite_store::check(callback<bool> done) {
  parts_->writing->offer(make_change<bool>(
    [](write_session& session) -> result<bool> {
      session.probe.run();
      return true;
    },
    std::move(done)));
}

connection_store& sqlite_store::connections() noexcept {
  return *parts_->connections;
}

outbox_store& sqlite_store::outbox() noexcept {
  return *parts_->outbox;
}

sqlite_counts sqlite_store::counts() const noexcept {
  const auto& from = parts_->counters;
  return {from.stored.load(std::memory_order_relaxed),
          from.duplicates.load(std::memory_order_relaxed),
          from.commits.load(std::memory_order_relaxed),
          from.failed_commits.load(std::memory_order_relaxed),
          from.wal_pages.load(std::memory_order_relaxed) * parts_->page_bytes};
}

const migration_report& sqlite_store::migrations() const noexcept {
  return parts_->migrations;
}

result<migration_report> migrate_file(const std::string& path) {
  try {
    sqlite_options options;
    options.path = path;
    auto connection = open_for_schema(options);
    return migrate(connection);
  } catch (const sqlite_failure& failure) {
    return to_error(failure);
  }
}

} // namespace lapwing
