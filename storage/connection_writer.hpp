// Connections as rows, the writing half: one function for each change that the port
// (core/connection_store.hpp) names, and what an event brings along (sync_effect).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/connection_store.hpp"
#include "storage/row_means.hpp"
#include "storage/sqlite.hpp"

namespace lapwing {

/// Lives on the writer's thread, works inside the transaction that is open. An error in a result
/// means that nothing was changed; job_refused and sqlite_failure, that the transaction must go.
class connection_writer {
public:
  connection_writer(sqlite_connection& connection, const row_means& means);

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

  void apply(const sync_effect& effect);

  /// Answers how many could not be opened.
  std::size_t reseal(const std::vector<old_secret>& secrets);

private:
  struct row {
    std::int64_t number;
    std::string id;
    std::uint64_t version;
    connection_status status;
    std::string account;
    std::optional<std::string> refresh_began; ///< As it is written.

    bool disconnected() const noexcept { return status == connection_status::disconnected; }
  };
  std::optional<row> find(const connection_key& which);
  std::int64_t add(const connection& fresh, std::string& id);
  void forget(std::int64_t number, const connection_key& which);
  void forget_what_was_read(std::int64_t number, const connection_key& which);
  void put_progress(std::int64_t number, const poll_progress& progress, timestamp next_due);
  std::string now_text() const;

  sqlite_connection* connection_;
  row_means means_;
  sqlite_statement put_state_;
  sqlite_statement drop_old_states_;
  sqlite_statement take_state_;
  sqlite_statement find_;
  sqlite_statement add_user_;
  sqlite_statement add_;
  sqlite_statement renew_;
  sqlite_statement note_refresh_;
  sqlite_statement save_tokens_;
  sqlite_statement save_status_;
  sqlite_statement set_due_;
  sqlite_statement moved_on_;
  sqlite_statement put_progress_;
  sqlite_statement put_item_;
  sqlite_statement find_registration_;
  sqlite_statement put_registration_;
  sqlite_statement remove_registration_;
  sqlite_statement forget_;
  sqlite_statement forget_progress_;
  sqlite_statement forget_registrations_;
};

} // namespace lapwing
