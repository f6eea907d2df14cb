#include "storage/postgres/event_appender.hpp"

#include <utility>

#include "core/connection_store.hpp"
#include "core/outbox.hpp"
#include "storage/job_refused.hpp"
#include "storage/postgres/failure.hpp"
#include "storage/postgres/parameters.hpp"

namespace lapwing::postgres {
namespace {

constexpr statement append_events{
  "append_events",
  "SELECT place, known_as FROM lapwing_append($1::text, $2::bigint, $3::text[], $4::bigint[],"
  " $5::text[], $6::text[], $7::timestamptz[], $8::text[], $9::text[], $10::text[], $11::bytea[],"
  " $12::boolean[])"};

constexpr statement apply_effect{
  "apply_effect",
  "SELECT lapwing_apply_effect($1::text, $2::text, $3::text, $4::uuid[], $5::text[], $6::text[],"
  " $7::timestamptz, $8::text, $9::text, $10::text, $11::timestamptz, $12::timestamptz,"
  " $13::integer, $14::timestamptz, $15::timestamptz, $16::timestamptz)"};

constexpr statement put_outgoing{
  "put_outgoing",
  "INSERT INTO outbox (kind, user_id, dedup_key, body, due_at, created_at, queued_at)"
  " VALUES ($1::text, $2::text, $3::text, lapwing_document($4::text), $5::timestamptz, $5, $5)"
  " ON CONFLICT (dedup_key) DO NOTHING"};

void add(parameters& to, const std::optional<timestamp>& time) {
  if (time)
    to.add(*time);
  else
    to.add_null();
}

/// Columns of all the events, as lapwing_append takes them.
parameters events_of(std::span<append_batch* const> batches, const node_fence& fence) {
  array logs{type::text}, seqs{type::bigint}, sources{type::text}, deliveries{type::text},
    times{type::timestamptz}, types{type::text}, platforms{type::text}, tails{type::text},
    payloads{type::bytea}, packed{type::boolean};
  for (const auto* batch : batches) {
    for (std::size_t i = 0; i < batch->requests().size(); ++i) {
      const auto& request = batch->requests()[i];
      const event& e = *request.item;
      const auto& frame = batch->packed(i);
      logs.add(std::string_view{to_log_column(e.log)});
      seqs.add(static_cast<std::int64_t>(e.seq));
      sources.add(std::string_view{to_text_column(request.source)});
      if (request.delivery_id.empty())
        deliveries.add_null();
      else
        deliveries.add(std::string_view{to_text_column(request.delivery_id)});
      times.add(e.time);
      types.add(std::string_view{e.type});
      platforms.add(std::string_view{e.platform});
      tails.add(std::string_view{to_document(e.tail)});
      payloads.add(frame ? std::string_view{*frame} : std::string_view{e.payload});
      packed.add(frame.has_value());
    }
  }
  parameters with;
  if (fence.node.empty())
    with.add_null();
  else
    with.add(fence.node);
  with.add(fence.epoch);
  with.add(std::move(logs)).add(std::move(seqs)).add(std::move(sources)).add(std::move(deliveries));
  with.add(std::move(times)).add(std::move(types)).add(std::move(platforms)).add(std::move(tails));
  with.add(std::move(payloads)).add(std::move(packed));
  return with;
}

} // namespace

std::vector<append_result> event_appender::append(std::span<append_batch* const> batches) {
  std::vector<const sync_effect*> effects;
  std::vector<const outbox_item*> outgoing;
  std::vector<append_result> results;
  for (auto* batch : batches) {
    batch->pack_rest();
    for (const auto& request : batch->requests()) {
      results.push_back({append_outcome::stored, request.item->seq});
      if (request.with)
        effects.push_back(request.with.get());
      if (request.outgoing)
        outgoing.push_back(request.outgoing.get());
    }
  }
  const auto events = events_of(batches, fence_);
  if (effects.empty() && outgoing.empty()) {
    note_duplicates(link_.run(append_events, events), results);
    return results;
  }
  try {
    link_.execute("BEGIN");
    note_duplicates(link_.run(append_events, events), results);
    for (const auto* effect : effects)
      apply(*effect);
    for (const auto* item : outgoing)
      put(*item);
    link_.execute("COMMIT");
  } catch (const job_refused&) {
    if (!link_.roll_back())
      throw failure{fault::connection, {}, "a transaction could not be undone"};
    throw;
  } catch (const failure&) {
    link_.roll_back(); // One that cannot has lost its connection, as the failure says.
    throw;
  }
  return results;
}

void event_appender::note_duplicates(const answer& found, std::vector<append_result>& results) {
  for (std::size_t row = 0; row < found.size(); ++row)
    results[static_cast<std::size_t>(found.integer(row, 0)) - 1]
      = {append_outcome::duplicate, static_cast<sequence>(found.integer(row, 1))};
}

void event_appender::apply(const sync_effect& effect) {
  const auto now = means_.clock->now();
  array ids{type::uuid}, keys{type::text}, documents{type::text};
  for (const auto& item : effect.items) {
    ids.add(std::string_view{uuid_bytes(means_.fresh_id(now))});
    keys.add(std::string_view{to_text_column(item.key)});
    documents.add(std::string_view{to_document(item.json)});
  }
  const auto& progress = effect.progress;
  // A poll that failed is no sync.
  const auto synced = progress.failure_count == 0 ? progress.last_poll : std::nullopt;
  parameters with;
  with.add(std::string_view{to_text_column(effect.of.user.str())});
  with.add(std::string_view{to_text_column(effect.of.platform.str())});
  with.add(std::string_view{to_text_column(effect.data_type)});
  with.add(std::move(ids)).add(std::move(keys)).add(std::move(documents));
  with.add(progress.last_poll.value_or(now));
  with.add(std::string_view{to_text_column(progress.endpoint)});
  with.add(std::string_view{to_text_column(progress.cursor)});
  with.add(std::string_view{to_text_column(progress.etag)});
  add(with, progress.last_poll);
  with.add(progress.due).add_integer(static_cast<std::int32_t>(progress.failure_count));
  with.add(effect.next_due);
  add(with, synced);
  with.add(now);
  link_.run(apply_effect, with);
}

void event_appender::put(const outbox_item& item) {
  parameters with;
  with.add(std::string_view{item.kind});
  if (item.user.empty())
    with.add_null();
  else
    with.add(std::string_view{to_text_column(item.user.str())});
  with.add(std::string_view{to_text_column(item.key)});
  with.add(std::string_view{to_document(item.body)});
  with.add(item.queued_at);
  link_.run(put_outgoing, with);
}

} // namespace lapwing::postgres
