// The statements of connection_rows.hpp.
#include <string>

#include "storage/postgres/connection_rows.hpp"

namespace lapwing::postgres {
namespace {

/// A time as milliseconds since 1970.
std::string milliseconds_of(const std::string& column) {
  return "floor(extract(epoch FROM " + column + ") * 1000)::bigint AS " + column;
}

std::string connection_columns() {
  return "number, platform, account, " + milliseconds_of("token_expires_at") + ", "
         + milliseconds_of("grant_expires_at") + ", scopes, token_version, "
         + milliseconds_of("refresh_began") + ", " + milliseconds_of("last_sync")
         + ", status, cause, error_message, " + milliseconds_of("granted_at") + ", refresh_memory";
}

std::string registration_columns() {
  return "resource, external_id, status, cause, details, " + milliseconds_of("expires_at") + ", "
         + milliseconds_of("renew_at") + ", " + milliseconds_of("last_delivery_at");
}

void prepare_states(pqxx::connection& connection) {
  connection.prepare("put_state",
                     "INSERT INTO oauth_states"
                     " (state, user_id, platform, verifier, redirect_to, expires_at)"
                     " VALUES ($1, $2, $3, $4::bytea, $5, $6::timestamptz)");
  connection.prepare("drop_old_states", "DELETE FROM oauth_states WHERE state IN"
                                        " (SELECT state FROM oauth_states"
                                        " WHERE expires_at < $1::timestamptz"
                                        " ORDER BY expires_at LIMIT $2::bigint"
                                        " FOR UPDATE SKIP LOCKED)");
  connection.prepare("take_state", "DELETE FROM oauth_states WHERE state = $1 RETURNING user_id,"
                                   " platform, verifier, redirect_to, "
                                     + milliseconds_of("expires_at"));
}

void prepare_connection_changes(pqxx::connection& connection) {
  connection.prepare("find_connection",
                     "SELECT number, id, token_version, status, account, "
                       + milliseconds_of("refresh_began")
                       + " FROM platform_connections WHERE user_id = $1 AND platform = $2"
                         " FOR UPDATE");
  connection.prepare("add_connection",
                     "INSERT INTO platform_connections"
                     " (id, user_id, platform, created_at, updated_at)"
                     " VALUES ($1::uuid, $2, $3, $4::timestamptz, $4::timestamptz)"
                     " ON CONFLICT DO NOTHING");
  connection.prepare(
    "renew_connection",
    "UPDATE platform_connections SET account = $2, access_token = $3::bytea,"
    " refresh_token = $4::bytea, token_expires_at = $5::timestamptz,"
    " grant_expires_at = $6::timestamptz, scopes = $7, granted_at = $8::timestamptz,"
    " due_at = $9::timestamptz, updated_at = $10::timestamptz, token_version = token_version + 1,"
    " refresh_began = NULL, refresh_memory = '', status = 'connected', cause = '', error_message = NULL"
    " WHERE number = $1 RETURNING token_version");
  connection.prepare("note_refresh",
                     "UPDATE platform_connections SET refresh_began = $2::timestamptz,"
                     " refresh_memory = $3, updated_at = $4::timestamptz WHERE number = $1");
  connection.prepare(
    "save_tokens",
    "UPDATE platform_connections SET access_token = $2::bytea,"
    " refresh_token = coalesce($3::bytea, refresh_token), token_expires_at = $4::timestamptz,"
    " grant_expires_at = coalesce($5::timestamptz, grant_expires_at),"
    " scopes = CASE $6::text WHEN '' THEN scopes ELSE $6 END, due_at = $7::timestamptz,"
    " updated_at = $8::timestamptz, token_version = token_version + 1, refresh_began = NULL"
    " WHERE number = $1");
  connection.prepare("save_status",
                     "UPDATE platform_connections SET status = $2, cause = $3, error_message = $4,"
                     " updated_at = $5::timestamptz WHERE number = $1");
  connection.prepare("set_due", "UPDATE platform_connections SET due_at = $2::timestamptz"
                                " WHERE number = $1");
  connection.prepare("put_progress",
                     "SELECT lapwing_put_progress($1, $2, $3, $4, $5::timestamptz,"
                     " $6::timestamptz, $7, $8::timestamptz, $9::timestamptz, $10::timestamptz)");
  connection.prepare(
    "forget_connection",
    "UPDATE platform_connections SET access_token = NULL, refresh_token = NULL,"
    " token_expires_at = NULL, grant_expires_at = NULL, scopes = '', refresh_began = NULL,"
    " refresh_memory = '', due_at = NULL, token_version = token_version + 1, status = 'disconnected', cause = '',"
    " error_message = NULL, updated_at = $2::timestamptz WHERE number = $1");
  connection.prepare("forget_progress", "DELETE FROM poll_progress WHERE connection = $1");
  connection.prepare("forget_registrations",
                     "DELETE FROM platform_webhooks WHERE user_id = $1 AND platform = $2");
}

void prepare_registration_changes(pqxx::connection& connection) {
  connection.prepare("registration_id", "SELECT id FROM platform_webhooks"
                                        " WHERE user_id = $1 AND platform = $2 AND resource = $3");
  connection.prepare(
    "put_registration",
    "INSERT INTO platform_webhooks (id, user_id, platform, resource, external_id, webhook_secret,"
    " status, cause, details, expires_at, renew_at, last_delivery_at, created_at)"
    " VALUES ($1::uuid, $2, $3, $4, $5, $6::bytea, $7, $8, $9, $10::timestamptz,"
    " $11::timestamptz, $12::timestamptz, $13::timestamptz)"
    " ON CONFLICT (user_id, platform, resource) DO UPDATE SET external_id = excluded.external_id,"
    " webhook_secret = excluded.webhook_secret, status = excluded.status, cause = excluded.cause,"
    " details = excluded.details, expires_at = excluded.expires_at, renew_at = excluded.renew_at,"
    " last_delivery_at = excluded.last_delivery_at");
  connection.prepare("remove_registration", "DELETE FROM platform_webhooks WHERE user_id = $1"
                                            " AND platform = $2 AND resource = $3");
}

void prepare_questions(pqxx::connection& connection) {
  connection.prepare("load_connection", "SELECT " + connection_columns()
                                          + ", id, access_token, refresh_token"
                                            " FROM platform_connections"
                                            " WHERE user_id = $1 AND platform = $2");
  connection.prepare("list_connections", "SELECT " + connection_columns()
                                           + " FROM platform_connections WHERE user_id = $1"
                                             " ORDER BY platform");
  connection.prepare("polls_of", "SELECT endpoint, cursor, etag, " + milliseconds_of("last_poll")
                                   + ", " + milliseconds_of("due_at")
                                   + ", failure_count FROM poll_progress WHERE connection = $1"
                                     " ORDER BY endpoint");
  connection.prepare("registrations_of", "SELECT " + registration_columns()
                                           + " FROM platform_webhooks WHERE user_id = $1"
                                             " AND platform = $2 ORDER BY resource");
  connection.prepare("registrations_with_secrets",
                     "SELECT " + registration_columns()
                       + ", id, webhook_secret FROM platform_webhooks WHERE user_id = $1"
                         " AND platform = $2 ORDER BY resource");
  connection.prepare("connection_exists", "SELECT 1 FROM platform_connections"
                                          " WHERE user_id = $1 AND platform = $2");
  connection.prepare("known_keys",
                     "SELECT item_key FROM user_platform_data WHERE user_id = $1"
                     " AND platform = $2 AND data_type = $3 AND item_key = ANY ($4::text[])");
  connection.prepare("due_connections",
                     "SELECT user_id FROM platform_connections WHERE platform = $3"
                     " AND due_at <= $1::timestamptz AND status IN ('connected', 'degraded')"
                     " ORDER BY due_at LIMIT $2::bigint");
  connection.prepare("due_too_far",
                     "SELECT user_id FROM platform_connections WHERE platform = $3"
                     " AND due_at > $1::timestamptz AND status IN ('connected', 'degraded')"
                     " ORDER BY due_at LIMIT $2::bigint");
  const std::string time_text
    = R"(to_char(extracted_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))";
  // A document that would make the page too heavy stays behind, as NULL.
  connection.prepare(
    "items_of",
    "SELECT number, id, data_type, extracted,"
    " CASE WHEN total <= $6::bigint OR place = 1 THEN document END"
    " FROM (SELECT number, id, data_type, extracted, document, row_number() OVER down AS place,"
    " sum(octet_length(document)) OVER down AS total FROM (SELECT number, id, data_type, "
      + time_text
      + " AS extracted, raw_data::text AS document FROM user_platform_data WHERE user_id = $1"
        " AND platform = $2 AND ($3::text = '' OR data_type = $3) AND number < $4::bigint"
        " ORDER BY number DESC LIMIT $5::bigint) AS page WINDOW down AS (ORDER BY number DESC))"
        " AS weighed ORDER BY number DESC");
}

} // namespace

void prepare_connections(pqxx::connection& connection) {
  prepare_states(connection);
  prepare_connection_changes(connection);
  prepare_registration_changes(connection);
  prepare_questions(connection);
}

} // namespace lapwing::postgres
