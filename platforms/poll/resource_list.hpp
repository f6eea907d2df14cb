// The resources of an endpoint or registration that another endpoint's items name
// ("channels.id": endpoint, then path in its items).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "core/connection_store.hpp"

namespace lapwing {

/// Splits "channels.id" into the endpoint's id and the path.
struct resource_source {
  std::string endpoint;
  std::string path;
};
resource_source resource_source_of(std::string_view text);

/// The values at `path` of the items, each once, in their order, at most `limit`. Items without it
/// are passed over.
std::vector<std::string> resources_in(const std::vector<polled_item>& items, std::string_view path,
                                      std::size_t limit);

} // namespace lapwing
