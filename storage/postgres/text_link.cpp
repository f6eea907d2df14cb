#include "storage/postgres/text_link.hpp"

#include <string_view>

#include <libpq-fe.h>

namespace lapwing::postgres {
namespace {

struct clear_result {
  void operator()(PGresult* result) const noexcept { PQclear(result); }
};

/// The server did not answer, or goes down, comes up, or has no room: not what was asked is at
/// fault. A connection that broke while sending does not always look broken.
bool is_outage(const PGresult* answer) {
  const char* state = PQresultErrorField(answer, PG_DIAG_SQLSTATE);
  std::string_view code = state ? state : "";
  return code.empty() || code.starts_with("08") || code.starts_with("53")
         || code.starts_with("57P");
}

std::string first_line(const char* text) {
  std::string line{text ? text : ""};
  return line.substr(0, line.find('\n'));
}

} // namespace

void close_connection::operator()(pg_conn* connection) const noexcept {
  PQfinish(connection);
}

result<connection_ptr> open_connection(const std::string& parameters,
                                       const std::string& settings) {
  auto all = parameters
             + " client_encoding=UTF8 options='-c datestyle=ISO -c timezone=UTC"
               " -c intervalstyle=postgres -c extra_float_digits=1 -c bytea_output=hex"
               " -c client_min_messages=warning -c jit=off " // Short questions, asked often.
             + settings + "'";
  connection_ptr made{PQconnectdb(all.c_str())};
  if (PQstatus(made.get()) != CONNECTION_OK)
    return error{errc::store_unavailable, first_line(PQerrorMessage(made.get()))};
  return made;
}

result<std::vector<text_row>> text_link::run(const char* sql,
                                             const std::vector<std::string>& values) {
  if (!connection_) {
    auto opened = open_connection(parameters_, settings_);
    if (!opened)
      return opened.error();
    connection_ = std::move(*opened);
  }
  std::vector<const char*> shown;
  for (const auto& value : values)
    shown.push_back(value.c_str());
  std::unique_ptr<PGresult, clear_result> done{
    values.empty() ? PQexec(connection_.get(), sql)
                   : PQexecParams(connection_.get(), sql, static_cast<int>(shown.size()), nullptr,
                                  shown.data(), nullptr, nullptr, 0)};
  auto status = PQresultStatus(done.get());
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
    error why{errc::bad_request, first_line(PQerrorMessage(connection_.get()))};
    if (PQstatus(connection_.get()) != CONNECTION_OK || is_outage(done.get())) {
      why.code = errc::store_unavailable;
      connection_.reset();
    }
    return why;
  }
  std::vector<text_row> rows(static_cast<std::size_t>(PQntuples(done.get())));
  for (std::size_t row = 0; row < rows.size(); ++row)
    for (int column = 0; column < PQnfields(done.get()); ++column) {
      auto at = static_cast<int>(row);
      if (PQgetisnull(done.get(), at, column) != 0)
        rows[row].emplace_back();
      else
        rows[row].emplace_back(
          std::string{PQgetvalue(done.get(), at, column),
                      static_cast<std::size_t>(PQgetlength(done.get(), at, column))});
    }
  return rows;
}

} // namespace lapwing::postgres
