#include "storage/sqlite_connections.hpp"

#include <utility>

#include "storage/read_session.hpp"
#include "storage/write_session.hpp"

namespace lapwing {
namespace {

/// Looking up so many keys, or sealing so many secrets, is as much work as one other job.
constexpr std::size_t per_weight = 16;

std::size_t weight_of(std::size_t count) noexcept {
  return 1 + count / per_weight;
}

/// A change as a function of the session's rows.
template <class T, class Change>
database_job_ptr change_rows(Change change, connection_store::callback<T> done) {
  return make_change<T>(
    [change = std::move(change)](write_session& session) -> result<T> {
      return change(session.connections);
    },
    std::move(done));
}

/// Looks for what older keys sealed and hands it to the writer.
class reseal_search_job final : public read_job {
public:
  reseal_search_job(executor& writing, const secret_box& box, std::size_t limit,
                    connection_store::callback<std::size_t> done)
      : writing_(writing), box_(box), limit_(limit), done_(std::move(done)) {}

  void run(read_session& session) override {
    auto found = session.connections.find_old_secrets(box_, limit_);
    if (found.foreign_count > 0)
      return done_(sealed_with_foreign_keys(found.foreign_count));
    if (found.batch.empty())
      return done_(found.count);
    const auto weight = weight_of(found.batch.size());
    writing_.offer(make_change<std::size_t>(
      [found = std::move(found)](write_session& writer) -> result<std::size_t> {
        if (writer.connections.reseal(found.batch) == found.batch.size())
          return error{errc::internal, "stored secrets are damaged or not in their place"};
        return found.count;
      },
      std::move(done_), weight));
  }
  void refuse(const error& why) override { done_(why); }

private:
  executor& writing_;
  const secret_box& box_;
  std::size_t limit_;
  connection_store::callback<std::size_t> done_;
};

} // namespace

void sqlite_connections::put_oauth_state(oauth_state state, callback<bool> done) {
  if (const auto refusal = means_.secrets->refusal({state.verifier}))
    return done(*refusal);
  writing_.offer(change_rows<bool>(
    [state = std::move(state)](connection_writer& rows) -> result<bool> {
      rows.put_oauth_state(state);
      return true;
    },
    std::move(done)));
}

void sqlite_connections::take_oauth_state(std::string state, timestamp now,
                                          callback<std::optional<oauth_state>> done) {
  writing_.offer(change_rows<std::optional<oauth_state>>(
    [state = std::move(state), now](connection_writer& rows) {
      return rows.take_oauth_state(state, now);
    },
    std::move(done)));
}

void sqlite_connections::connect(connection fresh, timestamp due, callback<std::uint64_t> done) {
  if (const auto refusal
      = means_.secrets->refusal({fresh.tokens.access_token, fresh.tokens.refresh_token}))
    return done(*refusal);
  writing_.offer(change_rows<std::uint64_t>(
    [fresh = std::move(fresh), due](connection_writer& rows) -> result<std::uint64_t> {
      return rows.connect(fresh, due);
    },
    std::move(done)));
}

void sqlite_connections::load(connection_key which,
                              callback<std::optional<loaded_connection>> done) {
  reading_.offer(make_question<std::optional<loaded_connection>>(
    [which = std::move(which), secrets = means_.secrets](read_session& session) {
      return session.connections.load(which, *secrets);
    },
    std::move(done)));
}

void sqlite_connections::list(user_id user, callback<std::vector<loaded_connection>> done) {
  reading_.offer(make_question<std::vector<loaded_connection>>(
    [user = std::move(user)](read_session& session) { return session.connections.list(user); },
    std::move(done)));
}

void sqlite_connections::note_refresh(connection_key which, refresh_note what,
                                      callback<bool> done) {
  writing_.offer(change_rows<bool>(
    [which = std::move(which), what = std::move(what)](connection_writer& rows) {
      return rows.note_refresh(which, what);
    },
    std::move(done)));
}

void sqlite_connections::save_tokens(connection_key which, std::uint64_t expected,
                                     token_set tokens, timestamp next_due, callback<bool> done) {
  if (const auto refusal
      = means_.secrets->refusal({tokens.access_token, tokens.refresh_token}))
    return done(*refusal);
  writing_.offer(change_rows<bool>(
    [which = std::move(which), expected, tokens = std::move(tokens),
     next_due](connection_writer& rows) {
      return rows.save_tokens(which, expected, tokens, next_due);
    },
    std::move(done)));
}

void sqlite_connections::save_status(connection_key which, connection_status status,
                                     std::string cause, std::string message,
                                     callback<bool> done) {
  writing_.offer(change_rows<bool>(
    [which = std::move(which), status, cause = std::move(cause),
     message = std::move(message)](connection_writer& rows) {
      return rows.save_status(which, status, cause, message);
    },
    std::move(done)));
}

void sqlite_connections::save_progress(connection_key which, poll_progress progress,
                                       timestamp next_due, callback<bool> done) {
  writing_.offer(change_rows<bool>(
    [which = std::move(which), progress = std::move(progress),
     next_due](connection_writer& rows) {
      return rows.save_progress(which, progress, next_due);
    },
    std::move(done)));
}

void sqlite_connections::unknown_keys(connection_key which, std::string data_type,
                                      std::vector<std::string> keys,
                                      callback<std::vector<std::string>> done) {
  const auto weight = weight_of(keys.size());
  reading_.offer(make_question<std::vector<std::string>>(
    [which = std::move(which), data_type = std::move(data_type),
     keys = std::move(keys)](read_session& session) {
      return session.connections.unknown_keys(which, data_type, keys);
    },
    std::move(done), weight));
}

void sqlite_connections::save_registration(connection_key which, registration what,
                                           timestamp next_due, callback<bool> done) {
  if (const auto refusal = means_.secrets->refusal({what.secret}))
    return done(*refusal);
  writing_.offer(change_rows<bool>(
    [which = std::move(which), what = std::move(what), next_due](connection_writer& rows) {
      return rows.save_registration(which, what, next_due);
    },
    std::move(done)));
}

void sqlite_connections::remove_registration(connection_key which, std::string resource,
                                             callback<bool> done) {
  writing_.offer(change_rows<bool>(
    [which = std::move(which), resource = std::move(resource)](connection_writer& rows) {
      return rows.remove_registration(which, resource);
    },
    std::move(done)));
}

void sqlite_connections::disconnect(connection_key which, callback<bool> done) {
  writing_.offer(change_rows<bool>(
    [which = std::move(which)](connection_writer& rows) { return rows.disconnect(which); },
    std::move(done)));
}

void sqlite_connections::due(platform_id platform, timestamp until, std::size_t limit,
                             callback<std::vector<connection_key>> done) {
  reading_.offer(make_question<std::vector<connection_key>>(
    [platform = std::move(platform), until, limit](read_session& session) {
      return session.connections.due(platform, until, limit);
    },
    std::move(done)));
}

void sqlite_connections::set_due(connection_key which, timestamp due, callback<bool> done) {
  writing_.offer(change_rows<bool>(
    [which = std::move(which), due](connection_writer& rows) { return rows.set_due(which, due); },
    std::move(done)));
}

void sqlite_connections::items(connection_key which, std::string data_type, std::string after,
                               std::size_t limit, callback<stored_items> done) {
  reading_.offer(make_question<stored_items>(
    [which = std::move(which), data_type = std::move(data_type), after = std::move(after),
     limit](read_session& session) {
      return session.connections.items(which, data_type, after, limit);
    },
    std::move(done)));
}

void sqlite_connections::reencrypt(std::size_t limit, callback<std::size_t> done) {
  if (!means_.secrets->box())
    return done(error{errc::not_configured, "security.encryption_keys is empty"});
  reading_.offer(std::make_unique<reseal_search_job>(writing_, *means_.secrets->box(), limit,
                                                     std::move(done)));
}

} // namespace lapwing
