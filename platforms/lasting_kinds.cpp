#include "platforms/lasting_kinds.hpp"

namespace lapwing {

std::vector<stored_kind> lasting_kinds(const std::vector<platform_spec>& platforms) {
  std::vector<stored_kind> out;
  for (const auto& platform : platforms) {
    auto keep_source = [&](const std::string& path) {
      if (!path.empty())
        out.push_back({platform.name.str(), path.substr(0, path.find('.'))});
    };
    for (const auto& endpoint : platform.poll.endpoints) {
      if (endpoint.cursor == cursor_style::digest)
        out.push_back({platform.name.str(), endpoint.id});
      keep_source(endpoint.resources_from);
    }
    keep_source(platform.registration.resources_from);
  }
  return out;
}

} // namespace lapwing
