#include "storage/event_rows.hpp"

#include <algorithm>
#include <utility>

#include "storage/payload_codec.hpp"
#include "storage/row_values.hpp"

namespace lapwing {
namespace {

/// Names of logs whose numbers the writer remembers; about 100 B each. Guess: never measured.
constexpr std::size_t logs_remembered_max = 65536;

std::size_t payload_bytes(const sqlite_statement& row, int column) noexcept {
  if (!row.is_blob(column))
    return row.text(column).size();
  return unpacked_bytes(row.blob(column)).value_or(0);
}

std::string payload_of(const sqlite_statement& row, int column) {
  if (!row.is_blob(column))
    return std::string{row.text(column)};
  auto payload = unpack_payload(row.blob(column));
  if (!payload)
    throw job_refused{{errc::internal, "a stored payload is damaged"}}; // Trying again is vain.
  return std::move(*payload);
}

event_ptr event_of_row(const log_id& log, const sqlite_statement& row) {
  auto e = std::make_shared<event>();
  e->log = log;
  e->seq = static_cast<sequence>(row.integer(0));
  e->time = timestamp{std::chrono::milliseconds{row.integer(1)}};
  e->type = row.text(2);
  e->platform = row.text(3);
  e->tail = row.text(4);
  e->payload = payload_of(row, 5);
  return e;
}

} // namespace

event_inserter::event_inserter(sqlite_connection& connection)
    : connection_(&connection),
      insert_(connection,
              "INSERT INTO events"
              " (log_id, seq, source, delivery_id, time, type, platform, tail, payload)"
              " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO NOTHING"),
      find_delivery_(connection, "SELECT seq FROM events"
                                 " WHERE log_id = ?1 AND source = ?2 AND delivery_id = ?3"),
      find_log_(connection, "SELECT id, trimmed FROM logs WHERE log = ?1"),
      add_log_(connection, "INSERT INTO logs (log) VALUES (?1) RETURNING id") {}

const event_inserter::known_log& event_inserter::log_of(const log_id& log) {
  auto key = to_key(log);
  if (const auto found = logs_.find(key); found != logs_.end())
    return found->second;
  if (logs_.size() >= logs_remembered_max)
    logs_.clear();
  known_log fresh{0, 0};
  reset_at_end finds{find_log_};
  if (find_log_.bind(1, key).step()) {
    fresh = {find_log_.integer(0), static_cast<sequence>(find_log_.integer(1))};
  } else {
    reset_at_end adds{add_log_};
    if (add_log_.bind(1, key).step())
      fresh.id = add_log_.integer(0);
  }
  return logs_.emplace(std::move(key), fresh).first->second;
}

event_inserter::inserted event_inserter::insert(const append_request& request,
                                                const std::optional<std::string>& packed) {
  const event& e = *request.item;
  const auto& log = log_of(e.log);
  insert_.bind(1, log.id).bind(2, to_column(e.seq)).bind(3, request.source);
  if (request.delivery_id.empty())
    insert_.bind_null(4);
  else
    insert_.bind(4, request.delivery_id);
  insert_.bind(5, e.time.time_since_epoch().count()).bind(6, e.type).bind(7, e.platform);
  insert_.bind(8, e.tail);
  if (packed)
    insert_.bind_blob(9, *packed).run();
  else
    insert_.bind(9, e.payload).run();
  if (connection_->changes() == 1) {
    if (e.seq <= log.trimmed)
      throw job_refused{{errc::internal, "the log is past this number: it has two writers"}};
    return {{append_outcome::stored, e.seq}, log.id};
  }
  if (!request.delivery_id.empty()) {
    reset_at_end ends{find_delivery_};
    if (find_delivery_.bind(1, log.id).bind(2, request.source).bind(3, request.delivery_id).step())
      return {{append_outcome::duplicate, static_cast<sequence>(find_delivery_.integer(0))},
              log.id};
  }
  throw job_refused{{errc::internal, "the log holds this number already: it has two writers"}};
}

event_selector::event_selector(sqlite_connection& connection)
    : read_(connection, "SELECT seq, time, type, platform, tail, payload FROM events"
                        " WHERE log_id = (SELECT id FROM logs WHERE log = ?1) AND seq > ?2"
                        " ORDER BY seq LIMIT ?3"),
      find_(connection, "SELECT seq, time, type, platform, tail, payload FROM events"
                        " WHERE log_id = (SELECT id FROM logs WHERE log = ?1) AND seq = ?2"),
      state_(connection, "SELECT trimmed, (SELECT max(seq) FROM events WHERE log_id = logs.id)"
                         " FROM logs WHERE log = ?1"),
      find_user_(connection, "SELECT 1 FROM users WHERE id = ?1") {}

event_range event_selector::read(const log_id& log, sequence after, std::size_t limit,
                                 std::size_t bytes_max) {
  event_range range;
  const auto key = to_key(log);
  {
    reset_at_end ends{read_};
    read_.bind(1, key).bind(2, to_column(after)).bind(3, to_column(limit));
    std::size_t bytes = 0;
    while (read_.step()) {
      bytes += read_.text(4).size() + payload_bytes(read_, 5);
      if (bytes > bytes_max && !range.events.empty())
        throw job_refused{{errc::payload_too_large, "ask for fewer events at once"}};
      range.events.push_back(event_of_row(log, read_));
    }
  }
  // After the events: what retention removes between the two is reported, never overlooked.
  reset_at_end ends{state_};
  if (state_.bind(1, key).step())
    range.trimmed = static_cast<sequence>(state_.integer(0));
  return range;
}

event_ptr event_selector::find(const log_id& log, sequence seq) {
  const auto key = to_key(log);
  reset_at_end ends{find_};
  if (!find_.bind(1, key).bind(2, to_column(seq)).step())
    return nullptr;
  return event_of_row(log, find_);
}

log_state event_selector::state(const log_id& log) {
  log_state state;
  const auto key = to_key(log);
  {
    reset_at_end ends{state_};
    if (state_.bind(1, key).step()) {
      state.trimmed = static_cast<sequence>(state_.integer(0));
      state.newest = std::max(state.trimmed, static_cast<sequence>(state_.integer(1)));
    }
  }
  reset_at_end ends{find_user_};
  state.known = log.kind != log_kind::user || find_user_.bind(1, log.name).step();
  return state;
}

} // namespace lapwing
