#include "storage/connection_writer.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include <openssl/crypto.h>

#include "storage/event_rows.hpp"
#include "storage/row_values.hpp"

namespace lapwing {
namespace {

const error no_connection{errc::not_found, "there is no such connection"};

std::int64_t to_milliseconds(timestamp time) noexcept {
  return time.time_since_epoch().count();
}

std::optional<std::int64_t> to_milliseconds(const std::optional<timestamp>& time) noexcept {
  return time ? std::optional{to_milliseconds(*time)} : std::nullopt;
}

} // namespace

connection_writer::connection_writer(sqlite_connection& connection, const row_means& means)
    : connection_(&connection), means_(means),
      put_state_(connection, "INSERT INTO oauth_states"
                             " (state, user_id, platform, verifier, redirect_to, expires_at)"
                             " VALUES (?1, ?2, ?3, ?4, ?5, ?6)"),
      drop_old_states_(connection, "DELETE FROM oauth_states WHERE state IN"
                                   " (SELECT state FROM oauth_states WHERE expires_at < ?1"
                                   " ORDER BY expires_at LIMIT ?2)"),
      take_state_(connection, "DELETE FROM oauth_states WHERE state = ?1"
                              " RETURNING user_id, platform, verifier, redirect_to, expires_at"),
      find_(connection, "SELECT number, id, token_version, status, account, refresh_began"
                        " FROM platform_connections"
                        " WHERE user_id = ?1 AND platform = ?2"),
      add_user_(connection, "INSERT INTO users (id) VALUES (?1) ON CONFLICT DO NOTHING"),
      add_(connection, "INSERT INTO platform_connections"
                       " (id, user_id, platform, created_at, updated_at)"
                       " VALUES (?1, ?2, ?3, ?4, ?4) RETURNING number"),
      renew_(connection,
             "UPDATE platform_connections SET account = ?2, access_token = ?3, refresh_token = ?4,"
             " token_expires_at = ?5, grant_expires_at = ?6, scopes = ?7, granted_at = ?8,"
             " due_at = ?9, updated_at = ?10, token_version = token_version + 1,"
             " refresh_began = NULL, refresh_memory = '', status = 'connected', cause = '', error_message = NULL"
             " WHERE number = ?1 RETURNING token_version"),
      note_refresh_(connection, "UPDATE platform_connections SET refresh_began = ?2,"
                                " refresh_memory = ?3, updated_at = ?4 WHERE number = ?1"),
      save_tokens_(connection,
                   "UPDATE platform_connections SET access_token = ?2,"
                   " refresh_token = coalesce(?3, refresh_token), token_expires_at = ?4,"
                   " grant_expires_at = coalesce(?5, grant_expires_at),"
                   " scopes = CASE ?6 WHEN '' THEN scopes ELSE ?6 END, due_at = ?7,"
                   " updated_at = ?8, token_version = token_version + 1, refresh_began = NULL"
                   " WHERE number = ?1"),
      save_status_(connection, "UPDATE platform_connections SET status = ?2, cause = ?3,"
                               " error_message = ?4, updated_at = ?5 WHERE number = ?1"),
      set_due_(connection, "UPDATE platform_connections SET due_at = ?2 WHERE number = ?1"),
      moved_on_(connection, "UPDATE platform_connections SET due_at = ?2,"
                            " last_sync = coalesce(?3, last_sync), updated_at = ?4"
                            " WHERE number = ?1"),
      put_progress_(connection,
                    "INSERT INTO poll_progress"
                    " (connection, endpoint, cursor, etag, last_poll, due_at, failure_count)"
                    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO UPDATE SET"
                    " cursor = excluded.cursor, etag = excluded.etag,"
                    " last_poll = excluded.last_poll, due_at = excluded.due_at,"
                    " failure_count = excluded.failure_count"),
      // What is not JSON after all must not keep the rest of its page from being stored.
      put_item_(connection,
                "INSERT INTO user_platform_data"
                " (id, user_id, platform, data_type, item_key, raw_data, extracted_at)"
                " VALUES (?1, ?2, ?3, ?4, ?5,"
                " CASE WHEN json_valid(?6) THEN ?6 ELSE json_quote(?6) END, ?7)"
                " ON CONFLICT DO NOTHING"),
      find_registration_(connection, "SELECT id FROM platform_webhooks"
                                     " WHERE user_id = ?1 AND platform = ?2 AND resource = ?3"),
      put_registration_(connection,
                        "INSERT INTO platform_webhooks (id, user_id, platform, resource,"
                        " external_id, webhook_secret, status, cause, details, expires_at,"
                        " renew_at, last_delivery_at, created_at)"
                        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)"
                        " ON CONFLICT (user_id, platform, resource) DO UPDATE SET"
                        " external_id = excluded.external_id,"
                        " webhook_secret = excluded.webhook_secret, status = excluded.status,"
                        " cause = excluded.cause, details = excluded.details,"
                        " expires_at = excluded.expires_at, renew_at = excluded.renew_at,"
                        " last_delivery_at = excluded.last_delivery_at"),
      remove_registration_(connection, "DELETE FROM platform_webhooks WHERE user_id = ?1"
                                       " AND platform = ?2 AND resource = ?3"),
      forget_(connection, "UPDATE platform_connections SET access_token = NULL,"
                          " refresh_token = NULL, token_expires_at = NULL,"
                          " grant_expires_at = NULL, scopes = '', refresh_began = NULL,"
                          " refresh_memory = '',"
                          " due_at = NULL, token_version = token_version + 1,"
                          " status = 'disconnected', cause = '', error_message = NULL,"
                          " updated_at = ?2 WHERE number = ?1"),
      forget_progress_(connection, "DELETE FROM poll_progress WHERE connection = ?1"),
      forget_registrations_(connection, "DELETE FROM platform_webhooks"
                                        " WHERE user_id = ?1 AND platform = ?2") {}

