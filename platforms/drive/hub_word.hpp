// A hub's question or word about a subscription (WebSub 5.3, PLATFORMS 1.5).
#pragma once

#include <chrono>
#include <string>

namespace lapwing {

struct hub_word {
  std::string mode;  ///< subscribe, unsubscribe or denied.
  std::string topic;
  std::chrono::seconds lease{0};
};

} // namespace lapwing
