// From the configuration to a store.
#pragma once

#include <memory>

#include "config/config.hpp"
#include "storage/node_identity.hpp"
#include "storage/node_store.hpp"
#include "storage/schema_history.hpp"

namespace lapwing {

/// The store that `node.database_url` names: PostgreSQL, which `node` takes over from all others (one
/// without an id takes over nothing, and nobody fences it), or SQLite in `node.data_dir` (made if
/// missing) when it is empty. errc::not_configured: the address is none or the schema does not fit;
/// errc::store_unavailable: the database does not work. `clock` stamps rows; null: the system's.
result<std::unique_ptr<node_store>> open_store(const config& settings,
                                               const node_identity& node = {},
                                               const wall_clock* clock = nullptr);

/// Only applies the schema, and tells what it applied: `lapwing migrate`.
result<migration_report> migrate_store(const config& settings);

} // namespace lapwing
