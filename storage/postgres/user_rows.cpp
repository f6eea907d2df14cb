#include "storage/postgres/user_rows.hpp"

#include "storage/postgres/parameters.hpp"

namespace lapwing::postgres {

void prepare_users(pqxx::connection& connection) {
  connection.prepare("add_user", "INSERT INTO users (id) VALUES ($1) ON CONFLICT DO NOTHING");
  connection.prepare("set_account",
                     "INSERT INTO accounts (platform, name, user_id) VALUES ($1, $2, $3)"
                     " ON CONFLICT (platform, name) DO UPDATE SET user_id = excluded.user_id");
  connection.prepare("find_account",
                     "SELECT user_id FROM accounts WHERE platform = $1 AND name = $2");
  connection.prepare("probe", "UPDATE write_probe SET count = count + 1");
}

void put_user(pqxx::transaction_base& transaction, const user_id& user,
              const std::vector<account>& accounts) {
  const auto id = to_text_column(user.str());
  transaction.exec_prepared("add_user", id);
  for (const auto& each : accounts)
    transaction.exec_prepared("set_account", to_text_column(each.platform.str()),
                              to_text_column(each.name), id);
}

std::optional<user_id> find_account(pqxx::transaction_base& transaction, const account& which) {
  const auto rows = transaction.exec_prepared(
    "find_account", to_text_column(which.platform.str()), to_text_column(which.name));
  if (rows.empty())
    return std::nullopt;
  return user_id{rows[0][0].as<std::string>()};
}

void probe(pqxx::transaction_base& transaction) {
  transaction.exec_prepared("probe");
}

} // namespace lapwing::postgres
