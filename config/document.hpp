// The table of keys, written out for people: the sample file and the reference.
#pragma once

#include <string>

namespace lapwing {

/// config/lapwing.toml: every key with its default, unit and reason.
std::string sample_toml();

/// docs/configuration.md.
std::string configuration_markdown();

} // namespace lapwing
