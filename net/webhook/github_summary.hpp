// One sentence and a few fields of a GitHub event.
#pragma once

#include <string>
#include <string_view>

#include "net/webhook/json_reader.hpp"

namespace lapwing {

struct event_summary {
  std::string message; ///< For people.
  std::string json;    ///< A flat JSON object.
};

/// Events that are not known by name give "<event> <action> in <repository> by <sender>".
event_summary summarise_github(std::string_view event, json_view payload);

} // namespace lapwing
