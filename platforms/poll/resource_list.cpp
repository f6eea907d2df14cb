#include "platforms/poll/resource_list.hpp"

#include <algorithm>

#include "platforms/poll/json_slice.hpp"

namespace lapwing {

resource_source resource_source_of(std::string_view text) {
  auto dot = text.find('.');
  if (dot == std::string_view::npos)
    return {std::string{text}, {}};
  return {std::string{text.substr(0, dot)}, std::string{text.substr(dot + 1)}};
}

std::vector<std::string> resources_in(const std::vector<polled_item>& items, std::string_view path,
                                      std::size_t limit) {
  std::vector<std::string> out;
  for (const auto& item : items) {
    if (out.size() >= limit)
      break;
    auto root = json_slice::check(item.json);
    auto value = root ? root->at(path).scalar() : std::nullopt;
    if (value && !value->empty() && std::find(out.begin(), out.end(), *value) == out.end())
      out.push_back(std::move(*value));
  }
  return out;
}

} // namespace lapwing
