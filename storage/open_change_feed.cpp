#include "storage/open_change_feed.hpp"

#include "storage/postgres/replication_feed.hpp"

namespace lapwing {

result<std::unique_ptr<realtime::change_feed>> open_change_feed(const config& settings) {
  postgres::replication_options options;
  options.url = settings.realtime.database_url.empty() ? settings.node.database_url
                                                       : settings.realtime.database_url;
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

} // namespace lapwing
