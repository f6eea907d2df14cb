// Broadcasts of private Realtime channels in the event store: each channel is a log of its own, with
// a room's writer and retention. Its name has a character that no room of the API can have, so neither
// can reach the other.
#pragma once

#include "actors/node_context.hpp"
#include "realtime/archive.hpp"

namespace lapwing {

class channel_archive final : public realtime::broadcast_archive {
public:
  /// Must outlive it; its directories and store are set before the first call.
  explicit channel_archive(const node_context& context) : context_(context) {}

  void keep(const std::string& channel, const realtime::broadcast_content& what,
            callback<std::uint64_t> done) override;
  void extent(const std::string& channel, callback<realtime::kept_extent> done) override;
  void read(const std::string& channel, std::uint64_t after, std::size_t limit,
            callback<realtime::kept_page> done) override;

private:
  const node_context& context_;
};

} // namespace lapwing
