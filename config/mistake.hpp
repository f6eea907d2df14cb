// One thing that is wrong with a configuration, in words an operator can act on.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lapwing {

struct config_mistake {
  std::string where;   ///< "lapwing.toml:12:3", "LAPWING_NODE__THREADS", "--listen".
  std::string key;     ///< "limits.api_requests"; empty when the whole file is meant.
  std::string problem; ///< "900 is out of range". Never holds what was given for a secret.
  std::string remedy;  ///< "give an integer from 0 to 64", "did you mean node.threads?"

  friend bool operator==(const config_mistake&, const config_mistake&) = default;
};

/// One line: "lapwing.toml:12:3: limits.api_requests: -1 is out of range; give an integer ...".
std::string to_string(const config_mistake& mistake);

/// The candidate that `typed` most probably means, by edits and by last part; empty when none is
/// near.
std::string_view nearest(std::string_view typed, const std::vector<std::string_view>& candidates);

} // namespace lapwing
