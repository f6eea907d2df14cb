#include <utility>

#include <openssl/crypto.h>

#include "storage/postgres/connection_rows.hpp"
#include "storage/postgres/parameters.hpp"
#include "storage/row_values.hpp"

namespace lapwing::postgres {
namespace {

const error no_connection{errc::not_found, "there is no such connection"};

std::string text(const std::string& value) {
  return to_text_column(value);
}

std::string user_of(const connection_key& which) {
  return text(which.user.str());
}

std::string platform_of(const connection_key& which) {
  return text(which.platform.str());
}

std::optional<std::string> text_unless_empty(const std::string& value) {
  return unless_empty(text(value));
}

/// Bytes as bytea's text form.
std::string hex_of(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string hex = "\\x";
  for (char c : bytes) {
    hex += digits[static_cast<unsigned char>(c) >> 4];
    hex += digits[static_cast<unsigned char>(c) & 15];
  }
  return hex;
}

std::optional<std::string> hex_or_null(const std::optional<std::string>& bytes) {
  return bytes ? std::optional{hex_of(*bytes)} : std::nullopt;
}

} // namespace

std::string connection_changes::now_text() const {
  return to_row_time(means_.clock->now());
}

void connection_changes::put_oauth_state(const oauth_state& state) {
  transaction_.exec_prepared("drop_old_states", to_row_time(state.expires_at - state_kept),
                             states_dropped_max);
  const auto verifier = means_.sealed(sealed_verifier, state.state, state.verifier);
  transaction_.exec_prepared("put_state", text(state.state), user_of(state.of),
                             platform_of(state.of), hex_or_null(verifier), text(state.redirect_to),
                             to_row_time(state.expires_at));
}

result<std::optional<oauth_state>> connection_changes::take_oauth_state(const std::string& state,
                                                                        timestamp now) {
  const auto rows = transaction_.exec_prepared("take_state", text(state));
  if (rows.empty())
    return std::optional<oauth_state>{};
  const auto& found = rows[0];
  oauth_state taken;
  taken.state = state;
  taken.of = {user_id{found[0].as<std::string>()}, platform_id{found[1].as<std::string>()}};
  taken.redirect_to = found[3].as<std::string>();
  taken.expires_at = timestamp{std::chrono::milliseconds{found[4].as<std::int64_t>()}};
  if (taken.expires_at <= now)
    return std::optional<oauth_state>{};
  const auto box = found[2].is_null() ? std::optional<std::string>{}
                                      : std::optional{pqxx::binarystring{found[2]}.str()};
  auto verifier = means_.secrets->open(sealed_verifier, state, box);
  if (!verifier)
    return verifier.error(); // Used up all the same: it is good for nothing.
  taken.verifier = std::move(*verifier);
  return std::optional{std::move(taken)};
}

std::optional<connection_changes::row> connection_changes::find(const connection_key& which) {
  const auto rows
    = transaction_.exec_prepared("find_connection", user_of(which), platform_of(which));
  if (rows.empty())
    return std::nullopt;
  const auto& found = rows[0];
  return row{found[0].as<std::int64_t>(), found[1].as<std::string>(),
             static_cast<std::uint64_t>(found[2].as<std::int64_t>()),
             parse_row_status(found[3].c_str()),
             found[4].as<std::string>(),
             found[5].is_null() ? std::optional<timestamp>{}
                                : timestamp{std::chrono::milliseconds{found[5].as<std::int64_t>()}}};
}

std::uint64_t connection_changes::connect(const connection& fresh, timestamp due) {
  const connection_key which{fresh.user, fresh.platform};
  auto found = find(which);
  if (!found) {
    const auto now = means_.clock->now();
    transaction_.exec_prepared("add_user", user_of(which));
    transaction_.exec_prepared("add_connection", means_.fresh_id(now), user_of(which),
                               platform_of(which), to_row_time(now));
    found = find(which);
  } else if (!found->account.empty() && !fresh.account.empty()
             && found->account != fresh.account) {
    forget_what_was_read(found->number, which);
  }
  const auto& tokens = fresh.tokens;
  const auto access = means_.sealed(sealed_access_token, found->id, tokens.access_token);
  const auto refresh = means_.sealed(sealed_refresh_token, found->id, tokens.refresh_token);
  const auto renewed = transaction_.exec_prepared1(
    "renew_connection", found->number, text(fresh.account), hex_or_null(access),
    hex_or_null(refresh), to_row_time(tokens.expires_at), to_row_time(tokens.grant_expires_at), text(tokens.scopes),
    to_row_time(fresh.granted_at), to_row_time(due), now_text());
  return static_cast<std::uint64_t>(renewed[0].as<std::int64_t>());
}

result<bool> connection_changes::note_refresh(const connection_key& which,
                                              const refresh_note& what) {
  const auto found = find(which);
  if (!found)
    return no_connection;
  const bool over = found->status == connection_status::disconnected
                    || found->status == connection_status::needs_reauth;
  if (found->version != what.version || found->refresh_began != what.seen || over)
    return false;
  transaction_.exec_prepared("note_refresh", found->number, to_row_time(what.began),
                             text(what.memory), now_text());
  return true;
}

result<bool> connection_changes::save_tokens(const connection_key& which, std::uint64_t expected,
                                             const token_set& tokens, timestamp next_due) {
  const auto found = find(which);
  if (!found)
    return no_connection;
  if (found->version != expected || found->disconnected())
    return false;
  const auto access = means_.sealed(sealed_access_token, found->id, tokens.access_token);
  const auto refresh = means_.sealed(sealed_refresh_token, found->id, tokens.refresh_token);
  transaction_.exec_prepared("save_tokens", found->number, hex_or_null(access),
                             hex_or_null(refresh), to_row_time(tokens.expires_at),
                             to_row_time(tokens.grant_expires_at),
                             text(tokens.scopes), to_row_time(next_due), now_text());
  return true;
}

result<bool> connection_changes::save_status(const connection_key& which, connection_status status,
                                             const std::string& cause,
                                             const std::string& message) {
  const auto found = find(which);
  if (!found)
    return no_connection;
  if (status == connection_status::disconnected)
    forget(found->number, which); // That status promises that nothing is left.
  else if (found->disconnected())
    return false; // Somebody who was late: only the person can come back.
  transaction_.exec_prepared("save_status", found->number, to_row_status(status), text(cause),
                             text_unless_empty(message), now_text());
  return true;
}

result<bool> connection_changes::save_progress(const connection_key& which,
                                               const poll_progress& progress,
                                               timestamp next_due) {
  const auto found = find(which);
  if (!found)
    return no_connection;
  if (found->disconnected())
    return false;
  // A poll that failed is no sync.
  const auto synced = progress.failure_count == 0 ? to_row_time(progress.last_poll) : std::nullopt;
  transaction_.exec_prepared("put_progress", found->number, text(progress.endpoint),
                             text(progress.cursor), text(progress.etag),
                             to_row_time(progress.last_poll), to_row_time(progress.due),
                             static_cast<std::int32_t>(progress.failure_count),
                             to_row_time(next_due), synced, now_text());
  return true;
}

result<bool> connection_changes::save_registration(const connection_key& which,
                                                   const registration& what, timestamp next_due) {
  const auto found = find(which);
  if (!found)
    return no_connection;
  if (found->disconnected())
    return false;
  const auto now = means_.clock->now();
  const auto known = transaction_.exec_prepared("registration_id", user_of(which),
                                                platform_of(which), text(what.resource));
  const auto id = known.empty() ? means_.fresh_id(now) : known[0][0].as<std::string>();
  const auto secret = means_.sealed(sealed_webhook_secret, id, what.secret);
  transaction_.exec_prepared("put_registration", id, user_of(which), platform_of(which),
                             text(what.resource), text_unless_empty(what.external_id),
                             hex_or_null(secret), text(what.status), text(what.cause),
                             text(what.details), to_row_time(what.expires_at),
                             to_row_time(what.renew_at), to_row_time(what.last_delivery),
                             to_row_time(now));
  transaction_.exec_prepared("set_due", found->number, to_row_time(next_due));
  return true;
}

result<bool> connection_changes::remove_registration(const connection_key& which,
                                                     const std::string& resource) {
  if (!find(which))
    return no_connection;
  return transaction_
           .exec_prepared("remove_registration", user_of(which), platform_of(which),
                          text(resource))
           .affected_rows()
         > 0;
}

void connection_changes::forget(std::int64_t number, const connection_key& which) {
  transaction_.exec_prepared("forget_connection", number, now_text());
  forget_what_was_read(number, which);
}

void connection_changes::forget_what_was_read(std::int64_t number, const connection_key& which) {
  transaction_.exec_prepared("forget_progress", number);
  transaction_.exec_prepared("forget_registrations", user_of(which), platform_of(which));
}

result<bool> connection_changes::disconnect(const connection_key& which) {
  const auto found = find(which);
  if (!found)
    return no_connection;
  forget(found->number, which);
  return true;
}

result<bool> connection_changes::set_due(const connection_key& which, timestamp due) {
  const auto found = find(which);
  if (!found)
    return no_connection;
  if (found->disconnected())
    return false;
  transaction_.exec_prepared("set_due", found->number, to_row_time(due));
  return true;
}

result<std::size_t> connection_changes::reencrypt(std::size_t limit) {
  const auto& box = *means_.secrets->box();
  std::size_t count = 0;
  std::size_t tried = 0;
  std::size_t stuck = 0;
  for (const auto& header : box.older_headers()) {
    for (const auto& column : sealed_columns()) {
      const std::string table{column.table}, name{column.column}, id{column.id};
      const auto from = " FROM " + table + " WHERE substring(" + name + " FROM 1 FOR "
                        + std::to_string(header.size()) + ") = $1::bytea";
      count += transaction_.exec_params1("SELECT count(*)" + from, hex_of(header))[0]
                 .as<std::size_t>();
      const auto rows = transaction_.exec_params(
        "SELECT " + id + ", " + name + from + " LIMIT $2 FOR UPDATE", hex_of(header),
        to_column(limit - tried));
      for (const auto& each : rows) {
        ++tried;
        const auto row_id = each[0].as<std::string>();
        auto secret
          = box.open(pqxx::binarystring{each[1]}.str(), {column.table, column.column, row_id});
        if (!secret) {
          ++stuck;
          continue;
        }
        const auto fresh = means_.sealed(column, row_id, *secret);
        OPENSSL_cleanse(secret->data(), secret->size());
        transaction_.exec_params("UPDATE " + table + " SET " + name + " = $2::bytea WHERE " + id
                                   + "::text = $1",
                                 row_id, hex_or_null(fresh));
      }
    }
  }
  if (tried > 0 && stuck == tried)
    return error{errc::internal, "stored secrets are damaged or not in their place"};
  const auto foreign = count == 0 ? count_foreign_secrets() : 0;
  if (foreign > 0)
    return sealed_with_foreign_keys(foreign);
  return count;
}

std::size_t connection_changes::count_foreign_secrets() {
  std::size_t count = 0;
  for (const auto& column : sealed_columns()) {
    const std::string name{column.column};
    auto query = "SELECT count(*) FROM " + std::string{column.table} + " WHERE " + name
                 + " IS NOT NULL";
    for (const auto& header : means_.secrets->box()->known_headers())
      query += " AND substring(" + name + " FROM 1 FOR " + std::to_string(header.size())
               + ") != " + transaction_.quote(hex_of(header)) + "::bytea";
    count += transaction_.exec1(query)[0].as<std::size_t>();
  }
  return count;
}

} // namespace lapwing::postgres
