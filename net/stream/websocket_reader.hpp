// Reading RFC 6455 on the server's side: a client's bytes, in pieces of any size, become messages,
// control frames, or the close code that answers a violation. Nothing is allocated while no frame
// is cut in two.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace lapwing {

class websocket_reader {
public:
  enum class event : std::uint8_t {
    need_more, ///< Everything given was taken.
    text,      ///< A whole message, valid UTF-8.
    binary,    ///< A whole message.
    ping,
    pong,
    close,     ///< `close_code` is 0 when the frame had none; nothing may follow.
    violation, ///< Answer with `close_code` and end; the reader takes nothing more.
  };

  struct step {
    event what = event::need_more;
    std::string_view payload;      ///< Lives until the next call, in the input or in the reader.
    std::uint16_t close_code = 0;  ///< For `close` and `violation`.
    std::string_view why{};        ///< For `violation`: a sentence for the close frame.
  };

  /// A longer message is a violation (1009).
  explicit websocket_reader(std::size_t message_bytes_max) noexcept;
  ~websocket_reader();
  websocket_reader(websocket_reader&&) noexcept;
  websocket_reader& operator=(websocket_reader&&) noexcept;

  /// Takes bytes from the front of `input` (which it unmasks in place) up to the end of one
  /// message or control frame. Call again until it needs more.
  step next(std::span<char>& input);

  /// True when nothing is kept: no half frame, no open message.
  bool idle() const noexcept { return !partial_; }

private:
  struct frame;
  struct partial;

  step take(const frame& f, std::span<char> payload);
  step take_data(const frame& f, std::span<char> payload);
  step take_control(const frame& f, std::string_view payload);
  std::uint16_t check(const frame& f, std::string_view& why) const;

  std::size_t message_bytes_max_;
  std::unique_ptr<partial> partial_;
};

} // namespace lapwing
