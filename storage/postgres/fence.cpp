#include "storage/postgres/fence.hpp"

#include "storage/postgres/failure.hpp"
#include "storage/postgres/parameters.hpp"
#include "storage/postgres/pqxx.hpp"
#include "storage/postgres/settings.hpp"

namespace lapwing::postgres {
namespace {

/// Rows of nodes that are gone are kept for whoever looks into what happened, but not for ever.
constexpr const char* forget_old_nodes
  = "DELETE FROM nodes WHERE state = 'dead' AND epoch < (SELECT max(epoch) FROM nodes) - 100";

} // namespace

node_fence take_over(const connection_settings& settings, const node_identity& node) {
  bool open = false;
  try {
    pqxx::connection connection{settings.parameters};
    open = true;
    pqxx::nontransaction{connection}.exec(settings.preparation);
    pqxx::work transaction{connection};
    // One after the other, so that of two that start at once the later one wins.
    transaction.exec("LOCK TABLE nodes IN SHARE ROW EXCLUSIVE MODE");
    const auto others
      = transaction.exec("SELECT epoch FROM nodes WHERE state <> 'dead' ORDER BY epoch");
    for (const auto& row : others)
      transaction.exec_params("SELECT lapwing_declare_dead($1)", row[0].as<std::int64_t>());
    transaction.exec(forget_old_nodes);
    const auto row = transaction.exec_params1(
      "INSERT INTO nodes (id, address, epoch, state, version, started_at)"
      " VALUES ($1, $2, nextval('node_epochs'), 'live', $3, clock_timestamp())"
      " ON CONFLICT (id) DO UPDATE SET address = excluded.address, epoch = excluded.epoch,"
      " state = 'live', version = excluded.version, started_at = excluded.started_at"
      " RETURNING epoch",
      to_text_column(node.id), node.address, node.version);
    node_fence fence{to_text_column(node.id), row[0].as<std::int64_t>()};
    transaction.commit();
    return fence;
  } catch (...) {
    throw current_failure(open);
  }
}

} // namespace lapwing::postgres
