// Addresses that a node gives the providers.
#pragma once

#include <string>
#include <string_view>

#include "sim/text.hpp"

namespace lapwing::sim {

/// An address set in a provider's portal, for one person: "{user}" is their name.
inline std::string with_user(std::string_view pattern, std::string_view user) {
  std::string out{pattern};
  if (auto at = out.find("{user}"); at != std::string::npos)
    out.replace(at, 6, percent_encoded(user));
  return out;
}

/// Providers take https; http only because this world may live on one machine.
inline bool is_callback(std::string_view url) {
  return url.starts_with("https://") || url.starts_with("http://127.0.0.1")
         || url.starts_with("http://localhost") || url.starts_with("http://[::1]");
}

} // namespace lapwing::sim
