// The port behind which broadcasts of private channels are kept, so that whoever joins later, or
// comes back, can have them told again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "core/time.hpp"

namespace lapwing::realtime {

/// What was said in a channel.
struct broadcast_content {
  std::string payload;              ///< JSON: {"type","event","payload"}; unless there are bytes.
  std::optional<std::string> bytes; ///< Under the name `user_event`.
  std::string user_event;
};

struct kept_broadcast {
  std::uint64_t number = 0; ///< Counts up in its channel, with holes.
  timestamp at{};
  broadcast_content what;
};

/// Numbers up to `newest` were given, and broadcasts up to `trimmed` may be gone.
struct kept_extent {
  std::uint64_t newest = 0;
  std::uint64_t trimmed = 0;
};

struct kept_page {
  std::vector<kept_broadcast> broadcasts; ///< Ascending.
  std::uint64_t trimmed = 0;              ///< As of after the read.
};

/// Any thread; `done` is called once, on any thread. Errors: store_unavailable, rate_limited.
class broadcast_archive {
public:
  template <class T>
  using callback = std::function<void(result<T>)>;

  virtual ~broadcast_archive() = default;

  /// Those of longer names are not kept.
  static constexpr std::size_t channel_bytes_max = 512;

  /// Durable before `done`, which gets its number. Those of one channel are done in the order of
  /// their numbers.
  virtual void keep(const std::string& channel, const broadcast_content& what,
                    callback<std::uint64_t> done) = 0;
  virtual void extent(const std::string& channel, callback<kept_extent> done) = 0;
  /// Those above `after`, at most `limit`; fewer mean the end. errc::payload_too_large: they are too
  /// heavy to be given at once, ask for fewer.
  virtual void read(const std::string& channel, std::uint64_t after, std::size_t limit,
                    callback<kept_page> done) = 0;
};

/// `{"id":"7"}`, with `"replayed":true` if it is.
std::string broadcast_meta(std::uint64_t number, bool replayed);
/// A broadcast's payload with that as its `meta`.
std::string with_meta(std::string_view payload, std::string_view meta);

} // namespace lapwing::realtime
