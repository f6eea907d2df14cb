#include "app/log_journal.hpp"

#include <algorithm>
#include <string>

#include <spdlog/spdlog.h>

namespace lapwing {
namespace {

/// Messages carry names of platforms from files: nothing in them may break a line.
std::string plain(std::string text) {
  std::ranges::replace_if(text, [](char c) { return static_cast<unsigned char>(c) < ' '; }, ' ');
  return text;
}

/// It needs somebody: the person, or time.
bool is_trouble(const event_draft& what) {
  return what.type == "connection_status"
         && (what.extras.find("\"needs_reauth\"") != std::string::npos
             || what.extras.find("\"degraded\"") != std::string::npos);
}

} // namespace

void log_journal::due(std::size_t connections) {
  spdlog::info("{} {} due: tokens that end soon and polls", connections,
               connections == 1 ? "connection is" : "connections are");
}

void log_journal::told(const user_id& user, const event_draft& what) {
  auto level = is_trouble(what) ? spdlog::level::warn : spdlog::level::info;
  if (!spdlog::should_log(level))
    return;
  if (what.type == "token_refresh")
    return spdlog::info("token refreshed for {} (user: {})", what.platform, user.str());
  spdlog::log(level, "{} (user: {})", plain(what.message), user.str());
}

} // namespace lapwing
