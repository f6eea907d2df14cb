#include "benchmarks/load/http_response.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace lapwing::load {
namespace {

char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

bool same_word(std::string_view a, std::string_view b) noexcept {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view trimmed(std::string_view text) noexcept {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
    text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r'))
    text.remove_suffix(1);
  return text;
}

template <class Number>
bool parse_number(std::string_view text, Number& value, int base = 10) noexcept {
  const auto* end = text.data() + text.size();
  const auto [next, failure] = std::from_chars(text.data(), end, value, base);
  return failure == std::errc{} && next == end;
}

} // namespace

parsed parse_response_head(std::string_view in, response_head& head, std::size_t& used) {
  const auto end = in.find("\r\n\r\n");
  if (end == std::string_view::npos)
    return in.size() > response_head_max ? parsed::broken : parsed::need_more;
  used = end + 4;
  auto lines = in.substr(0, end + 2);
  const auto next_line = [&lines] {
    const auto stop = lines.find("\r\n");
    const auto line = lines.substr(0, stop);
    lines.remove_prefix(stop + 2);
    return line;
  };
  const auto status_line = next_line();
  head = {};
  if (status_line.size() < 12 || !status_line.starts_with("HTTP/1.")
      || !parse_number(status_line.substr(9, 3), head.status))
    return parsed::broken;
  head.keep_alive = status_line[7] != '0';
  while (!lines.empty()) {
    const auto line = next_line();
    const auto colon = line.find(':');
    if (colon == std::string_view::npos)
      return parsed::broken;
    const auto name = line.substr(0, colon);
    const auto value = trimmed(line.substr(colon + 1));
    if (same_word(name, "content-length")) {
      std::uint64_t length = 0;
      if (!parse_number(value, length))
        return parsed::broken;
      head.content_length = length;
    } else if (same_word(name, "transfer-encoding")) {
      head.chunked = same_word(value, "chunked");
      if (!head.chunked)
        return parsed::broken;
    } else if (same_word(name, "connection") && same_word(value, "close")) {
      head.keep_alive = false;
    }
  }
  return parsed::complete;
}

std::size_t chunk_decoder::decode(char* data, std::size_t size) noexcept {
  std::size_t written = 0;
  for (std::size_t at = 0; at < size;) {
    const char c = data[at];
    switch (state_) {
      case state::size_digits: {
        unsigned digit = 0;
        if (!parse_number(std::string_view{&c, 1}, digit, 16)) {
          state_ = digits_ == 0 ? state::broken : state::size_rest;
          break; // The same byte again, in its new meaning.
        }
        left_ = left_ << 4 | digit;
        // Fifteen digits cannot overflow, and no chunk is that long.
        if (++digits_ > 15)
          state_ = state::broken;
        ++at;
        break;
      }
      case state::size_rest:
        if (c == '\n') {
          state_ = left_ == 0 ? state::trailer : state::content;
          trailer_line_empty_ = true;
        }
        ++at;
        break;
      case state::content: {
        const auto take = static_cast<std::size_t>(std::min<std::uint64_t>(left_, size - at));
        if (written != at)
          std::memmove(data + written, data + at, take);
        written += take;
        at += take;
        left_ -= take;
        if (left_ == 0)
          state_ = state::content_end;
        break;
      }
      case state::content_end:
        if (c == '\n') {
          state_ = state::size_digits;
          digits_ = 0;
        } else if (c != '\r') {
          state_ = state::broken;
        }
        ++at;
        break;
      case state::trailer:
        if (c == '\n') {
          if (trailer_line_empty_)
            state_ = state::complete;
          trailer_line_empty_ = true;
        } else if (c != '\r') {
          trailer_line_empty_ = false;
        }
        ++at;
        break;
      case state::complete:
      case state::broken: return written;
    }
  }
  return written;
}

} // namespace lapwing::load
