#include <algorithm>
#include <chrono>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "storage/job_refused.hpp"
#include "storage/postgres/connection_rows.hpp"
#include "storage/postgres/parameters.hpp"
#include "storage/postgres/row_session.hpp"
#include "storage/row_values.hpp"

namespace lapwing::postgres {
namespace {

std::string text(const std::string& value) {
  return to_text_column(value);
}

timestamp time_of(const pqxx::field& field) {
  return timestamp{std::chrono::milliseconds{field.as<std::int64_t>()}};
}

std::optional<timestamp> optional_time_of(const pqxx::field& field) {
  return field.is_null() ? std::nullopt : std::optional{time_of(field)};
}

/// "" for NULL.
std::string text_of(const pqxx::field& field) {
  return field.is_null() ? std::string{} : field.as<std::string>();
}

std::string opened(const secret_columns& secrets, const sealed_column& column,
                   const std::string& row_id, const pqxx::field& field) {
  if (field.is_null())
    return {};
  const auto box = pqxx::binarystring{field}.str();
  return lapwing::opened(secrets, column, row_id, std::string_view{box});
}

connection connection_of_row(const user_id& user, const pqxx::row& row) {
  connection c;
  c.user = user;
  c.platform = platform_id{row[1].as<std::string>()};
  c.account = text_of(row[2]);
  c.tokens.expires_at = optional_time_of(row[3]);
  c.tokens.grant_expires_at = optional_time_of(row[4]);
  c.tokens.scopes = text_of(row[5]);
  c.token_version = static_cast<std::uint64_t>(row[6].as<std::int64_t>());
  c.refresh_began = optional_time_of(row[7]);
  c.last_sync = optional_time_of(row[8]);
  c.status = parse_row_status(row[9].c_str());
  c.cause = text_of(row[10]);
  c.message = text_of(row[11]);
  c.granted_at = optional_time_of(row[12]).value_or(timestamp{});
  c.refresh_memory = text_of(row[13]);
  return c;
}

} // namespace

std::string text_array(const std::vector<std::string>& values) {
  std::string array = "{";
  for (const auto& each : values) {
    array += array.size() == 1 ? "\"" : ",\"";
    for (char c : each) {
      if (c == '"' || c == '\\')
        array += '\\';
      array += c;
    }
    array += '"';
  }
  array += '}';
  return array;
}

std::optional<loaded_connection> connection_questions::load(const connection_key& which,
                                                            const secret_columns& secrets) {
  const auto rows = transaction_.exec_prepared("load_connection", text(which.user.str()),
                                               text(which.platform.str()));
  if (rows.empty())
    return std::nullopt;
  const auto row = rows[0];
  loaded_connection loaded;
  loaded.at = connection_of_row(which.user, row);
  const auto id = row[14].as<std::string>();
  loaded.at.tokens.access_token = opened(secrets, sealed_access_token, id, row[15]);
  loaded.at.tokens.refresh_token = opened(secrets, sealed_refresh_token, id, row[16]);
  add_polls(row[0].as<std::int64_t>(), loaded);
  add_registrations(loaded, &secrets);
  return loaded;
}

std::vector<loaded_connection> connection_questions::list(const user_id& user) {
  become_user(transaction_, user.str());
  std::vector<loaded_connection> found;
  for (const auto& row : transaction_.exec_prepared("list_connections", text(user.str()))) {
    auto& each = found.emplace_back();
    each.at = connection_of_row(user, row);
    add_polls(row[0].as<std::int64_t>(), each);
    add_registrations(each, nullptr);
  }
  return found;
}

void connection_questions::add_polls(std::int64_t number, loaded_connection& to) {
  for (const auto& row : transaction_.exec_prepared("polls_of", number)) {
    auto& each = to.polls.emplace_back();
    each.endpoint = row[0].as<std::string>();
    each.cursor = row[1].as<std::string>();
    each.etag = row[2].as<std::string>();
    each.last_poll = optional_time_of(row[3]);
    each.due = time_of(row[4]);
    each.failure_count = static_cast<std::uint32_t>(row[5].as<std::int32_t>());
  }
}

void connection_questions::add_registrations(loaded_connection& to,
                                             const secret_columns* secrets) {
  const auto* name = secrets == nullptr ? "registrations_of" : "registrations_with_secrets";
  for (const auto& row : transaction_.exec_prepared(name, text(to.at.user.str()),
                                                    text(to.at.platform.str()))) {
    auto& each = to.registrations.emplace_back();
    each.resource = row[0].as<std::string>();
    each.external_id = text_of(row[1]);
    each.status = row[2].as<std::string>();
    each.cause = row[3].as<std::string>();
    each.details = row[4].as<std::string>();
    each.expires_at = optional_time_of(row[5]);
    each.renew_at = optional_time_of(row[6]);
    each.last_delivery = optional_time_of(row[7]);
    if (secrets != nullptr)
      each.secret = opened(*secrets, sealed_webhook_secret, row[8].as<std::string>(), row[9]);
  }
}

std::vector<std::string> connection_questions::unknown_keys(const connection_key& which,
                                                            const std::string& data_type,
                                                            const std::vector<std::string>& keys) {
  const auto user = text(which.user.str());
  const auto platform = text(which.platform.str());
  if (transaction_.exec_prepared("connection_exists", user, platform).empty())
    throw job_refused{{errc::not_found, "there is no such connection"}};
  std::vector<std::string> columns;
  columns.reserve(keys.size());
  for (const auto& key : keys)
    columns.push_back(text(key));
  std::unordered_set<std::string> known;
  for (const auto& row : transaction_.exec_prepared("known_keys", user, platform, text(data_type),
                                                    text_array(columns)))
    known.insert(row[0].as<std::string>());
  std::vector<std::string> unknown;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (known.insert(std::move(columns[i])).second) // A page may show one thing twice.
      unknown.push_back(keys[i]);
  }
  return unknown;
}

std::vector<connection_key> connection_questions::due(const platform_id& platform,
                                                      timestamp until, std::size_t limit) {
  std::vector<connection_key> found;
  // A time before all that rows can hold is not the first of them.
  if (until < timestamp{})
    return found;
  const auto read = [&](const char* question, timestamp time) {
    for (const auto& row : transaction_.exec_prepared(question, to_row_time(time),
                                                      to_column(limit - found.size()),
                                                      text(platform.str())))
      found.push_back({user_id{row[0].as<std::string>()}, platform});
  };
  read("due_connections", until);
  if (found.size() < limit)
    read("due_too_far", until + connection_store::due_horizon);
  return found;
}

stored_items connection_questions::items(const connection_key& which, const std::string& data_type,
                                         const std::string& after, std::size_t limit) {
  const auto below = page_end(after);
  limit = std::clamp<std::size_t>(limit, 1, page_items_max);
  become_user(transaction_, which.user.str());
  stored_items page;
  std::int64_t last = 0;
  for (const auto& row : transaction_.exec_prepared(
         "items_of", text(which.user.str()), text(which.platform.str()), text(data_type), below,
         to_column(limit + 1), to_column(page_bytes_max))) {
    if (page.items.size() == limit || row[4].is_null()) {
      page.next = std::to_string(last);
      break;
    }
    last = row[0].as<std::int64_t>();
    page.items.push_back({row[1].as<std::string>(), row[2].as<std::string>(),
                          row[3].as<std::string>(), row[4].as<std::string>()});
  }
  return page;
}

} // namespace lapwing::postgres
