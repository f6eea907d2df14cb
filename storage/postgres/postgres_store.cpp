#include "storage/postgres/postgres_store.hpp"

#include <algorithm>
#include <utility>

#include "storage/executor.hpp"
#include "storage/postgres/event_worker.hpp"
#include "storage/postgres/log_trimmer.hpp"
#include "storage/postgres/postgres_connections.hpp"
#include "storage/postgres/postgres_outbox.hpp"
#include "storage/postgres/row_session.hpp"
#include "storage/postgres/schema.hpp"
#include "storage/postgres/user_rows.hpp"
#include "storage/sealed_columns.hpp"

namespace lapwing {
namespace {

/// A job of a few statements, each of which may take the statement's limit, and then some for the way.
constexpr int statements_of_patience = 3;

/// Steps of retention follow one another.
const std::size_t trimming_lane = std::hash<std::string>{}("trim");

} // namespace

// In the order of construction; taken down the other way round.
struct postgres_store::parts {
  parts(postgres_options given, postgres::connection_settings how, std::optional<secret_box> box)
      : options(std::move(given)), settings(std::move(how)), secrets(std::move(box)),
        fence(options.fence), watch(options.statement_timeout * statements_of_patience) {}

  postgres_options options;
  postgres::connection_settings settings;
  secret_columns secrets;
  system_wall_clock system_clock;
  row_means means{&secrets, options.clock == nullptr ? &system_clock : options.clock,
                  &options.random};
  migration_report migrations;
  postgres::node_fence fence;
  postgres::log_ledger ledger;
  postgres::append_counters counters;
  postgres::server_watch watch;
  std::optional<executor> appending;
  std::optional<executor> reading;
  std::optional<executor> rows;
  std::optional<postgres::postgres_connections> connections;
  std::optional<postgres::postgres_outbox> outbox;

