#include "core/ids.hpp"

#include <algorithm>

namespace lapwing {

bool valid_user_id(std::string_view text) noexcept {
  constexpr std::string_view refused = "/?#%\\\",";
  return !text.empty() && text.size() <= user_id_bytes_max
         && std::all_of(text.begin(), text.end(), [&](char c) {
              return c > ' ' && c < 0x7f && refused.find(c) == std::string_view::npos;
            });
}

bool valid_room_id(std::string_view text) noexcept {
  return !text.empty() && text.size() <= room_id_bytes_max
         && std::all_of(text.begin(), text.end(), [](char c) {
              return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')
                     || c == ':' || c == '_' || c == '.' || c == '-';
            });
}

std::size_t home_of(std::string_view text, std::size_t home_count) noexcept {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (char c : text) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100000001b3ULL;
  }
  // FNV's low bits alone are weak for short texts with a common prefix: murmur3's finaliser.
  hash ^= hash >> 33;
  hash *= 0xff51afd7ed558ccdULL;
  hash ^= hash >> 33;
  return static_cast<std::size_t>(hash % home_count);
}

std::string to_string(session_id id) {
  constexpr char digits[] = "0123456789abcdef";
  auto value = static_cast<std::uint64_t>(id);
  std::string text(16, '0');
  for (std::size_t i = 16; i-- > 0; value >>= 4)
    text[i] = digits[value & 15];
  return text;
}

} // namespace lapwing
