// Reading HTTP/1.1 responses (RFC 9112), as much as a client of our own node needs. Pure: bytes in,
// values out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace lapwing::load {

struct response_head {
  int status = 0;
  bool chunked = false;
  bool keep_alive = true;
  std::optional<std::uint64_t> content_length; ///< Absent and not chunked: until the end (or 101).
};

enum class parsed : std::uint8_t { complete, need_more, broken };

/// A head larger than this is broken.
inline constexpr std::size_t response_head_max = 16 * 1024;

/// Reads a head from the front of `in`; `used` is its length with the blank line.
parsed parse_response_head(std::string_view in, response_head& head, std::size_t& used);

/// Takes the chunk framing (RFC 9112 7.1) out of a stream of bytes, in place.
class chunk_decoder {
public:
  /// Rewrites `size` bytes at `data` to their content and returns the content's length. After the
  /// last chunk `complete()` is true and further bytes are ignored.
  std::size_t decode(char* data, std::size_t size) noexcept;

  bool complete() const noexcept { return state_ == state::complete; }
  bool broken() const noexcept { return state_ == state::broken; }

private:
  enum class state : std::uint8_t {
    size_digits,
    size_rest, ///< Extensions, up to the line's end.
    content,
    content_end, ///< CRLF after the content.
    trailer,
    complete,
    broken,
  };

  std::uint64_t left_ = 0;
  state state_ = state::size_digits;
  std::uint8_t digits_ = 0;
  bool trailer_line_empty_ = true;
};

} // namespace lapwing::load
