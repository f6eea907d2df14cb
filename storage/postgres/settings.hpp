// How this program connects: the operator's address, and what every connection is told.
#pragma once

#include <chrono>
#include <string>

#include "core/error.hpp"

namespace lapwing::postgres {

struct connection_settings {
  std::string parameters;  ///< What connection_parameters() made.
  std::string preparation; ///< What session_preparation() made: sent first on each connection.
};

/// From postgresql://... to libpq's list of parameters: with limits on how long connecting and a dead
/// network may take, unless the address names its own (`connect_timeout`, `tcp_user_timeout`,
/// `keepalives_idle`, ...). TLS is by the address too (`sslmode=verify-full&sslrootcert=...`).
/// errc::not_configured: it is no such address; the text shows nothing of it.
result<std::string> connection_parameters(const std::string& url);

/// Statements give up after `statement_timeout`, and so do transactions whose node is gone. Commits
/// are durable, whatever the server's default.
std::string session_preparation(std::chrono::milliseconds statement_timeout);

} // namespace lapwing::postgres
