// What an outbound client may do.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

namespace lapwing::net {

struct outbound_rules {
  bool allow_private_addresses = false; ///< Also loopback and the like: tests and the simulator.
  std::string ca_file;                  ///< PEM, instead of the system's authorities.
  std::string user_agent = "lapwing";   ///< When a request brings none; GitHub wants one.

  std::chrono::milliseconds connect_timeout{5'000}; ///< Look-up, connection and TLS together.
  std::chrono::milliseconds timeout_max{300'000};   ///< Above any request's own.
  /// A transfer slower than so many bytes a second over so long is given up. Guess: never measured.
  long slow_bytes_per_second = 16;
  std::chrono::seconds slow_time{10};

  std::size_t under_way_max = 256;
  std::size_t under_way_per_host_max = 32;
  std::size_t waiting_max = 4096; ///< For a place under way; the time-out runs meanwhile.

  std::size_t url_bytes_max = 16 * 1024;
  std::size_t request_bytes_max = 1024 * 1024; ///< Body.
  std::size_t header_count_max = 128;          ///< Of a request and of an answer.
  std::size_t header_bytes_max = 64 * 1024;    ///< Likewise; interim answers count, too.

  std::size_t idle_connections_max = 128;
  /// Shorter than the patience of usual servers, so that few connections are found closed.
  std::chrono::seconds idle_max{45};
};

} // namespace lapwing::net