std::string connection_writer::now_text() const {
  return to_row_time(means_.clock->now());
}

void connection_writer::put_oauth_state(const oauth_state& state) {
  drop_old_states_.bind(1, to_milliseconds(state.expires_at - state_kept))
    .bind(2, states_dropped_max)
    .run();
  const auto verifier = means_.sealed(sealed_verifier, state.state, state.verifier);
  put_state_.bind(1, state.state).bind(2, state.of.user.str()).bind(3, state.of.platform.str());
  put_state_.bind_optional_blob(4, verifier).bind(5, state.redirect_to);
  put_state_.bind(6, to_milliseconds(state.expires_at)).run();
}

result<std::optional<oauth_state>> connection_writer::take_oauth_state(const std::string& state,
                                                                       timestamp now) {
  reset_at_end ends{take_state_};
  if (!take_state_.bind(1, state).step())
    return std::optional<oauth_state>{};
  oauth_state taken;
  taken.state = state;
  taken.of = {user_id{take_state_.text(0)}, platform_id{take_state_.text(1)}};
  taken.redirect_to = take_state_.text(3);
  taken.expires_at = timestamp{std::chrono::milliseconds{take_state_.integer(4)}};
  if (taken.expires_at <= now)
    return std::optional<oauth_state>{};
  auto verifier = means_.secrets->open(sealed_verifier, state, take_state_.optional_blob(2));
  if (!verifier)
    return verifier.error(); // Used up all the same: it is good for nothing.
  taken.verifier = std::move(*verifier);
  return std::optional{std::move(taken)};
}

std::optional<connection_writer::row> connection_writer::find(const connection_key& which) {
  reset_at_end ends{find_};
  if (!find_.bind(1, which.user.str()).bind(2, which.platform.str()).step())
    return std::nullopt;
  return row{find_.integer(0),
             std::string{find_.text(1)},
             static_cast<std::uint64_t>(find_.integer(2)),
             parse_row_status(find_.text(3)),
             std::string{find_.text(4)},
             find_.is_null(5) ? std::nullopt : std::optional<std::string>{find_.text(5)}};
}

std::int64_t connection_writer::add(const connection& fresh, std::string& id) {
  const auto now = means_.clock->now();
  const auto text = to_row_time(now);
  id = means_.fresh_id(now);
  add_user_.bind(1, fresh.user.str()).run();
  reset_at_end ends{add_};
  add_.bind(1, id).bind(2, fresh.user.str()).bind(3, fresh.platform.str()).bind(4, text).step();
  return add_.integer(0);
}

