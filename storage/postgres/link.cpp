#include "storage/postgres/link.hpp"

#include <libpq-fe.h>

#include <algorithm>

#include "storage/postgres/failure.hpp"
#include "storage/postgres/parameters.hpp"
#include "storage/postgres/socket_look.hpp"

namespace lapwing::postgres {
namespace {

constexpr int binary = 1;

bool is_fine(const pg_result* result) noexcept {
  const auto status = PQresultStatus(result);
  return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

std::uint64_t big_endian(const char* bytes, int size) noexcept {
  std::uint64_t value = 0;
  for (int i = 0; i < size; ++i)
    value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

/// What libpq wants to be shown of parameters.
struct shown_parameters {
  explicit shown_parameters(const parameters& with) {
    for (std::size_t i = 0; i < with.size(); ++i) {
      values.push_back(with.data(i));
      lengths.push_back(static_cast<int>(with.length(i)));
    }
    formats.assign(with.size(), binary);
  }
  int count() const noexcept { return static_cast<int>(values.size()); }

  std::vector<const char*> values;
  std::vector<int> lengths;
  std::vector<int> formats;
};

} // namespace

void answer::clear::operator()(pg_result* result) const noexcept {
  PQclear(result);
}

std::size_t answer::size() const noexcept {
  return static_cast<std::size_t>(PQntuples(result_.get()));
}

bool answer::is_null(std::size_t row, int column) const noexcept {
  return PQgetisnull(result_.get(), static_cast<int>(row), column) != 0;
}

std::string_view answer::bytes(std::size_t row, int column) const noexcept {
  const auto at = static_cast<int>(row);
  return {PQgetvalue(result_.get(), at, column),
          static_cast<std::size_t>(PQgetlength(result_.get(), at, column))};
}

std::int64_t answer::integer(std::size_t row, int column) const noexcept {
  const auto value = bytes(row, column);
  return value.size() == 8 ? static_cast<std::int64_t>(big_endian(value.data(), 8)) : 0;
}

bool answer::boolean(std::size_t row, int column) const noexcept {
  const auto value = bytes(row, column);
  return !value.empty() && value.front() != 0;
}

void link::finish::operator()(pg_conn* connection) const noexcept {
  PQfinish(connection);
}

link::link(const connection_settings& settings)
    : connection_(PQconnectdb(settings.parameters.c_str())) {
  if (PQstatus(connection_.get()) != CONNECTION_OK)
    fail(nullptr);
  execute(settings.preparation.c_str());
  // The statements of a batch do not get better by looking at each batch.
  execute("SET plan_cache_mode = force_generic_plan");
}

int link::socket() const noexcept {
  return PQsocket(connection_.get());
}

bool link::is_alive() const noexcept {
  return PQstatus(connection_.get()) == CONNECTION_OK && !is_closed_by_peer(socket());
}

void link::fail(const pg_result* result) const {
  const char* state = result == nullptr ? nullptr : PQresultErrorField(result, PG_DIAG_SQLSTATE);
  const bool open = PQstatus(connection_.get()) == CONNECTION_OK;
  // The primary message only: the details quote values.
  const char* said
    = result == nullptr ? nullptr : PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
  std::string text = said != nullptr ? said : PQerrorMessage(connection_.get());
  std::replace(text.begin(), text.end(), '\n', ' ');
  const std::string sqlstate = state != nullptr ? state : "";
  throw failure{open ? fault_of(sqlstate) : fault::connection, sqlstate, text, !open};
}

void link::execute(const char* sql) {
  const answer done{PQexec(connection_.get(), sql)};
  check(done);
}

void link::prepare(const statement& what) {
  if (std::find(prepared_.begin(), prepared_.end(), what.name) != prepared_.end())
    return;
  const answer done{PQprepare(connection_.get(), what.name, what.sql, 0, nullptr)};
  check(done);
  prepared_.push_back(what.name);
}

void link::check(const answer& done) const {
  if (!is_fine(done.get()))
    fail(done.get());
}

answer link::run(const statement& what, const parameters& with) {
  prepare(what);
  const shown_parameters shown{with};
  answer done{PQexecPrepared(connection_.get(), what.name, shown.count(), shown.values.data(),
                             shown.lengths.data(), shown.formats.data(), binary)};
  check(done);
  return done;
}

std::vector<answer> link::run_all(const std::vector<step>& steps) {
  for (const auto& each : steps)
    prepare(*each.what);
  auto* connection = connection_.get();
  if (PQenterPipelineMode(connection) != 1)
    fail(nullptr);
  for (const auto& each : steps) {
    const shown_parameters shown{*each.with};
    if (PQsendQueryPrepared(connection, each.what->name, shown.count(), shown.values.data(),
                            shown.lengths.data(), shown.formats.data(), binary)
        != 1)
      fail(nullptr);
  }
  if (PQpipelineSync(connection) != 1)
    fail(nullptr);
  std::vector<answer> answers;
  answers.reserve(steps.size());
  // Each step's answer is followed by a null; the end of all by the sync's own.
  for (std::size_t i = 0; i < steps.size(); ++i) {
    answers.emplace_back(PQgetResult(connection));
    if (answers.back().get() == nullptr)
      fail(nullptr);
    if (const answer end{PQgetResult(connection)}; end.get() != nullptr)
      fail(end.get());
  }
  const answer synced{PQgetResult(connection)};
  if (PQresultStatus(synced.get()) != PGRES_PIPELINE_SYNC || PQexitPipelineMode(connection) != 1)
    fail(nullptr);
  for (const auto& each : answers) {
    if (!is_fine(each.get()))
      fail(each.get()); // The first one; those behind it were not tried.
  }
  return answers;
}

bool link::roll_back() noexcept {
  const auto state = PQtransactionStatus(connection_.get());
  if (state == PQTRANS_IDLE)
    return true;
  if (state != PQTRANS_INTRANS && state != PQTRANS_INERROR)
    return false;
  const answer done{PQexec(connection_.get(), "ROLLBACK")};
  return is_fine(done.get());
}

} // namespace lapwing::postgres
