#include "storage/open_store.hpp"

#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

#include "storage/postgres/postgres_store.hpp"
#include "storage/sqlite_store.hpp"

namespace lapwing {
namespace {

/// The file in a data directory that is there, private to us, afterwards.
result<std::string> database_file(const config& settings) {
  const std::filesystem::path directory{settings.node.data_dir};
  std::error_code failure;
  if (std::filesystem::create_directories(directory, failure))
    std::filesystem::permissions(directory, std::filesystem::perms::owner_all, failure);
  if (failure)
    return error{errc::store_unavailable, "node.data_dir cannot be made: " + failure.message()};
  return (directory / "lapwing.db").string();
}

result<std::unique_ptr<node_store>> open_postgres(const config& settings,
                                                  const node_identity& node,
                                                  const wall_clock* clock) {
  postgres_options options;
  options.url = settings.node.database_url;
  options.migrate = settings.node.migrate;
  if (!node.id.empty())
    options.take_over_as = node;
  options.batch_max = settings.storage.batch_max;
  options.queue_max = settings.storage.queue_max;
  options.writer_connections = settings.storage.writer_connections;
  options.reader_connections = settings.storage.reader_threads;
  options.statement_timeout = settings.storage.statement_timeout;
  options.encryption_keys = settings.security.encryption_keys;
  options.clock = clock;
  auto store = postgres_store::open_url(std::move(options));
  if (!store)
    return store.error();
  return std::unique_ptr<node_store>{std::move(*store)};
}

} // namespace

result<std::unique_ptr<node_store>> open_store(const config& settings,
                                               const node_identity& node,
                                               const wall_clock* clock) {
  if (!settings.node.database_url.empty())
    return open_postgres(settings, node, clock);
  auto path = database_file(settings);
  if (!path)
    return path.error();
  sqlite_options options;
  options.path = std::move(*path);
  options.migrate = settings.node.migrate;
  options.batch_max = settings.storage.batch_max;
  options.queue_max = settings.storage.queue_max;
  options.reader_threads = settings.storage.reader_threads;
  options.cache_bytes = settings.storage.sqlite_cache;
  options.encryption_keys = settings.security.encryption_keys;
  options.clock = clock;
  auto store = sqlite_store::open_file(std::move(options));
  if (!store)
    return store.error();
  return std::unique_ptr<node_store>{std::move(*store)};
}

result<migration_report> migrate_store(const config& settings) {
  if (!settings.node.database_url.empty())
    return migrate_url(settings.node.database_url);
  auto path = database_file(settings);
  if (!path)
    return path.error();
  return migrate_file(*path);
}

} // namespace lapwing
