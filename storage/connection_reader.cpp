#include "storage/connection_reader.hpp"

#include <algorithm>
#include <chrono>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "storage/event_rows.hpp"
#include "storage/row_values.hpp"

namespace lapwing {
namespace {

/// What connection_of_row reads, in its order.
const std::string connection_columns
  = "number, platform, account, token_expires_at, grant_expires_at, scopes, token_version,"
    " refresh_began, last_sync, status, cause, error_message, granted_at, refresh_memory";

timestamp milliseconds_at(const sqlite_statement& row, int column) noexcept {
  return timestamp{std::chrono::milliseconds{row.integer(column)}};
}

std::optional<timestamp> optional_milliseconds_at(const sqlite_statement& row,
                                                  int column) noexcept {
  return row.is_null(column) ? std::nullopt : std::optional{milliseconds_at(row, column)};
}

std::optional<timestamp> time_at(const sqlite_statement& row, int column) {
  if (row.is_null(column))
    return std::nullopt;
  const auto time = parse_row_time(row.text(column));
  if (!time)
    throw job_refused{{errc::internal, "a stored time is not in the form that it must have"}};
  return time;
}

connection connection_of_row(const user_id& user, const sqlite_statement& row) {
  connection c;
  c.user = user;
  c.platform = platform_id{row.text(1)};
  c.account = row.text(2);
  c.tokens.expires_at = time_at(row, 3);
  c.tokens.grant_expires_at = time_at(row, 4);
  c.tokens.scopes = row.text(5);
  c.token_version = static_cast<std::uint64_t>(row.integer(6));
  c.refresh_began = time_at(row, 7);
  c.last_sync = time_at(row, 8);
  c.status = parse_row_status(row.text(9));
  c.cause = row.text(10);
  c.message = row.text(11);
  c.granted_at = time_at(row, 12).value_or(timestamp{});
  c.refresh_memory = row.text(13);
  return c;
}

/// Several statements that see one state of the database.
class snapshot {
public:
  snapshot(sqlite_statement& begin, sqlite_statement& end, sqlite_connection& connection)
      : end_(end), connection_(connection) {
    begin.run();
  }
  void finish() { end_.run(); }
  ~snapshot() { connection_.roll_back(); }
  snapshot(const snapshot&) = delete;
  snapshot& operator=(const snapshot&) = delete;

private:
  sqlite_statement& end_;
  sqlite_connection& connection_;
};

} // namespace

connection_reader::connection_reader(sqlite_connection& connection)
    : connection_(&connection), begin_(connection, "BEGIN"), end_(connection, "COMMIT"),
      load_(connection, "SELECT " + connection_columns
                          + ", id, access_token, refresh_token FROM platform_connections"
                            " WHERE user_id = ?1 AND platform = ?2"),
      list_(connection, "SELECT " + connection_columns
                          + " FROM platform_connections WHERE user_id = ?1 ORDER BY platform"),
      polls_(connection, "SELECT endpoint, cursor, etag, last_poll, due_at, failure_count"
                         " FROM poll_progress WHERE connection = ?1 ORDER BY endpoint"),
      registrations_(connection, "SELECT resource, external_id, status, cause, details, expires_at,"
                                 " renew_at, last_delivery_at, id, webhook_secret"
                                 " FROM platform_webhooks WHERE user_id = ?1 AND platform = ?2"
                                 " ORDER BY resource"),
      exists_(connection,
              "SELECT 1 FROM platform_connections WHERE user_id = ?1 AND platform = ?2"),
      has_item_(connection, "SELECT 1 FROM user_platform_data WHERE user_id = ?1"
                            " AND platform = ?2 AND data_type = ?3 AND item_key = ?4"),
      due_(connection, "SELECT user_id FROM platform_connections WHERE platform = ?3 AND due_at <= ?1"
                       " AND status IN ('connected', 'degraded') ORDER BY due_at LIMIT ?2"),
      due_too_far_(connection, "SELECT user_id FROM platform_connections"
                               " WHERE platform = ?3 AND due_at > ?1 AND status IN ('connected', 'degraded')"
                               " ORDER BY due_at LIMIT ?2"),
      items_(connection, "SELECT rowid, id, data_type, extracted_at, raw_data"
                         " FROM user_platform_data INDEXED BY user_platform_data_by_arrival"
                         " WHERE user_id = ?1 AND platform = ?2 AND (?3 = '' OR data_type = ?3)"
                         " AND rowid < ?4 ORDER BY rowid DESC LIMIT ?5") {}

std::optional<loaded_connection> connection_reader::load(const connection_key& which,
                                                         const secret_columns& secrets) {
  snapshot all{begin_, end_, *connection_};
  loaded_connection loaded;
  {
    reset_at_end ends{load_};
    if (!load_.bind(1, which.user.str()).bind(2, which.platform.str()).step())
      return std::nullopt;
    loaded.at = connection_of_row(which.user, load_);
    const auto id = load_.text(14);
    auto& tokens = loaded.at.tokens;
    tokens.access_token = opened(secrets, sealed_access_token, id, load_.optional_blob(15));
    tokens.refresh_token = opened(secrets, sealed_refresh_token, id, load_.optional_blob(16));
    add_polls(load_.integer(0), loaded);
  }
  add_registrations(loaded, &secrets);
  all.finish();
  return loaded;
}

std::vector<loaded_connection> connection_reader::list(const user_id& user) {
  snapshot all{begin_, end_, *connection_};
  std::vector<loaded_connection> found;
  {
    reset_at_end ends{list_};
    list_.bind(1, user.str());
    while (list_.step()) {
      auto& each = found.emplace_back();
      each.at = connection_of_row(user, list_);
      add_polls(list_.integer(0), each);
      add_registrations(each, nullptr);
    }
  }
  all.finish();
  return found;
}

void connection_reader::add_polls(std::int64_t number, loaded_connection& to) {
  reset_at_end ends{polls_};
  polls_.bind(1, number);
  while (polls_.step()) {
    auto& each = to.polls.emplace_back();
    each.endpoint = polls_.text(0);
    each.cursor = polls_.text(1);
    each.etag = polls_.text(2);
    each.last_poll = optional_milliseconds_at(polls_, 3);
    each.due = milliseconds_at(polls_, 4);
    each.failure_count = static_cast<std::uint32_t>(polls_.integer(5));
  }
}

void connection_reader::add_registrations(loaded_connection& to, const secret_columns* secrets) {
  reset_at_end ends{registrations_};
  registrations_.bind(1, to.at.user.str()).bind(2, to.at.platform.str());
  while (registrations_.step()) {
    auto& each = to.registrations.emplace_back();
    each.resource = registrations_.text(0);
    each.external_id = registrations_.text(1);
    each.status = registrations_.text(2);
    each.cause = registrations_.text(3);
    each.details = registrations_.text(4);
    each.expires_at = optional_milliseconds_at(registrations_, 5);
    each.renew_at = optional_milliseconds_at(registrations_, 6);
    each.last_delivery = optional_milliseconds_at(registrations_, 7);
    if (secrets != nullptr)
      each.secret = opened(*secrets, sealed_webhook_secret, registrations_.text(8),
                           registrations_.optional_blob(9));
  }
}

std::vector<std::string> connection_reader::unknown_keys(const connection_key& which,
                                                         const std::string& data_type,
                                                         const std::vector<std::string>& keys) {
  {
    reset_at_end ends{exists_};
    if (!exists_.bind(1, which.user.str()).bind(2, which.platform.str()).step())
      throw job_refused{{errc::not_found, "there is no such connection"}};
  }
  std::vector<std::string> unknown;
  std::unordered_set<std::string_view> seen; // A page may show one thing twice.
  reset_at_end ends{has_item_};
  has_item_.bind(1, which.user.str()).bind(2, which.platform.str()).bind(3, data_type);
  for (const auto& key : keys) {
    if (!seen.insert(key).second)
      continue;
    if (!has_item_.bind(4, key).step())
      unknown.push_back(key);
    has_item_.reset();
  }
  return unknown;
}

stored_items connection_reader::items(const connection_key& which, const std::string& data_type,
                                      const std::string& after, std::size_t limit) {
  const auto below = page_end(after);
  stored_items page;
  limit = std::clamp<std::size_t>(limit, 1, page_items_max);
  reset_at_end ends{items_};
  items_.bind(1, which.user.str()).bind(2, which.platform.str()).bind(3, data_type);
  items_.bind(4, below).bind(5, to_column(limit + 1));
  std::int64_t last = 0;
  std::size_t bytes = 0;
  while (items_.step()) {
    bytes += items_.text(4).size();
    if (page.items.size() == limit || (!page.items.empty() && bytes > page_bytes_max)) {
      page.next = std::to_string(last);
      break;
    }
    last = items_.integer(0);
    page.items.push_back({std::string{items_.text(1)}, std::string{items_.text(2)},
                          std::string{items_.text(3)}, std::string{items_.text(4)}});
  }
  return page;
}

std::vector<connection_key> connection_reader::due(const platform_id& platform, timestamp until,
                                                   std::size_t limit) {
  std::vector<connection_key> found;
  auto read = [&](sqlite_statement& from, timestamp time) {
    reset_at_end ends{from};
    from.bind(1, time.time_since_epoch().count())
      .bind(2, to_column(limit - found.size()))
      .bind(3, platform.str());
    while (from.step())
      found.push_back({user_id{from.text(0)}, platform});
  };
  read(due_, until);
  if (found.size() < limit)
    read(due_too_far_, until + connection_store::due_horizon);
  return found;
}

old_secrets connection_reader::find_old_secrets(const secret_box& box, std::size_t limit) {
  old_secrets found;
  for (const auto& header : box.older_headers()) {
    for (const auto& column : sealed_columns()) {
      const auto name = std::string{column.column};
      const auto from = " FROM " + std::string{column.table} + " WHERE substr(" + name + ", 1, "
                        + std::to_string(header.size()) + ") = ?1";
      sqlite_statement count{*connection_, "SELECT count(*)" + from};
      if (count.bind_blob(1, header).step())
        found.count += static_cast<std::size_t>(count.integer(0));
      sqlite_statement select{*connection_,
                              "SELECT " + std::string{column.id} + from + " LIMIT ?2"};
      select.bind_blob(1, header).bind(2, to_column(limit - found.batch.size()));
      while (select.step())
        found.batch.push_back({&column, std::string{select.text(0)}});
    }
  }
  if (found.count == 0)
    found.foreign_count = count_foreign_secrets(box);
  return found;
}

std::size_t connection_reader::count_foreign_secrets(const secret_box& box) {
  const auto headers = box.known_headers();
  std::size_t count = 0;
  for (const auto& column : sealed_columns()) {
    const std::string name{column.column};
    auto query = "SELECT count(*) FROM " + std::string{column.table} + " WHERE " + name
                 + " IS NOT NULL";
    for (std::size_t i = 0; i < headers.size(); ++i)
      query += " AND substr(" + name + ", 1, " + std::to_string(headers[i].size()) + ") != ?"
               + std::to_string(i + 1);
    sqlite_statement statement{*connection_, query};
    for (std::size_t i = 0; i < headers.size(); ++i)
      statement.bind_blob(static_cast<int>(i + 1), headers[i]);
    if (statement.step())
      count += static_cast<std::size_t>(statement.integer(0));
  }
  return count;
}

} // namespace lapwing
