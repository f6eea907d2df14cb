// The network side of a node: listeners, HTTP, SSE and WebSocket on the node's I/O threads.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "core/engine.hpp"
#include "core/error.hpp"
#include "core/time.hpp"

namespace boost::asio {
class io_context;
}

namespace lapwing::net {

/// Life: constructed, `start`, any number of `reload`, `drain`, `stop`, destroyed. All calls from
/// one thread that is not an I/O thread.
class server {
public:
  /// `shards[i]` is run by home thread i, by one thread each: `home_of(user, shards.size())` picks
  /// the shard of a user's streams. They, `core` and `clock` must outlive the server. No socket is
  /// opened here.
  server(const config& settings, std::vector<boost::asio::io_context*> shards, engine& core,
         const wall_clock& clock);

  /// Closes what is still open. Only after `stop`, or when no shard's thread runs any more.
  ~server();

  server(const server&) = delete;
  server& operator=(const server&) = delete;

  /// Opens every listener of `node.listen` on every shard. Returns what was bound, one URL per
  /// listener ("http://127.0.0.1:41234", "https://..." with TLS). The shards may run already or
  /// begin later. errc::not_configured: an address, certificate or key that cannot be used.
  result<std::vector<std::string>> start();

  /// Stops accepting, closes idle connections, tells streams that the node goes (SSE: a jittered
  /// `retry:`; WebSocket: 1012), lets running requests end with `Connection: close`. Returns at
  /// once; `connections()` falls to 0.
  void drain();

  /// Closes every connection whatever it does and returns when all shards have done so; the shards
  /// must run. Afterwards the engine is not called any more.
  void stop();

  /// Takes over limits, secrets, CORS, time-outs and the TLS certificate without dropping a
  /// connection. Listeners stay as they are. On an error nothing has changed.
  result<bool> reload(const config& settings);

  /// Open client connections of all shards; any thread.
  std::size_t connections() const noexcept;

private:
  struct parts;
  std::unique_ptr<parts> parts_;
};

} // namespace lapwing::net
