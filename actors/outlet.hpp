// One client's place in the fan-out: where its bytes go, in which form, and how far it has come in
// each log. Lives on the home thread of its user together with the hubs that deliver to it, so a
// delivery is a function call and a write; it needs no lock.
//
// The session actor owns the outlet's course (joining, catching up, ending); a hub only delivers.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/cursor.hpp"
#include "core/event.hpp"
#include "core/stream.hpp"

namespace lapwing {

/// What one batch looked like for the last outlet, so that the next one in the same place of the
/// same form takes the same bytes. Belongs to one batch; cleared between batches.
class render_cache {
public:
  void clear() noexcept { codec_ = nullptr; }

private:
  friend class outlet;
  const wire_codec* codec_ = nullptr;
  bool full_payload_ = false;
  stream_cursor before_;
  stream_cursor after_;
  std::string bytes_;
  std::size_t count_ = 0;
};

/// What operators are shown of a stream.
struct stream_origin {
  user_id user;
  std::string peer;
  std::string transport;
  timestamp opened;
};

class outlet {
public:
  outlet(session_id id, const wire_codec& codec, stream_filter filter, stream_origin origin,
         std::shared_ptr<client_sink> sink);

  /// Writes those of the events that the client wants and has not had, joined into one write.
  /// Stored events move the cursor whether or not they were wanted. Returns how many were written.
  /// After an overflow the outlet is closed and takes no more.
  std::size_t deliver(std::span<const event_ptr> events, render_cache& cache);

  /// Writes one of our own messages; `resume` makes the cursor the client's resume point where the
  /// wire carries it beside the message.
  void control(std::string_view type, std::string_view json, bool resume);

  /// Ends the stream with a reason, once.
  void close(const error& reason);

  bool closed() const noexcept { return closed_; }
  /// The connection is gone: drop the sink without a word.
  void forget_sink() noexcept;

  session_id id() const noexcept { return id_; }
  stream_cursor& cursor() noexcept { return cursor_; }
  const stream_cursor& cursor() const noexcept { return cursor_; }
  const stream_filter& filter() const noexcept;
  void set_filter(stream_filter filter);
  client_sink* sink() const noexcept { return sink_.get(); }
  const wire_codec& codec() const noexcept { return *codec_; }
  std::uint64_t delivered() const noexcept { return delivered_; }
  const stream_origin& origin() const noexcept { return origin_; }

  std::optional<timestamp> token_expires; ///< Renewed by the client; looked at by the keeper.

private:
  session_id id_;
  const wire_codec* codec_;
  std::unique_ptr<stream_filter> filter_; ///< Null: everything, no payload. Most streams.
  std::shared_ptr<client_sink> sink_;
  stream_cursor cursor_;
  stream_origin origin_;
  std::uint64_t delivered_ = 0;
  bool closed_ = false;
};

using outlet_ptr = std::shared_ptr<outlet>;

} // namespace lapwing
