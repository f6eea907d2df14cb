// The live tables that a configuration asks for.
#pragma once

#include <memory>

#include "config/config.hpp"
#include "core/error.hpp"
#include "realtime/change_feed.hpp"

namespace lapwing {

/// Of realtime.database_url, or else of node.database_url; null when neither is set. It connects
/// when it is started. errc::not_configured: that is no address.
result<std::unique_ptr<realtime::change_feed>> open_change_feed(const config& settings);

} // namespace lapwing
