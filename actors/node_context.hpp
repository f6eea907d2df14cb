// What every actor may use: the ports behind which the outside stands, the limits, and the actors
// that exist once per thread. Built by app/node.cpp before the first message; outlives the actors.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "actors/batch_writer.hpp"
#include "actors/event_log.hpp"
#include "actors/journal.hpp"
#include "actors/log_tail.hpp"
#include "actors/mail/mail_carrier.hpp"
#include "actors/room_relay.hpp"
#include "actors/stream_keeper.hpp"
#include "actors/user_directory.hpp"
#include "core/connection_store.hpp"
#include "core/store.hpp"
#include "core/time.hpp"
#include "platforms/drive/driver_host.hpp"
#include "platforms/spec.hpp"

namespace lapwing {

/// May change while the node runs (SIGHUP), so each is read where it is needed.
struct live_limits {
  std::atomic<std::size_t> sessions_per_user{16};
  std::atomic<std::size_t> session_queue{256 * 1024};
  std::atomic<std::uint64_t> webhook_requests{1000};
  std::atomic<std::chrono::milliseconds::rep> rate_window_ms{15 * 60 * 1000};
};

/// What is active now, for /health and the metrics: counted where it comes and goes.
struct live_counts {
  std::atomic<std::size_t> users{0};
  std::atomic<std::size_t> rooms{0}; ///< With at least one thread following.
};

struct node_context {
  event_store* store = nullptr;
  connection_store* connections = nullptr; ///< Null: this node connects no platforms.
  journal* log = nullptr; ///< Null: nobody reads.
  const wall_clock* clock = nullptr;
  std::function<std::uint64_t()> random; ///< Any thread.

  // Connected platforms; without specs this node connects none.
  std::vector<platform_spec> platforms;
  platform_traffic* traffic = nullptr;
  token_endpoints* endpoints = nullptr;
  /// One for each thread.
  std::vector<http_client*> outbound;
  std::string public_url;
  std::function<std::string()> fresh_secret; ///< See driver_ports. Any thread.

  live_limits limits;
  mutable live_counts counts;
  mutable mail_counts mail_figures;
  event_log_limits log_limits;
  tail_limits tails;
  std::size_t batch_max = 256;
  bool accept_unknown_users = false;
  std::chrono::milliseconds heartbeat{30'000};
  std::chrono::milliseconds request_timeout{8'000};
  std::chrono::milliseconds idle_after{30'000}; ///< Supervisors and rooms without work end then.
  std::size_t room_backlog_max = 1024;          ///< Events of a room not yet delivered by a relay.
  std::size_t fanout_slice = 64; ///< Members served before other work is let in.

  // One for each thread, by index.
  std::vector<user_directory_actor> directories;
  std::vector<room_relay_actor> relays;
  std::vector<batch_writer_actor> writers;
  std::vector<stream_keeper_actor> keepers;

  mail_carrier_actor mails; ///< Null: this node sends none.

  std::size_t homes() const noexcept { return directories.size(); }
};

} // namespace lapwing
