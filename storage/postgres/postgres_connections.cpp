#include "storage/postgres/postgres_connections.hpp"

#include <functional>
#include <utility>

#include "storage/postgres/connection_rows.hpp"
#include "storage/postgres/row_session.hpp"

namespace lapwing::postgres {

/// `change` takes a connection_changes.
template <class T, class Change>
void postgres_connections::change(const std::string& lane, Change change, callback<T> done) {
  rows_.offer(make_change<T>(
    std::hash<std::string>{}(lane),
    [change = std::move(change), &means = means_](pqxx::transaction_base& transaction) {
      connection_changes rows{transaction, means};
      return result<T>{change(rows)};
    },
    std::move(done)));
}

/// `question` takes a connection_questions.
template <class T, class Question>
void postgres_connections::ask(Question question, callback<T> done) {
  rows_.offer(make_question<T>(
    [question = std::move(question)](pqxx::transaction_base& transaction) {
      connection_questions rows{transaction};
      return T{question(rows)};
    },
    std::move(done)));
}

void postgres_connections::put_oauth_state(oauth_state state, callback<bool> done) {
  if (const auto refusal = means_.secrets->refusal({state.verifier}))
    return done(*refusal);
  const auto lane = state.state;
  change<bool>(
    lane,
    [state = std::move(state)](connection_changes& rows) {
      rows.put_oauth_state(state);
      return true;
    },
    std::move(done));
}

void postgres_connections::take_oauth_state(std::string state, timestamp now,
                                            callback<std::optional<oauth_state>> done) {
  const auto lane = state;
  change<std::optional<oauth_state>>(
    lane,
    [state = std::move(state), now](connection_changes& rows) {
      return rows.take_oauth_state(state, now);
    },
    std::move(done));
}

void postgres_connections::connect(connection fresh, timestamp due,
                                   callback<std::uint64_t> done) {
  if (const auto refusal
      = means_.secrets->refusal({fresh.tokens.access_token, fresh.tokens.refresh_token}))
    return done(*refusal);
  const auto lane = fresh.user.str();
  change<std::uint64_t>(
    lane,
    [fresh = std::move(fresh), due](connection_changes& rows) { return rows.connect(fresh, due); },
    std::move(done));
}

void postgres_connections::load(connection_key which,
                                callback<std::optional<loaded_connection>> done) {
  ask<std::optional<loaded_connection>>(
    [which = std::move(which), secrets = means_.secrets](connection_questions& rows) {
      return rows.load(which, *secrets);
    },
    std::move(done));
}

void postgres_connections::list(user_id user, callback<std::vector<loaded_connection>> done) {
  ask<std::vector<loaded_connection>>(
    [user = std::move(user)](connection_questions& rows) { return rows.list(user); },
    std::move(done));
}

void postgres_connections::note_refresh(connection_key which, refresh_note what,
                                        callback<bool> done) {
  change<bool>(
    which.user.str(),
    [which, what = std::move(what)](connection_changes& rows) {
      return rows.note_refresh(which, what);
    },
    std::move(done));
}

void postgres_connections::save_tokens(connection_key which, std::uint64_t expected,
                                       token_set tokens, timestamp next_due,
                                       callback<bool> done) {
  if (const auto refusal = means_.secrets->refusal({tokens.access_token, tokens.refresh_token}))
    return done(*refusal);
  change<bool>(
    which.user.str(),
    [which, expected, tokens = std::move(tokens), next_due](connection_changes& rows) {
      return rows.save_tokens(which, expected, tokens, next_due);
    },
    std::move(done));
}

void postgres_connections::save_status(connection_key which, connection_status status,
                                       std::string cause, std::string message,
                                       callback<bool> done) {
  change<bool>(
    which.user.str(),
    [which, status, cause = std::move(cause),
     message = std::move(message)](connection_changes& rows) {
      return rows.save_status(which, status, cause, message);
    },
    std::move(done));
}

void postgres_connections::save_progress(connection_key which, poll_progress progress,
                                         timestamp next_due, callback<bool> done) {
  change<bool>(
    which.user.str(),
    [which, progress = std::move(progress), next_due](connection_changes& rows) {
      return rows.save_progress(which, progress, next_due);
    },
    std::move(done));
}

void postgres_connections::unknown_keys(connection_key which, std::string data_type,
                                        std::vector<std::string> keys,
                                        callback<std::vector<std::string>> done) {
  ask<std::vector<std::string>>(
    [which = std::move(which), data_type = std::move(data_type),
     keys = std::move(keys)](connection_questions& rows) {
      return rows.unknown_keys(which, data_type, keys);
    },
    std::move(done));
}

void postgres_connections::save_registration(connection_key which, registration what,
                                             timestamp next_due, callback<bool> done) {
  if (const auto refusal = means_.secrets->refusal({what.secret}))
    return done(*refusal);
  change<bool>(
    which.user.str(),
    [which, what = std::move(what), next_due](connection_changes& rows) {
      return rows.save_registration(which, what, next_due);
    },
    std::move(done));
}

void postgres_connections::remove_registration(connection_key which, std::string resource,
                                               callback<bool> done) {
  change<bool>(
    which.user.str(),
    [which, resource = std::move(resource)](connection_changes& rows) {
      return rows.remove_registration(which, resource);
    },
    std::move(done));
}

void postgres_connections::disconnect(connection_key which, callback<bool> done) {
  change<bool>(
    which.user.str(), [which](connection_changes& rows) { return rows.disconnect(which); },
    std::move(done));
}

void postgres_connections::due(platform_id platform, timestamp until, std::size_t limit,
                               callback<std::vector<connection_key>> done) {
  ask<std::vector<connection_key>>(
    [platform = std::move(platform), until, limit](connection_questions& rows) {
      return rows.due(platform, until, limit);
    },
    std::move(done));
}

void postgres_connections::set_due(connection_key which, timestamp due, callback<bool> done) {
  change<bool>(
    which.user.str(), [which, due](connection_changes& rows) { return rows.set_due(which, due); },
    std::move(done));
}

void postgres_connections::items(connection_key which, std::string data_type, std::string after,
                                 std::size_t limit, callback<stored_items> done) {
  ask<stored_items>(
    [which = std::move(which), data_type = std::move(data_type), after = std::move(after),
     limit](connection_questions& rows) { return rows.items(which, data_type, after, limit); },
    std::move(done));
}

void postgres_connections::reencrypt(std::size_t limit, callback<std::size_t> done) {
  if (!means_.secrets->box())
    return done(error{errc::not_configured, "security.encryption_keys is empty"});
  change<std::size_t>(
    "reencrypt", [limit](connection_changes& rows) { return rows.reencrypt(limit); },
    std::move(done));
}

} // namespace lapwing::postgres
