#include "platforms/poll/instant.hpp"

#include <algorithm>
#include <charconv>

namespace lapwing {

std::optional<instant> parse_instant(std::string_view text) {
  auto number = [&](std::size_t at) {
    auto size = at == 0 ? std::size_t{4} : std::size_t{2};
    int value = 0;
    std::from_chars(text.data() + at, text.data() + at + size, value);
    return value;
  };
  auto fits = [&](std::size_t from, std::string_view shape) {
    if (text.size() < from + shape.size())
      return false;
    for (std::size_t i = 0; i < shape.size(); ++i) {
      char c = text[from + i];
      if (shape[i] == '0' ? c < '0' || c > '9' : c != shape[i])
        return false;
    }
    return true;
  };
  constexpr std::string_view shape = "0000-00-00T00:00:00";
  if (!fits(0, shape))
    return std::nullopt;
  using namespace std::chrono;
  auto date = year{number(0)} / number(5) / number(8);
  auto hour = number(11);
  auto minute = number(14);
  auto second = number(17);
  if (!date.ok() || hour > 23 || minute > 59 || second > 60)
    return std::nullopt;
  instant out{sys_days{date} + hours{hour} + minutes{minute} + seconds{second}, {}};
  auto at = shape.size();
  if (at < text.size() && text[at] == '.') {
    auto end = std::min(text.find_first_not_of("0123456789", at + 1), text.size());
    if (end == at + 1)
      return std::nullopt;
    out.fraction = text.substr(at + 1, end - at - 1);
    while (!out.fraction.empty() && out.fraction.back() == '0')
      out.fraction.remove_suffix(1);
    at = end;
  }
  if (text.substr(at) == "Z")
    return out;
  bool is_ahead = fits(at, "+00:00");
  if (text.size() != at + 6 || (!is_ahead && !fits(at, "-00:00")))
    return std::nullopt;
  auto offset_hours = number(at + 1);
  auto offset_minutes = number(at + 4);
  if (offset_hours > 23 || offset_minutes > 59)
    return std::nullopt;
  auto offset = hours{offset_hours} + minutes{offset_minutes};
  out.second -= is_ahead ? offset : -offset;
  return out;
}

std::string to_whole_seconds(timestamp time) {
  auto text = to_rfc3339(time);
  auto dot = text.find('.');
  return dot == std::string::npos ? text : text.substr(0, dot) + 'Z';
}

} // namespace lapwing
