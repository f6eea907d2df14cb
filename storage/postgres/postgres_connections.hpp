// The connection_store of the PostgreSQL store: turns its calls into jobs for the workers with
// libpqxx connections. It answers as storage/sqlite_connections.hpp says; changes of one user are done
// in the order in which they were asked for.
#pragma once

#include "core/connection_store.hpp"
#include "storage/executor.hpp"
#include "storage/row_means.hpp"

namespace lapwing::postgres {

class postgres_connections final : public connection_store {
public:
  /// Both must outlive this. Jobs under way may use `means` until the executor has stopped.
  postgres_connections(executor& rows, const row_means& means) : rows_(rows), means_(means) {}

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
  template <class T, class Change>
  void change(const std::string& lane, Change change, callback<T> done);
  template <class T, class Question>
  void ask(Question question, callback<T> done);

  executor& rows_;
  const row_means& means_;
};

} // namespace lapwing::postgres
