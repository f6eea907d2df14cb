// What a person's account brought forth: the truth that a reader's store is compared with.
#pragma once

#include <string>
#include <vector>

#include "core/time.hpp"

namespace lapwing::sim {

struct produced_item {
  std::string endpoint;         ///< Which polled endpoint shows it, as in facts: "history", ...
  std::vector<std::string> key; ///< The natural key, part by part.
  timestamp at{};
};

} // namespace lapwing::sim
