#include "core/stream.hpp"

#include <algorithm>

namespace lapwing {

bool stream_filter::wants(const event& e) const noexcept {
  auto has = [](const std::vector<std::string>& list, const std::string& text) {
    return list.empty() || std::find(list.begin(), list.end(), text) != list.end();
  };
  return has(types, e.type) && (platforms.empty() || has(platforms, e.platform));
}

} // namespace lapwing
