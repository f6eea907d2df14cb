// The store for production: PostgreSQL 15 or later.
//
// * Threads of its own wait for the database, each with a connection: some append events, some read
//   them, some do everything else. Nothing blocks elsewhere.
// * Group commit: an appending thread takes everything that is queued (up to batch_max events or
//   16 MiB of them) into one transaction, with arrays in binary. Several are under way at once, but
//   never two with events of the same log: those are stored in the order of their numbers.
// * A request that is refused for a fault of its own does not touch the others of its group: each is
//   then done by itself.
// * Without the database everything is errc::store_unavailable, at once but for whoever is waiting
//   already; the store tries to reach it again at growing intervals up to a second. Whether an append
//   that was under way then is stored, only the database knows: its redelivery is a duplicate or not.
// * Every write holds this node's fence (storage/postgres/fence.hpp), if it has one.
// * `read` always gives min(limit, what there is) events. Its memory is bounded by read_bytes_max:
//   more is errc::payload_too_large. With limit 1 there is always an answer.
// * What a user asks for (events of their log, connections, items) is read as that user, under the
//   policies of schema/postgres/0002_row_security.sql.
// * NOTIFY is not used: a node knows what it has committed, and no other node asks yet.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "storage/node_store.hpp"
#include "storage/postgres/fence.hpp"
#include "storage/schema_history.hpp"
#include "storage/secret_box.hpp"

namespace lapwing {

struct postgres_options {
  std::string url;              ///< postgresql://..., with TLS and time limits as it says.
  bool migrate = true;          ///< Otherwise an old schema is errc::not_configured.
  /// With it the node takes the database over from all others: postgres::take_over.
  std::optional<node_identity> take_over_as{};
  /// Or the fence of a node that somebody else has registered.
  postgres::node_fence fence{};
  std::size_t batch_max = 256;
  std::size_t queue_max = 8192;   ///< Events waiting to be appended; others: jobs waiting.
  std::size_t writer_connections = 4;
  std::size_t reader_connections = 2; ///< For events, and as many again for everything else.
  std::chrono::milliseconds statement_timeout{5000};
  std::size_t read_bytes_max = 64 * 1024 * 1024; ///< Events in one answer of `read`.
  /// Newest first, as security.encryption_keys; without any, no secret can be kept or read.
  std::vector<std::string> encryption_keys{};
  /// Of the columns created_at and updated_at; null: the system's. It must outlive the store.
  const wall_clock* clock = nullptr;
  random_source random = system_random; ///< For nonces and row ids; on any of the store's threads.
};

/// What the store has done since it was opened; for metrics.
struct postgres_counts {
  std::uint64_t stored = 0;
  std::uint64_t duplicates = 0;
  std::uint64_t commits = 0; ///< Groups of appends.
  std::uint64_t failed_commits = 0;
};

class postgres_store final : public node_store {
public:
  /// errc::not_configured: the address is none, the schema does not fit, or a key is none;
  /// errc::store_unavailable: the database cannot be reached.
  static result<std::unique_ptr<postgres_store>> open_url(postgres_options options);

  /// Does what was taken, then closes. Calls that come during that are refused.
  ~postgres_store() override;

  void append(std::vector<append_request> batch,
              callback<std::vector<append_result>> done) override;
  void read(log_id log, sequence after, std::size_t limit,
            callback<event_range> done) override;
  void find(log_id log, sequence seq, callback<event_ptr> done) override;
  void open(log_id log, callback<log_state> done) override;
  void put_user(user_id user, std::vector<account> accounts, callback<bool> done) override;
  void find_account(account which, callback<std::optional<user_id>> done) override;
  void trim(retention_rule rule, callback<retention_step> done) override;
  void check(callback<bool> done) override;
  connection_store& connections() noexcept override;
  outbox_store& outbox() noexcept override;

  /// Any thread.
  postgres_counts counts() const noexcept;
  const migration_report& migrations() const noexcept;
  /// This node's, after it has taken over.
  const postgres::node_fence& fence() const noexcept;

private:
  struct parts;
  explicit postgres_store(std::unique_ptr<parts> made);
  std::unique_ptr<parts> parts_;
};

/// Only brings the database to this program's schema: `lapwing migrate`. Also beside running nodes.
result<migration_report> migrate_url(const std::string& url);

} // namespace lapwing
