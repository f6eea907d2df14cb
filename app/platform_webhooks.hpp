// A platform added by a file brings the scheme of its webhooks with it.
#pragma once

#include <vector>

#include "config/config.hpp"
#include "platforms/spec.hpp"

namespace lapwing {

/// `settings`, with a [webhooks.custom.NAME] for each platform that has a secret of its own. What the
/// configuration itself says of a name wins. The eight that ship have their secrets in [webhooks].
config with_platform_webhooks(config settings, const std::vector<platform_spec>& platforms);

} // namespace lapwing
