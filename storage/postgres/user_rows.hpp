// Users and accounts as rows.
#pragma once

#include <optional>
#include <vector>

#include "core/store.hpp"
#include "storage/postgres/pqxx.hpp"

namespace lapwing::postgres {

/// To be called once on each connection, before the others.
void prepare_users(pqxx::connection& connection);

void put_user(pqxx::transaction_base& transaction, const user_id& user,
              const std::vector<account>& accounts);
std::optional<user_id> find_account(pqxx::transaction_base& transaction, const account& which);
/// A real write, to see whether one would be durable.
void probe(pqxx::transaction_base& transaction);

} // namespace lapwing::postgres