  void start();
};

void postgres_store::parts::start() {
  const postgres::event_means events{watch, settings, fence, means, ledger, counters};
  std::vector<std::unique_ptr<database_worker>> appenders, readers, row_workers;
  for (std::size_t i = 0; i < std::max<std::size_t>(options.writer_connections, 1); ++i)
    appenders.push_back(std::make_unique<postgres::append_worker>(events));
  for (std::size_t i = 0; i < std::max<std::size_t>(options.reader_connections, 1); ++i) {
    readers.push_back(std::make_unique<postgres::page_worker>(events));
    row_workers.push_back(std::make_unique<postgres::row_worker>(watch, settings, fence));
  }
  appending.emplace(executor::options{"pg-writer", options.queue_max, options.batch_max},
                    std::move(appenders));
  reading.emplace(executor::options{"pg-reader", options.queue_max, 1}, std::move(readers));
  rows.emplace(executor::options{"pg-rows", options.queue_max, 1}, std::move(row_workers));
  connections.emplace(*rows, means);
  outbox.emplace(*rows);
}

result<std::unique_ptr<postgres_store>> postgres_store::open_url(postgres_options options) {
  auto parameters = postgres::connection_parameters(options.url);
  if (!parameters)
    return parameters.error();
  std::optional<secret_box> box;
  if (!options.encryption_keys.empty()) {
    auto keyed = secret_box::with_keys(options.encryption_keys, options.random);
    if (!keyed)
      return keyed.error();
    box.emplace(std::move(*keyed));
    options.encryption_keys.clear(); // The box forgets its keys in the end; these would stay.
  }
  postgres::connection_settings settings{
    std::move(*parameters), postgres::session_preparation(options.statement_timeout)};
  auto report = options.migrate ? postgres::migrate(settings) : postgres::check_schema(settings);
  if (!report)
    return report.error();
  try {
    auto made = std::make_unique<parts>(std::move(options), std::move(settings), std::move(box));
    made->migrations = std::move(*report);
    if (made->options.take_over_as)
      made->fence = postgres::take_over(made->settings, *made->options.take_over_as);
    made->start();
    return std::unique_ptr<postgres_store>{new postgres_store{std::move(made)}};
  } catch (const postgres::failure& why) {
    return to_error(why);
  } catch (const std::exception&) {
    return error{errc::store_unavailable, "the store's threads could not be started"};
  }
}

postgres_store::postgres_store(std::unique_ptr<parts> made) : parts_(std::move(made)) {}

postgres_store::~postgres_store() {
  parts_->reading->stop();
  parts_->appending->stop();
  parts_->rows->stop();
}

void postgres_store::append(std::vector<append_request> batch,
                            callback<std::vector<append_result>> done) {
  if (batch.empty())
    return done(std::vector<append_result>{});
  if (!storable(batch))
    return done(error{errc::internal, "an event without a number cannot be stored"});
  parts_->appending->offer(
    std::make_unique<postgres::append_job>(std::move(batch), std::move(done)));
}

void postgres_store::read(log_id log, sequence after, std::size_t limit,
                          callback<event_range> done) {
  parts_->reading->offer(postgres::make_page_question<event_range>(
    [log = std::move(log), after, limit,
     bytes_max = parts_->options.read_bytes_max](postgres::event_pages& pages) {
      return pages.read(log, after, limit, bytes_max);
    },
    std::move(done)));
}

void postgres_store::find(log_id log, sequence seq, callback<event_ptr> done) {
  parts_->reading->offer(postgres::make_page_question<event_ptr>(
    [log = std::move(log), seq](postgres::event_pages& pages) { return pages.find(log, seq); },
    std::move(done)));
}

void postgres_store::open(log_id log, callback<log_state> done) {
  parts_->reading->offer(postgres::make_page_question<log_state>(
    [log = std::move(log)](postgres::event_pages& pages) { return pages.state(log); },
    std::move(done)));
}

void postgres_store::put_user(user_id user, std::vector<account> accounts, callback<bool> done) {
  const auto lane = std::hash<std::string>{}(user.str());
  parts_->rows->offer(postgres::make_change<bool>(
    lane,
    [user = std::move(user),
     accounts = std::move(accounts)](pqxx::transaction_base& transaction) -> result<bool> {
      postgres::put_user(transaction, user, accounts);
      return true;
    },
    std::move(done)));
}

void postgres_store::find_account(account which, callback<std::optional<user_id>> done) {
  parts_->rows->offer(postgres::make_question<std::optional<user_id>>(
    [which = std::move(which)](pqxx::transaction_base& transaction) {
      return postgres::find_account(transaction, which);
    },
    std::move(done)));
}

void postgres_store::trim(retention_rule rule, callback<retention_step> done) {
  auto& ledger = parts_->ledger;
  parts_->rows->offer(postgres::make_change<retention_step>(
    trimming_lane,
    [rule, &ledger](pqxx::transaction_base& transaction) -> result<retention_step> {
      try {
        return postgres::trim_logs(transaction, rule, ledger);
      } catch (...) {
        ledger.start_over(); // It may be done again at once.
        throw;
      }
    },
    [done = std::move(done), &ledger](result<retention_step> step) {
      if (!step)
        ledger.start_over(); // Before anybody asks for the next step.
      done(std::move(step));
    }));
}

void postgres_store::check(callback<bool> done) {
  parts_->rows->offer(postgres::make_change<bool>(
    std::hash<std::string>{}("check"),
    [](pqxx::transaction_base& transaction) -> result<bool> {
      postgres::probe(transaction);
      return true;
    },
    std::move(done)));
}

connection_store& postgres_store::connections() noexcept {
  return *parts_->connections;
}

outbox_store& postgres_store::outbox() noexcept {
  return *parts_->outbox;
}

postgres_counts postgres_store::counts() const noexcept {
  const auto& from = parts_->counters;
  return {from.stored.load(std::memory_order_relaxed),
          from.duplicates.load(std::memory_order_relaxed),
          from.commits.load(std::memory_order_relaxed),
          from.failed_commits.load(std::memory_order_relaxed)};
}

const migration_report& postgres_store::migrations() const noexcept {
  return parts_->migrations;
}

const postgres::node_fence& postgres_store::fence() const noexcept {
  return parts_->fence;
}

result<migration_report> migrate_url(const std::string& url) {
  auto parameters = postgres::connection_parameters(url);
  if (!parameters)
    return parameters.error();
  using namespace std::chrono_literals;
  return postgres::migrate({std::move(*parameters), postgres::session_preparation(5s)});
}

} // namespace lapwing
