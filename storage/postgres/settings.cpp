#include "storage/postgres/settings.hpp"

#include <libpq-fe.h>

#include <memory>
#include <string_view>
#include <utility>

namespace lapwing::postgres {
namespace {

/// For parameters that the address leaves open. Seconds, and milliseconds for tcp_user_timeout.
/// Guesses: three seconds are long for a connection and short for a webhook's sender.
constexpr std::pair<std::string_view, std::string_view> defaults[] = {
  {"application_name", "lapwing"}, {"connect_timeout", "3"},     {"keepalives_idle", "5"},
  {"keepalives_interval", "3"},    {"keepalives_count", "3"},    {"tcp_user_timeout", "15000"},
};

struct options_free {
  void operator()(PQconninfoOption* options) const noexcept { PQconninfoFree(options); }
};

void add(std::string& to, std::string_view name, std::string_view value) {
  to += to.empty() ? "" : " ";
  to += name;
  to += "='";
  for (char c : value) {
    if (c == '\'' || c == '\\')
      to += '\\';
    to += c;
  }
  to += '\'';
}

} // namespace

result<std::string> connection_parameters(const std::string& url) {
  char* complaint = nullptr; // It may quote the password.
  const std::unique_ptr<PQconninfoOption, options_free> given{
    PQconninfoParse(url.c_str(), &complaint)};
  PQfreemem(complaint);
  if (!given)
    return error{errc::not_configured, "node.database_url is not a PostgreSQL address: write"
                                       " postgresql://USER:PASSWORD@HOST:PORT/DATABASE"};
  std::string parameters;
  for (const auto& [name, value] : defaults)
    add(parameters, name, value); // What comes later counts.
  for (const auto* option = given.get(); option->keyword != nullptr; ++option) {
    if (option->val != nullptr)
      add(parameters, option->keyword, option->val);
  }
  add(parameters, "client_encoding", "UTF8");
  return parameters;
}

std::string session_preparation(std::chrono::milliseconds statement_timeout) {
  const auto limit = std::to_string(statement_timeout.count());
  return "SET statement_timeout = " + limit + "; SET lock_timeout = " + limit
         + "; SET idle_in_transaction_session_timeout = " + limit
         + "; SET TimeZone = 'UTC'; SET DateStyle = 'ISO'; SET client_min_messages = 'warning'"
           "; SET jit = off"
           "; SELECT set_config('synchronous_commit', 'on', false)"
           " WHERE current_setting('synchronous_commit') = 'off'";
}

} // namespace lapwing::postgres
