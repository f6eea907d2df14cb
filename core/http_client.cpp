#include "core/http_client.hpp"

#include <algorithm>
#include <cctype>

namespace lapwing {

std::string_view http_response::header(std::string_view name) const noexcept {
  auto same = [](char a, char b) {
    return std::tolower(static_cast<unsigned char>(a)) == std::tolower(static_cast<unsigned char>(b));
  };
  for (const auto& [key, value] : headers)
    if (key.size() == name.size() && std::equal(key.begin(), key.end(), name.begin(), same))
      return value;
  return {};
}

} // namespace lapwing
