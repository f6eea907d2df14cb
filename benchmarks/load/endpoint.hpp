// Where the node listens, and which local addresses we call it from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/error.hpp"

namespace lapwing::load {

/// A loopback address: load is for our own machine, never for somebody else's.
struct endpoint {
  std::uint32_t address = 0; ///< Host byte order; 127.0.0.0/8.
  std::uint16_t port = 0;
};

/// "127.0.0.1:3001", "localhost:3001", also with "http://" in front. errc::bad_request for anything
/// that is not loopback.
result<endpoint> parse_endpoint(std::string_view text);
std::string to_string(const endpoint& where);

/// One address has about 28,000 ephemeral ports towards one listener, so connection `index` calls
/// from one of 127.0.0.2 to 127.0.0.17.
std::uint32_t source_address(std::size_t index) noexcept;

/// Starts a non-blocking connection; -1 with errno when the system refuses. `connect` is under way
/// when it returns: EPOLLOUT tells when it is done.
int start_connecting(const endpoint& to, std::uint32_t from);

/// How the connection went, as an errno value.
int connect_failure(int fd) noexcept;

/// Closes without TIME_WAIT (a reset): thousands of closed ports would be missing in the next run.
void close_abruptly(int fd) noexcept;

} // namespace lapwing::load
