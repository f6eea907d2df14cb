// The outbox as rows of PostgreSQL. All functions work inside the transaction they are given, and
// throw what libpqxx throws: then the transaction must go.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "core/outbox.hpp"
#include "storage/postgres/pqxx.hpp"

namespace lapwing::postgres {

/// To be called once on each connection, before the others.
void prepare_outbox(pqxx::connection& connection);

/// Of several nodes at once each takes others.
outbox_claims claim_outgoing(pqxx::transaction_base& transaction, const std::string& kind,
                             timestamp now, timestamp until, std::size_t limit);
bool settle_outgoing(pqxx::transaction_base& transaction, std::uint64_t id, std::uint64_t claim,
                     const outbox_outcome& how);
outbox_report report_outgoing(pqxx::transaction_base& transaction, const std::string& kind,
                              std::size_t letters_max);
std::size_t resend_outgoing(pqxx::transaction_base& transaction, const std::string& kind,
                            std::optional<std::uint64_t> id, timestamp now, std::size_t limit);
std::size_t trim_outgoing(pqxx::transaction_base& transaction, const std::string& kind,
                          timestamp before, std::size_t limit);

} // namespace lapwing::postgres
