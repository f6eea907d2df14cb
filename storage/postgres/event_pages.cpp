#include "storage/postgres/event_pages.hpp"

#include <algorithm>
#include <utility>

#include "core/json_text.hpp"
#include "storage/job_refused.hpp"
#include "storage/payload_codec.hpp"
#include "storage/postgres/parameters.hpp"
#include "storage/row_values.hpp"

namespace lapwing::postgres {
namespace {

constexpr statement become{"become", "SELECT set_config('role', $1::text, true),"
                                     " set_config('request.jwt.claims', $2::text, true)"};

/// A payload that would make the answer too heavy stays behind, as NULL: only its length is looked at.
constexpr const char* page_sql
  = "SELECT seq, time, type, platform, tail,"
    " CASE WHEN total <= $4::bigint OR place = 1 THEN payload END, packed"
    " FROM (SELECT seq, time, type, platform, tail, payload, packed, row_number() OVER up AS place,"
    " sum(octet_length(tail) + octet_length(payload)) OVER up AS total"
    " FROM (SELECT seq, time, type, platform, tail, payload, packed FROM events"
    " WHERE log = $1::text AND seq > $2::bigint ORDER BY seq LIMIT $3::bigint) AS page"
    " WINDOW up AS (ORDER BY seq)) AS weighed ORDER BY seq";
constexpr const char* mark_sql = "SELECT trimmed FROM logs WHERE log = $1::text";
constexpr const char* find_sql = "SELECT seq, time, type, platform, tail, payload, packed"
                                 " FROM events WHERE log = $1::text AND seq = $2::bigint";

/// As whom a log is read. Each has statements of its own: PostgreSQL plans one anew whenever another
/// role runs it, because its policies are part of the plan.
struct reader {
  const char* role;
  statement page;
  statement mark;
  statement find;
};
constexpr reader own_reader{"authenticated",
                            {"own_page", page_sql},
                            {"own_mark", mark_sql},
                            {"own_find", find_sql}};
/// Rooms have members, who are not the database's business; broadcasts are for all.
constexpr reader service_reader{"service_role",
                                {"service_page", page_sql},
                                {"service_mark", mark_sql},
                                {"service_find", find_sql}};

/// The writer's question: as the owner.
constexpr statement read_state{
  "read_state", "SELECT (SELECT trimmed FROM logs WHERE log = $1::text),"
                " (SELECT seq FROM events WHERE log = $1::text ORDER BY seq DESC LIMIT 1),"
                " EXISTS (SELECT FROM users WHERE id = $2::text)"};

const reader& reader_of(const log_id& log) {
  return log.kind == log_kind::user ? own_reader : service_reader;
}

/// What `become` takes.
parameters identity_of(const log_id& log) {
  parameters with;
  with.add(std::string_view{reader_of(log).role});
  with.add(std::string_view{log.kind == log_kind::user ? claims_of(log.name) : std::string{}});
  return with;
}

/// Adds what the event takes in memory to `bytes`. Null: it is too heavy for `bytes_max`.
event_ptr event_of_row(const log_id& log, const answer& rows, std::size_t row, std::size_t& bytes,
                       std::size_t bytes_max) {
  if (rows.is_null(row, 5))
    return nullptr;
  auto e = std::make_shared<event>();
  e->log = log;
  e->seq = static_cast<sequence>(rows.integer(row, 0));
  e->time = from_wire(rows.integer(row, 1));
  e->type = rows.bytes(row, 2);
  e->platform = rows.bytes(row, 3);
  e->tail = rows.bytes(row, 4);
  const auto kept = rows.bytes(row, 5);
  const bool is_packed = rows.boolean(row, 6);
  const auto size = is_packed ? unpacked_bytes(kept).value_or(0) : kept.size();
  bytes += e->tail.size() + size;
  if (bytes > bytes_max && row > 0)
    return nullptr;
  if (!is_packed) {
    e->payload = kept;
    return e;
  }
  auto payload = unpack_payload(kept);
  if (!payload)
    throw job_refused{{errc::internal, "a stored payload is damaged"}};
  e->payload = std::move(*payload);
  return e;
}

} // namespace

std::string claims_of(std::string_view user) {
  std::string claims = R"({"role":"authenticated","sub":)";
  append_json_string(claims, to_text_column(user));
  claims += '}';
  return claims;
}

event_range event_pages::read(const log_id& log, sequence after, std::size_t limit,
                              std::size_t bytes_max) {
  const auto& reading = reader_of(log);
  const auto as = identity_of(log);
  const auto name = to_log_column(log);
  parameters page;
  page.add(std::string_view{name}).add(to_column(after)).add(to_column(limit));
  page.add(to_column(bytes_max));
  parameters mark;
  mark.add(std::string_view{name});
  // The mark after the events: what retention removes between the two is reported, never overlooked.
  const auto answers
    = link_.run_all({{&become, &as}, {&reading.page, &page}, {&reading.mark, &mark}});
  event_range range;
  const auto& rows = answers[1];
  std::size_t bytes = 0;
  range.events.reserve(rows.size());
  for (std::size_t row = 0; row < rows.size(); ++row) {
    auto next = event_of_row(log, rows, row, bytes, bytes_max);
    if (!next)
      throw job_refused{{errc::payload_too_large, "ask for fewer events at once"}};
    range.events.push_back(std::move(next));
  }
  if (answers[2].size() > 0)
    range.trimmed = static_cast<sequence>(answers[2].integer(0, 0));
  return range;
}

event_ptr event_pages::find(const log_id& log, sequence seq) {
  const auto as = identity_of(log);
  parameters which;
  which.add(std::string_view{to_log_column(log)}).add(to_column(seq));
  const auto answers = link_.run_all({{&become, &as}, {&reader_of(log).find, &which}});
  std::size_t bytes = 0;
  return answers[1].size() == 0 ? nullptr : event_of_row(log, answers[1], 0, bytes, 0);
}

log_state event_pages::state(const log_id& log) {
  parameters which;
  which.add(std::string_view{to_log_column(log)}).add(std::string_view{to_text_column(log.name)});
  const auto row = link_.run(read_state, which);
  log_state state;
  state.trimmed = static_cast<sequence>(row.integer(0, 0));
  state.newest = std::max(state.trimmed, static_cast<sequence>(row.integer(0, 1)));
  state.known = log.kind != log_kind::user || row.boolean(0, 2);
  return state;
}

} // namespace lapwing::postgres
