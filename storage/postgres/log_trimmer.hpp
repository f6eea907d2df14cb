// What is too old or too much goes, a bounded batch at a time.
//
// By age: along the block range index on time. By count: logs that got events since they were last
// looked at, and all of them once after a start and after a change of the rule. Polled items: by age,
// along such an index too.
#pragma once

#include "core/store.hpp"
#include "storage/postgres/log_ledger.hpp"
#include "storage/postgres/pqxx.hpp"

namespace lapwing::postgres {

/// To be called once on each connection, before the other.
void prepare_trimming(pqxx::connection& connection);

/// One step of core/store.hpp's trim, in this transaction; `ledger` is right only if it commits.
retention_step trim_logs(pqxx::transaction_base& transaction, const retention_rule& rule,
                         log_ledger& ledger);

} // namespace lapwing::postgres
