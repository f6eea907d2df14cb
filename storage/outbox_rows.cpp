#include "storage/outbox_rows.hpp"

#include "storage/row_values.hpp"

namespace lapwing {
namespace {

std::int64_t to_number(timestamp time) noexcept {
  return time.time_since_epoch().count();
}

timestamp to_time(std::int64_t number) noexcept {
  return timestamp{std::chrono::milliseconds{number}};
}

std::int64_t to_row_id(std::uint64_t id) noexcept {
  return static_cast<std::int64_t>(id);
}

/// The column `state`, and whether due_at and done_at have a value in it.
std::string_view state_after(outbox_outcome::fate what) noexcept {
  switch (what) {
    case outbox_outcome::fate::sent: return "sent";
    case outbox_outcome::fate::again: return "waiting";
    case outbox_outcome::fate::dead: return "dead";
  }
  return "dead";
}

} // namespace

outbox_writer::outbox_writer(sqlite_connection& connection)
    : connection_(&connection),
      put_(connection, "INSERT INTO outbox (kind, user_id, dedup_key, body, due_at, created_at,"
                       " queued_at) VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?5)"
                       " ON CONFLICT (dedup_key) DO NOTHING"),
      find_due_(connection, "SELECT id, dedup_key, body, attempt_count, claim_count, queued_at"
                            " FROM outbox WHERE kind = ?1 AND due_at <= ?2"
                            " ORDER BY due_at, id LIMIT ?3"),
      find_too_far_(connection, "SELECT id, dedup_key, body, attempt_count, claim_count, queued_at"
                                " FROM outbox WHERE kind = ?1 AND due_at > ?2"
                                " ORDER BY due_at, id LIMIT ?3"),
      take_(connection, "UPDATE outbox SET state = 'sending', due_at = ?2,"
                        " claim_count = claim_count + 1 WHERE id = ?1"),
      next_due_(connection, "SELECT due_at FROM outbox WHERE kind = ?1 AND due_at IS NOT NULL"
                            " ORDER BY due_at, id LIMIT 1 OFFSET ?2"),
      settle_(connection,
              "UPDATE outbox SET state = ?3, attempt_count = attempt_count + ?4, due_at = ?5,"
              " done_at = ?6, error_message = ?7,"
              " body = CASE ?3 WHEN 'sent' THEN '{}' ELSE body END"
              " WHERE id = ?1 AND claim_count = ?2 AND state = 'sending'"),
      resend_(connection, "UPDATE outbox SET state = 'waiting', due_at = ?3, queued_at = ?3,"
                          " attempt_count = 0, done_at = NULL, error_message = NULL"
                          " WHERE id IN (SELECT id FROM outbox WHERE kind = ?1 AND state = 'dead'"
                          " AND (?2 IS NULL OR id = ?2) ORDER BY id LIMIT ?4)"),
      trim_(connection, "DELETE FROM outbox WHERE id IN (SELECT id FROM outbox WHERE kind = ?1"
                        " AND done_at < ?2 ORDER BY done_at LIMIT ?3)") {}

void outbox_writer::put(const outbox_item& item) {
  put_.bind(1, item.kind);
  if (item.user.empty())
    put_.bind_null(2);
  else
    put_.bind(2, item.user.str());
  put_.bind(3, item.key).bind(4, item.body).bind(5, to_number(item.queued_at)).run();
}

void outbox_writer::find(sqlite_statement& which, const std::string& kind, timestamp time,
                         std::size_t limit, outbox_claims& into) {
  reset_at_end ends{which};
  which.bind(1, kind).bind(2, to_number(time)).bind(3, to_column(limit));
  while (which.step()) {
    auto& one = into.entries.emplace_back();
    one.id = static_cast<std::uint64_t>(which.integer(0));
    one.key = which.text(1);
    one.body = which.text(2);
    one.attempt_count = static_cast<std::uint32_t>(which.integer(3));
    one.claim = static_cast<std::uint64_t>(which.integer(4)) + 1;
    one.queued_at = to_time(which.integer(5));
  }
}

outbox_claims outbox_writer::claim(const std::string& kind, timestamp now, timestamp until,
                                   std::size_t limit) {
  outbox_claims found;
  find(find_due_, kind, now, limit, found);
  {
    // Those found are the first.
    reset_at_end ends{next_due_};
    if (next_due_.bind(1, kind).bind(2, to_column(found.entries.size())).step())
      found.next_due = to_time(next_due_.integer(0));
  }
  if (found.entries.size() < limit && found.next_due) {
    const auto before = found.entries.size();
    find(find_too_far_, kind, now + outbox_store::due_horizon, limit - before, found);
    // If the next one is among them, the others after it wait for another look.
    if (found.entries.size() > before && *found.next_due > now + outbox_store::due_horizon)
      found.next_due = until;
  }
  for (const auto& one : found.entries)
    take_.bind(1, to_row_id(one.id)).bind(2, to_number(until)).run();
  return found;
}

bool outbox_writer::settle(std::uint64_t id, std::uint64_t claim, const outbox_outcome& how) {
  const bool again = how.what == outbox_outcome::fate::again;
  settle_.bind(1, to_row_id(id)).bind(2, to_row_id(claim)).bind(3, state_after(how.what));
  settle_.bind(4, std::int64_t{how.counts ? 1 : 0});
  settle_.bind_optional(5, again ? std::optional{to_number(how.due)} : std::nullopt);
  settle_.bind_optional(6, again ? std::nullopt : std::optional{to_number(how.ended_at)});
  settle_.bind_optional(7, unless_empty(how.cause)).run();
  return connection_->changes() > 0;
}

std::size_t outbox_writer::resend(const std::string& kind, std::optional<std::uint64_t> id,
                                  timestamp now, std::size_t limit) {
  resend_.bind(1, kind).bind_optional(2, id ? std::optional{to_row_id(*id)} : std::nullopt);
  resend_.bind(3, to_number(now)).bind(4, to_column(limit)).run();
  return static_cast<std::size_t>(connection_->changes());
}

std::size_t outbox_writer::trim(const std::string& kind, timestamp before, std::size_t limit) {
  trim_.bind(1, kind).bind(2, to_number(before)).bind(3, to_column(limit)).run();
  return static_cast<std::size_t>(connection_->changes());
}

outbox_reader::outbox_reader(sqlite_connection& connection)
    : count_waiting_(connection, "SELECT count(*) FROM (SELECT 1 FROM outbox WHERE kind = ?1"
                                 " AND due_at IS NOT NULL LIMIT ?2)"),
      count_dead_(connection, "SELECT count(*) FROM (SELECT 1 FROM outbox WHERE kind = ?1"
                              " AND state = 'dead' LIMIT ?2)"),
      letters_(connection, "SELECT id, coalesce(user_id, ''), attempt_count,"
                           " coalesce(error_message, ''), created_at, coalesce(done_at, 0)"
                           " FROM outbox WHERE kind = ?1 AND state = 'dead'"
                           " ORDER BY id DESC LIMIT ?2") {}

outbox_report outbox_reader::report(const std::string& kind, std::size_t letters_max) {
  outbox_report out;
  const auto count = [&](sqlite_statement& statement) {
    reset_at_end ends{statement};
    statement.bind(1, kind).bind(2, to_column(outbox_store::counted_max)).step();
    return static_cast<std::uint64_t>(statement.integer(0));
  };
  out.waiting = count(count_waiting_);
  out.dead = count(count_dead_);
  reset_at_end ends{letters_};
  letters_.bind(1, kind).bind(2, to_column(letters_max));
  while (letters_.step())
    out.letters.push_back({static_cast<std::uint64_t>(letters_.integer(0)),
                           std::string{letters_.text(1)},
                           static_cast<std::uint32_t>(letters_.integer(2)),
                           std::string{letters_.text(3)}, to_time(letters_.integer(4)),
                           to_time(letters_.integer(5))});
  return out;
}

} // namespace lapwing
