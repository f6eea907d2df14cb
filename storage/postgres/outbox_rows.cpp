#include "storage/postgres/outbox_rows.hpp"

#include <algorithm>

#include "storage/row_values.hpp"

namespace lapwing::postgres {
namespace {

/// A time as milliseconds since 1970, 0 for NULL.
std::string milliseconds_of(const std::string& column) {
  return "coalesce(floor(extract(epoch FROM " + column + ") * 1000)::bigint, 0)";
}

timestamp time_of(const pqxx::field& field) {
  return timestamp{std::chrono::milliseconds{field.as<std::int64_t>()}};
}

std::uint64_t number_of(const pqxx::field& field) {
  return static_cast<std::uint64_t>(field.as<std::int64_t>());
}

std::int64_t to_row_id(std::uint64_t id) noexcept {
  return static_cast<std::int64_t>(id);
}

const char* state_after(outbox_outcome::fate what) noexcept {
  switch (what) {
    case outbox_outcome::fate::sent: return "sent";
    case outbox_outcome::fate::again: return "waiting";
    case outbox_outcome::fate::dead: return "dead";
  }
  return "dead";
}

} // namespace

void prepare_outbox(pqxx::connection& connection) {
  connection.prepare("claim_outgoing",
                     "WITH due AS (SELECT id AS due_id, due_at AS was_due FROM outbox"
                     " WHERE kind = $1 AND (due_at <= $2::timestamptz"
                     " OR due_at > $5::timestamptz)"
                     " ORDER BY due_at, id LIMIT $4::bigint FOR UPDATE SKIP LOCKED)"
                     " UPDATE outbox SET state = 'sending', due_at = $3::timestamptz,"
                     " claim_count = claim_count + 1 FROM due WHERE id = due_id"
                     " RETURNING id, claim_count, dedup_key, body::text, attempt_count, "
                       + milliseconds_of("queued_at") + ", " + milliseconds_of("was_due"));
  connection.prepare("next_outgoing", "SELECT " + milliseconds_of("min(due_at)")
                                        + ", min(due_at) IS NULL FROM outbox WHERE kind = $1"
                                          " AND due_at IS NOT NULL AND id <> ALL ($2::bigint[])");
  connection.prepare("settle_outgoing",
                     "UPDATE outbox SET state = $3, attempt_count = attempt_count + $4::integer,"
                     " due_at = $5::timestamptz, done_at = $6::timestamptz, error_message = $7,"
                     " body = CASE $3 WHEN 'sent' THEN '{}'::jsonb ELSE body END"
                     " WHERE id = $1 AND claim_count = $2 AND state = 'sending'");
  connection.prepare("count_outgoing",
                     "SELECT (SELECT count(*) FROM (SELECT FROM outbox WHERE kind = $1"
                     " AND due_at IS NOT NULL LIMIT $2::bigint) AS counted),"
                     " (SELECT count(*) FROM (SELECT FROM outbox WHERE kind = $1"
                     " AND state = 'dead' LIMIT $2::bigint) AS counted)");
  connection.prepare("dead_outgoing", "SELECT id, coalesce(user_id, ''), attempt_count,"
                                      " coalesce(error_message, ''), "
                                        + milliseconds_of("created_at") + ", "
                                        + milliseconds_of("done_at")
                                        + " FROM outbox WHERE kind = $1 AND state = 'dead'"
                                          " ORDER BY id DESC LIMIT $2::bigint");
  connection.prepare("resend_outgoing",
                     "UPDATE outbox SET state = 'waiting', due_at = $3::timestamptz,"
                     " queued_at = $3::timestamptz, attempt_count = 0, done_at = NULL,"
                     " error_message = NULL WHERE id IN (SELECT id FROM outbox WHERE kind = $1"
                     " AND state = 'dead' AND ($2::bigint IS NULL OR id = $2::bigint) ORDER BY id"
                     " LIMIT $4::bigint FOR UPDATE)");
  connection.prepare("trim_outgoing",
                     "DELETE FROM outbox WHERE id IN (SELECT id FROM outbox WHERE kind = $1"
                     " AND done_at < $2::timestamptz ORDER BY done_at LIMIT $3::bigint"
                     " FOR UPDATE SKIP LOCKED)");
}

outbox_claims claim_outgoing(pqxx::transaction_base& transaction, const std::string& kind,
                             timestamp now, timestamp until, std::size_t limit) {
  struct taken {
    timestamp was_due;
    outbox_claim entry;
  };
  std::vector<taken> all;
  std::string ids = "{";
  for (const auto& row : transaction.exec_prepared("claim_outgoing", kind, to_row_time(now),
                                                   to_row_time(until), to_column(limit),
                                                   to_row_time(now + outbox_store::due_horizon))) {
    ids += (all.empty() ? "" : ",") + row[0].as<std::string>();
    all.push_back({time_of(row[6]),
                   {number_of(row[0]), number_of(row[1]), row[2].as<std::string>(),
                    row[3].as<std::string>(), static_cast<std::uint32_t>(row[4].as<std::int32_t>()),
                    time_of(row[5])}});
  }
  // An UPDATE returns its rows in any order.
  std::ranges::sort(all, {}, [](const taken& one) { return std::pair{one.was_due, one.entry.id}; });
  outbox_claims found;
  for (auto& one : all)
    found.entries.push_back(std::move(one.entry));
  const auto next = transaction.exec_prepared1("next_outgoing", kind, ids + '}');
  if (!next[1].as<bool>())
    found.next_due = time_of(next[0]);
  return found;
}

bool settle_outgoing(pqxx::transaction_base& transaction, std::uint64_t id, std::uint64_t claim,
                     const outbox_outcome& how) {
  const bool again = how.what == outbox_outcome::fate::again;
  const auto when = [](bool applies, timestamp time) {
    return applies ? std::optional{to_row_time(time)} : std::nullopt;
  };
  return transaction
           .exec_prepared("settle_outgoing", to_row_id(id), to_row_id(claim),
                          state_after(how.what), how.counts ? 1 : 0, when(again, how.due),
                          when(!again, how.ended_at), unless_empty(how.cause))
           .affected_rows()
         > 0;
}

outbox_report report_outgoing(pqxx::transaction_base& transaction, const std::string& kind,
                              std::size_t letters_max) {
  outbox_report out;
  const auto counts = transaction.exec_prepared1("count_outgoing", kind,
                                                 to_column(outbox_store::counted_max));
  out.waiting = number_of(counts[0]);
  out.dead = number_of(counts[1]);
  for (const auto& row : transaction.exec_prepared("dead_outgoing", kind, to_column(letters_max)))
    out.letters.push_back({number_of(row[0]), row[1].as<std::string>(),
                           static_cast<std::uint32_t>(row[2].as<std::int32_t>()),
                           row[3].as<std::string>(), time_of(row[4]), time_of(row[5])});
  return out;
}

std::size_t resend_outgoing(pqxx::transaction_base& transaction, const std::string& kind,
                            std::optional<std::uint64_t> id, timestamp now, std::size_t limit) {
  return transaction
    .exec_prepared("resend_outgoing", kind, id ? std::optional{to_row_id(*id)} : std::nullopt,
                   to_row_time(now), to_column(limit))
    .affected_rows();
}

std::size_t trim_outgoing(pqxx::transaction_base& transaction, const std::string& kind,
                          timestamp before, std::size_t limit) {
  return transaction
    .exec_prepared("trim_outgoing", kind, to_row_time(before), to_column(limit))
    .affected_rows();
}

} // namespace lapwing::postgres
