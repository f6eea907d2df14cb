#include "storage/sqlite_outbox.hpp"

#include <utility>

#include "storage/read_session.hpp"
#include "storage/write_session.hpp"

namespace lapwing {

void sqlite_outbox::claim(std::string kind, timestamp now, timestamp until, std::size_t limit,
                          callback<outbox_claims> done) {
  writing_.offer(make_change<outbox_claims>(
    [kind = std::move(kind), now, until, limit](write_session& session) -> result<outbox_claims> {
      return session.outbox.claim(kind, now, until, limit);
    },
    std::move(done)));
}

void sqlite_outbox::settle(std::uint64_t id, std::uint64_t claim, outbox_outcome how,
                           callback<bool> done) {
  writing_.offer(make_change<bool>(
    [id, claim, how = std::move(how)](write_session& session) -> result<bool> {
      return session.outbox.settle(id, claim, how);
    },
    std::move(done)));
}

void sqlite_outbox::report(std::string kind, std::size_t letters_max,
                           callback<outbox_report> done) {
  reading_.offer(make_question<outbox_report>(
    [kind = std::move(kind), letters_max](read_session& session) {
      return session.outbox.report(kind, letters_max);
    },
    std::move(done)));
}

void sqlite_outbox::resend(std::string kind, std::optional<std::uint64_t> id, timestamp now,
                           std::size_t limit, callback<std::size_t> done) {
  writing_.offer(make_change<std::size_t>(
    [kind = std::move(kind), id, now, limit](write_session& session) -> result<std::size_t> {
      return session.outbox.resend(kind, id, now, limit);
    },
    std::move(done)));
}

void sqlite_outbox::trim(std::string kind, timestamp before, std::size_t limit,
                         callback<std::size_t> done) {
  writing_.offer(make_change<std::size_t>(
    [kind = std::move(kind), before, limit](write_session& session) -> result<std::size_t> {
      return session.outbox.trim(kind, before, limit);
    },
    std::move(done)));
}

} // namespace lapwing
