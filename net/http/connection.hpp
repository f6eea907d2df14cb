// What a shard knows of each of its sockets: an object that is told when something is ready.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "net/http/transport.hpp"

namespace lapwing::net {

class shard;

/// Lives in a slot of one shard; everything on that shard's thread.
class connection {
public:
  connection(shard& home, transport link) noexcept : home_(home), link_(std::move(link)) {}
  virtual ~connection() = default;
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;

  /// The socket can be read or written again, or it broke. Also once when it enters its shard.
  virtual void on_ready() = 0;
  /// The time that was set with shard::set_deadline has come.
  virtual void on_deadline() = 0;
  /// The node drains.
  virtual void on_drain() = 0;
  /// The node ends: let go of everything; the shard has removed this already.
  virtual void on_stop() = 0;

  std::uint32_t slot() const noexcept { return slot_; }
  /// True between shard::add and shard::remove or release.
  bool member() const noexcept { return slot_ != no_slot; }
  const peer_address& peer() const noexcept { return link_.peer(); }

protected:
  shard& home() const noexcept { return home_; }
  transport& link() noexcept { return link_; }

private:
  friend class shard;
  static constexpr std::uint32_t no_slot = ~std::uint32_t{0};

  shard& home_;
  transport link_;
  std::uint32_t slot_ = no_slot;
};

} // namespace lapwing::net
