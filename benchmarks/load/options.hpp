// What the person at the command line asked for. Durations are seconds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "benchmarks/load/endpoint.hpp"
#include "benchmarks/load/stream_client.hpp"

namespace lapwing::load {

enum class scenario : std::uint8_t { connect, fanout, users, webhooks, end_to_end, resume };

/// Zeros in counts mean: what suits the scenario (with_defaults).
struct bench_options {
  scenario which = scenario::connect;
  endpoint target;
  transport how = transport::sse;

  std::size_t streams = 0;
  std::size_t users = 0;
  std::size_t publishers = 0; ///< Connections that send.
  std::size_t window = 0;     ///< fanout: events on the way to the room's members at most.
  double rate = 0;            ///< Sends a second, open loop; 0: as fast as answers come.
  bool rate_given = false;
  std::uint64_t requests_max = 0; ///< End after this many sends; 0: by time alone.
  bool ephemeral = false;         ///< Events that are not stored.
  std::size_t padding = 120;      ///< Bytes of padding in each sent event.
  std::size_t burst = 64;         ///< Streams that may be connecting at once, per thread.

  double warmup = 1;
  double duration = 5;
  double settle = 1;  ///< Rest after connecting, before memory is read.
  double drain = 10;  ///< Longest wait for what is still on its way.
  double outage = 1;  ///< resume: how long the streams stay away.
  std::size_t cuts = 3;

  std::size_t threads = 1;
  std::size_t runs = 1;
  bool json = false;
  int pid = 0; ///< The node's process; 0: the one that listens on the target's port.

  std::string prefix = "bench"; ///< Of the users' and rooms' names.
  std::string secret;           ///< GitHub webhook secret.
  std::string token;            ///< Bearer with the service role.
  std::string jwt_secret;       ///< HS256: mint tokens for users and, without `token`, for service.
};

std::string_view to_string_view(scenario which) noexcept;

/// Fills what was left open, or says what does not go together.
result<bench_options> with_defaults(bench_options asked);

} // namespace lapwing::load
