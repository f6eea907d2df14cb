// Connections to platforms as rows: one function for each question and each change that the port
// (core/connection_store.hpp) names. All work inside the transaction they are given, and throw
// job_refused or what libpqxx throws: then the transaction must go. An error in a result means that
// nothing was changed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/connection_store.hpp"
#include "storage/postgres/pqxx.hpp"
#include "storage/row_means.hpp"

namespace lapwing::postgres {

/// To be called once on each connection, before the others.
void prepare_connections(pqxx::connection& connection);

class connection_changes {
public:
  connection_changes(pqxx::transaction_base& transaction, const row_means& means)
      : transaction_(transaction), means_(means) {}

  void put_oauth_state(const oauth_state& state);
  result<std::optional<oauth_state>> take_oauth_state(const std::string& state, timestamp now);

  std::uint64_t connect(const connection& fresh, timestamp due);
  result<bool> note_refresh(const connection_key& which, const refresh_note& what);
  result<bool> save_tokens(const connection_key& which, std::uint64_t expected,
                           const token_set& tokens, timestamp next_due);
  result<bool> save_status(const connection_key& which, connection_status status,
                           const std::string& cause, const std::string& message);
  result<bool> save_progress(const connection_key& which, const poll_progress& progress,
                             timestamp next_due);
  result<bool> save_registration(const connection_key& which, const registration& what,
                                 timestamp next_due);
  result<bool> remove_registration(const connection_key& which, const std::string& resource);
  result<bool> disconnect(const connection_key& which);
  result<bool> set_due(const connection_key& which, timestamp due);

  /// Seals some of what older keys sealed again; answers how many were left with those before.
  result<std::size_t> reencrypt(std::size_t limit);

private:
  struct row {
    std::int64_t number;
    std::string id;
    std::uint64_t version;
    connection_status status;
    std::string account;
    std::optional<timestamp> refresh_began;

    bool disconnected() const noexcept { return status == connection_status::disconnected; }
  };
  /// And keeps others from changing it until the transaction ends.
  std::optional<row> find(const connection_key& which);
  void forget(std::int64_t number, const connection_key& which);
  void forget_what_was_read(std::int64_t number, const connection_key& which);
  /// Secrets that no key of ours opens.
  std::size_t count_foreign_secrets();
  std::string now_text() const;

  pqxx::transaction_base& transaction_;
  const row_means& means_;
};

class connection_questions {
public:
  explicit connection_questions(pqxx::transaction_base& transaction)
      : transaction_(transaction) {}

  std::optional<loaded_connection> load(const connection_key& which,
                                        const secret_columns& secrets);
  /// As that user, under row-level security.
  std::vector<loaded_connection> list(const user_id& user);
  /// job_refused (not_found) when there is no such connection.
  std::vector<std::string> unknown_keys(const connection_key& which, const std::string& data_type,
                                        const std::vector<std::string>& keys);
  std::vector<connection_key> due(const platform_id& platform, timestamp until,
                                  std::size_t limit);
  /// As that user, under row-level security. job_refused (bad_request): `after` is no place.
  stored_items items(const connection_key& which, const std::string& data_type,
                     const std::string& after, std::size_t limit);

private:
  void add_polls(std::int64_t number, loaded_connection& to);
  void add_registrations(loaded_connection& to, const secret_columns* secrets);

  pqxx::transaction_base& transaction_;
};

/// An array of text in PostgreSQL's text form: {"a","b"}.
std::string text_array(const std::vector<std::string>& values);

} // namespace lapwing::postgres
