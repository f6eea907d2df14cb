#include "storage/open_change_feed.hpp"

#include "storage/postgres/channel_rights.hpp"
#include "storage/postgres/replication_feed.hpp"

namespace lapwing {
namespace {

const std::string& database_of(const config& settings) {
  return settings.realtime.database_url.empty() ? settings.node.database_url
                                                : settings.realtime.database_url;
}

} // namespace

result<std::unique_ptr<realtime::change_feed>> open_change_feed(const config& settings) {
  postgres::replication_options options;
  options.url = database_of(settings);
  if (options.url.empty())
    return std::unique_ptr<realtime::change_feed>{};
  options.publication = settings.realtime.publication;
  options.resume_window = settings.realtime.resume_window;
  options.slot_bytes_max = settings.realtime.slot_bytes;
  auto opened = postgres::replication_feed::open(std::move(options));
  if (!opened)
    return opened.error();
  return std::unique_ptr<realtime::change_feed>{std::move(*opened)};
}

result<std::unique_ptr<realtime::channel_policy>> open_channel_policy(const config& settings) {
  if (database_of(settings).empty())
    return std::unique_ptr<realtime::channel_policy>{std::make_unique<realtime::claim_policy>()};
  auto opened = postgres::channel_rights::open(database_of(settings));
  if (!opened)
    return opened.error();
  return std::unique_ptr<realtime::channel_policy>{std::move(*opened)};
}

} // namespace lapwing
