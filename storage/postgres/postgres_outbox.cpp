#include "storage/postgres/postgres_outbox.hpp"

#include <functional>
#include <utility>

#include "storage/postgres/outbox_rows.hpp"
#include "storage/postgres/row_session.hpp"

namespace lapwing::postgres {
namespace {

/// Claims, and what concerns many messages, one after the other; settlements of different ones at
/// once.
std::size_t lane_of(const std::string& kind) {
  return std::hash<std::string>{}("outbox/" + kind);
}

} // namespace

void postgres_outbox::claim(std::string kind, timestamp now, timestamp until, std::size_t limit,
                            callback<outbox_claims> done) {
  const auto lane = lane_of(kind);
  rows_.offer(make_change<outbox_claims>(
    lane,
    [kind = std::move(kind), now, until,
     limit](pqxx::transaction_base& transaction) -> result<outbox_claims> {
      return claim_outgoing(transaction, kind, now, until, limit);
    },
    std::move(done)));
}

void postgres_outbox::settle(std::uint64_t id, std::uint64_t claim, outbox_outcome how,
                             callback<bool> done) {
  rows_.offer(make_change<bool>(
    lane_of(std::to_string(id)),
    [id, claim, how = std::move(how)](pqxx::transaction_base& transaction) -> result<bool> {
      return settle_outgoing(transaction, id, claim, how);
    },
    std::move(done)));
}

void postgres_outbox::report(std::string kind, std::size_t letters_max,
                             callback<outbox_report> done) {
  rows_.offer(make_question<outbox_report>(
    [kind = std::move(kind), letters_max](pqxx::transaction_base& transaction) {
      return report_outgoing(transaction, kind, letters_max);
    },
    std::move(done)));
}

void postgres_outbox::resend(std::string kind, std::optional<std::uint64_t> id, timestamp now,
                             std::size_t limit, callback<std::size_t> done) {
  const auto lane = lane_of(kind);
  rows_.offer(make_change<std::size_t>(
    lane,
    [kind = std::move(kind), id, now,
     limit](pqxx::transaction_base& transaction) -> result<std::size_t> {
      return resend_outgoing(transaction, kind, id, now, limit);
    },
    std::move(done)));
}

void postgres_outbox::trim(std::string kind, timestamp before, std::size_t limit,
                           callback<std::size_t> done) {
  const auto lane = lane_of(kind);
  rows_.offer(make_change<std::size_t>(
    lane,
    [kind = std::move(kind), before,
     limit](pqxx::transaction_base& transaction) -> result<std::size_t> {
      return trim_outgoing(transaction, kind, before, limit);
    },
    std::move(done)));
}

} // namespace lapwing::postgres
