// The connection_store of the SQLite store: turns its calls into jobs for the one writer, whose
// group commit they share with events, and for the readers.
//
// * A call that needs the encryption keys is errc::not_configured without them, and so is one that
//   meets a secret sealed with a key that is not among them; all others work.
// * `save_tokens` keeps what the tokens leave empty: refresh token, scopes and the grant's end.
// * Whatever comes late for a connection that was disconnected changes nothing: false.
// * `disconnect` may be repeated. `remove_registration` answers whether there was one.
// * `unknown_keys` answers a key once, however often it is asked.
// * `reencrypt` counts what the other configured keys sealed; what no key opens is not counted. A
//   damaged box stays as it is, and a batch of nothing else is errc::internal.
#pragma once

#include "core/connection_store.hpp"
#include "storage/connection_writer.hpp"
#include "storage/executor.hpp"

namespace lapwing {

class sqlite_connections final : public connection_store {
public:
  /// All must outlive this. Jobs under way may use `means` until both executors have stopped.
  sqlite_connections(executor& writing, executor& reading, const row_means& means)
      : writing_(writing), reading_(reading), means_(means) {}

  void put_oauth_state(oauth_state state, callback<bool> done) override;
  void take_oauth_state(std::string state, timestamp now,
                        callback<std::optional<oauth_state>> done) override;
  void connect(connection fresh, timestamp due, callback<std::uint64_t> done) override;
  void load(connection_key which, callback<std::optional<loaded_connection>> done) override;
  void list(user_id user, callback<std::vector<loaded_connection>> done) override;
  void note_refresh(connection_key which, refresh_note what, callback<bool> done) override;
  void save_tokens(connection_key which, std::uint64_t expected, token_set tokens,
                   timestamp next_due, callback<bool> done) override;
  void save_status(connection_key which, connection_status status, std::string cause,
                   std::string message, callback<bool> done) override;
  void save_progress(connection_key which, poll_progress progress, timestamp next_due,
                     callback<bool> done) override;
  void unknown_keys(connection_key which, std::string data_type, std::vector<std::string> keys,
                    callback<std::vector<std::string>> done) override;
  void save_registration(connection_key which, registration what, timestamp next_due,
                         callback<bool> done) override;
  void remove_registration(connection_key which, std::string resource,
                           callback<bool> done) override;
  void disconnect(connection_key which, callback<bool> done) override;
  void due(platform_id platform, timestamp until, std::size_t limit,
           callback<std::vector<connection_key>> done) override;
  void set_due(connection_key which, timestamp due, callback<bool> done) override;
  void items(connection_key which, std::string data_type, std::string after, std::size_t limit,
             callback<stored_items> done) override;
  void reencrypt(std::size_t limit, callback<std::size_t> done) override;

private:
  executor& writing_;
  executor& reading_;
  const row_means& means_;
};

} // namespace lapwing