std::uint64_t connection_writer::connect(const connection& fresh, timestamp due) {
  std::int64_t number = 0;
  std::string id;
  if (auto found = find({fresh.user, fresh.platform})) {
    number = found->number;
    id = std::move(found->id);
    if (!found->account.empty() && !fresh.account.empty() && found->account != fresh.account)
      forget_what_was_read(number, {fresh.user, fresh.platform});
  } else {
    number = add(fresh, id);
  }
  const auto& tokens = fresh.tokens;
  const auto access = means_.sealed(sealed_access_token, id, tokens.access_token);
  const auto refresh = means_.sealed(sealed_refresh_token, id, tokens.refresh_token);
  const auto expires = to_row_time(tokens.expires_at);
  const auto grant_expires = to_row_time(tokens.grant_expires_at);
  const auto granted = to_row_time(fresh.granted_at);
  const auto now = now_text();
  reset_at_end ends{renew_};
  renew_.bind(1, number).bind(2, fresh.account);
  renew_.bind_optional_blob(3, access).bind_optional_blob(4, refresh);
  renew_.bind_optional(5, expires).bind_optional(6, grant_expires).bind(7, tokens.scopes);
  renew_.bind(8, granted).bind(9, to_milliseconds(due)).bind(10, now).step();
  return static_cast<std::uint64_t>(renew_.integer(0));
}

result<bool> connection_writer::note_refresh(const connection_key& which,
                                             const refresh_note& what) {
  const auto found = find(which);
  if (!found)
    return no_connection;
  const bool over = found->status == connection_status::disconnected
                    || found->status == connection_status::needs_reauth;
  if (found->version != what.version || found->refresh_began != to_row_time(what.seen) || over)
    return false;
  const auto began = to_row_time(what.began);
  const auto now = now_text();
  note_refresh_.bind(1, found->number).bind_optional(2, began).bind(3, what.memory).bind(4, now);
  note_refresh_.run();
  return true;
}

result<bool> connection_writer::save_tokens(const connection_key& which, std::uint64_t expected,
                                            const token_set& tokens, timestamp next_due) {
  const auto found = find(which);
  if (!found)
    return no_connection;
  if (found->version != expected || found->disconnected())
    return false;
  const auto access = means_.sealed(sealed_access_token, found->id, tokens.access_token);
  const auto refresh = means_.sealed(sealed_refresh_token, found->id, tokens.refresh_token);
  const auto expires = to_row_time(tokens.expires_at);
  const auto grant_expires = to_row_time(tokens.grant_expires_at);
  const auto now = now_text();
  save_tokens_.bind(1, found->number);
  save_tokens_.bind_optional_blob(2, access).bind_optional_blob(3, refresh);
  save_tokens_.bind_optional(4, expires).bind_optional(5, grant_expires);
  save_tokens_.bind(6, tokens.scopes).bind(7, to_milliseconds(next_due)).bind(8, now).run();
  return true;
}

result<bool> connection_writer::save_status(const connection_key& which, connection_status status,
                                            const std::string& cause,
                                            const std::string& message) {
  const auto found = find(which);
  if (!found)
    return no_connection;
  if (status == connection_status::disconnected)
    forget(found->number, which); // That status promises that nothing is left.
  else if (found->disconnected())
    return false; // Somebody who was late: only the person can come back.
  const auto message_or_null = unless_empty(message);
  const auto now = now_text();
  save_status_.bind(1, found->number).bind(2, to_row_status(status)).bind(3, cause);
  save_status_.bind_optional(4, message_or_null).bind(5, now).run();
  return true;
}

result<bool> connection_writer::save_progress(const connection_key& which,
                                              const poll_progress& progress, timestamp next_due) {
  const auto found = find(which);
  if (!found)
    return no_connection;
  if (found->disconnected())
    return false;
  put_progress(found->number, progress, next_due);
  return true;
}

void connection_writer::put_progress(std::int64_t number, const poll_progress& progress,
                                     timestamp next_due) {
  put_progress_.bind(1, number).bind(2, progress.endpoint).bind(3, progress.cursor);
  put_progress_.bind(4, progress.etag).bind_optional(5, to_milliseconds(progress.last_poll));
  put_progress_.bind(6, to_milliseconds(progress.due));
  put_progress_.bind(7, std::int64_t{progress.failure_count}).run();
  // A poll that failed is no sync.
  const auto synced = progress.failure_count == 0 ? to_row_time(progress.last_poll) : std::nullopt;
  const auto now = now_text();
  moved_on_.bind(1, number).bind(2, to_milliseconds(next_due)).bind_optional(3, synced);
  moved_on_.bind(4, now).run();
}

