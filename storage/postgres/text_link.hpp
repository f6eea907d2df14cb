// A connection for questions whose answers are read as text: what the change feed asks beside its
// stream. Blocking; one thread at a time.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/error.hpp"

struct pg_conn;

namespace lapwing::postgres {

using text_row = std::vector<std::optional<std::string>>;

struct close_connection {
  void operator()(pg_conn* connection) const noexcept;
};
using connection_ptr = std::unique_ptr<pg_conn, close_connection>;

/// Values are written as the change feed reads them: ISO dates in UTC, bytea in hex, UTF-8.
/// `settings`: further ones of the session, "-c name=value". errc::store_unavailable.
result<connection_ptr> open_connection(const std::string& parameters,
                                       const std::string& settings = {});

class text_link {
public:
  explicit text_link(std::string parameters, std::string settings = {})
    : parameters_(std::move(parameters)), settings_(std::move(settings)) {}

  /// Connects first, when it is not connected. errc::store_unavailable when the connection broke
  /// (the next call opens another), errc::bad_request when the server refused the statement;
  /// `detail` is the server's word, for the log.
  result<std::vector<text_row>> run(const char* sql, const std::vector<std::string>& values = {});

private:
  std::string parameters_;
  std::string settings_;
  connection_ptr connection_;
};

} // namespace lapwing::postgres
