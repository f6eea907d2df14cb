// What all shards of a server share.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/engine.hpp"
#include "core/time.hpp"
#include "net/auth/https_fetcher.hpp"
#include "net/http/connection_limits.hpp"
#include "net/http/settings.hpp"
#include "net/stream/sse_codec.hpp"
#include "net/stream/websocket_codec.hpp"

namespace lapwing::net {

class route_table;
class shard;

struct node {
  node(engine& the_engine, const wall_clock& the_clock, std::string run_name);
  ~node();

  /// The shard on which everything of this user lives.
  shard& home_of_user(const user_id& user) const noexcept;
  session_id next_session() noexcept;

  engine& core;
  const wall_clock& clock;
  const std::string run; ///< Eight random hex digits of this start: request ids, CloudEvent ids.

  connection_limits connections;
  body_budget bodies;
  https_fetcher fetcher; ///< Before what uses its port.
  std::unique_ptr<route_table> routes;
  sse_codec sse;
  sse_cloudevents_codec sse_cloudevents;
  websocket_codec websocket;
  websocket_cloudevents_codec websocket_cloudevents;
  std::vector<std::unique_ptr<shard>> shards;

private:
  std::atomic<std::uint64_t> next_session_{1};
};

} // namespace lapwing::net