result<bool> connection_writer::save_registration(const connection_key& which,
                                                  const registration& what, timestamp next_due) {
  const auto found = find(which);
  if (!found)
    return no_connection;
  if (found->disconnected())
    return false;
  const auto now = means_.clock->now();
  std::string id;
  {
    reset_at_end ends{find_registration_};
    find_registration_.bind(1, which.user.str()).bind(2, which.platform.str());
    if (find_registration_.bind(3, what.resource).step())
      id = find_registration_.text(0);
  }
  if (id.empty())
    id = means_.fresh_id(now);
  const auto secret = means_.sealed(sealed_webhook_secret, id, what.secret);
  const auto external_id = unless_empty(what.external_id);
  auto& put = put_registration_;
  put.bind(1, id).bind(2, which.user.str()).bind(3, which.platform.str()).bind(4, what.resource);
  put.bind_optional(5, external_id).bind_optional_blob(6, secret).bind(7, what.status);
  put.bind(8, what.cause).bind(9, what.details);
  put.bind_optional(10, to_milliseconds(what.expires_at));
  put.bind_optional(11, to_milliseconds(what.renew_at));
  put.bind_optional(12, to_milliseconds(what.last_delivery)).bind(13, to_milliseconds(now)).run();
  set_due_.bind(1, found->number).bind(2, to_milliseconds(next_due)).run();
  return true;
}

result<bool> connection_writer::remove_registration(const connection_key& which,
                                                    const std::string& resource) {
  if (!find(which))
    return no_connection;
  remove_registration_.bind(1, which.user.str()).bind(2, which.platform.str());
  remove_registration_.bind(3, resource).run();
  return connection_->changes() > 0;
}

void connection_writer::forget(std::int64_t number, const connection_key& which) {
  const auto now = now_text();
  forget_.bind(1, number).bind(2, now).run();
  forget_what_was_read(number, which);
}

void connection_writer::forget_what_was_read(std::int64_t number, const connection_key& which) {
  forget_progress_.bind(1, number).run();
  forget_registrations_.bind(1, which.user.str()).bind(2, which.platform.str()).run();
}

result<bool> connection_writer::disconnect(const connection_key& which) {
  const auto found = find(which);
  if (!found)
    return no_connection;
  forget(found->number, which);
  return true;
}

result<bool> connection_writer::set_due(const connection_key& which, timestamp due) {
  const auto found = find(which);
  if (!found)
    return no_connection;
  if (found->disconnected())
    return false;
  set_due_.bind(1, found->number).bind(2, to_milliseconds(due)).run();
  return true;
}

void connection_writer::apply(const sync_effect& effect) {
  const auto found = find(effect.of);
  if (!found)
    return;
  const auto now = means_.clock->now();
  const auto extracted = to_row_time(effect.progress.last_poll.value_or(now));
  for (const auto& item : effect.items) {
    const auto id = means_.fresh_id(now);
    put_item_.bind(1, id).bind(2, effect.of.user.str()).bind(3, effect.of.platform.str());
    put_item_.bind(4, effect.data_type).bind(5, item.key).bind(6, item.json).bind(7, extracted);
    put_item_.run();
  }
  if (!found->disconnected())
    put_progress(found->number, effect.progress, effect.next_due);
}

std::size_t connection_writer::reseal(const std::vector<old_secret>& secrets) {
  const auto& box = *means_.secrets->box();
  std::size_t stuck = 0;
  for (const auto& each : secrets) {
    const auto& column = *each.column;
    const std::string table{column.table};
    const std::string name{column.column};
    const std::string by_id = " WHERE " + std::string{column.id} + " = ?1";
    sqlite_statement select{*connection_, "SELECT " + name + " FROM " + table + by_id};
    if (!select.bind(1, each.row_id).step())
      continue;
    const auto old = select.optional_blob(0);
    if (!old || !box.needs_reseal(*old))
      continue; // Changed since it was looked for.
    auto secret = box.open(*old, {column.table, column.column, each.row_id});
    select.reset();
    if (!secret) {
      ++stuck;
      continue;
    }
    const auto fresh = means_.sealed(column, each.row_id, *secret);
    OPENSSL_cleanse(secret->data(), secret->size());
    sqlite_statement update{*connection_, "UPDATE " + table + " SET " + name + " = ?2" + by_id};
    update.bind(1, each.row_id).bind_optional_blob(2, fresh).run();
  }
  return stuck;
}

} // namespace lapwing
