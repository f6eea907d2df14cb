// The database that Realtime uses: its live tables, and its policies for private channels.
#pragma once

#include <memory>

#include "config/config.hpp"
#include "core/error.hpp"
#include "realtime/change_feed.hpp"
#include "realtime/service.hpp"

namespace lapwing {

/// Of realtime.database_url, or else of node.database_url; null when neither is set. It connects
/// when it is started. errc::not_configured: that is no address.
result<std::unique_ptr<realtime::change_feed>> open_change_feed(const config& settings);

/// By the policies of the same database; by claims when there is none. errc::not_configured.
result<std::unique_ptr<realtime::channel_policy>> open_channel_policy(const config& settings);

} // namespace lapwing
