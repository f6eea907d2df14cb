#include "storage/postgres/row_session.hpp"

#include "storage/postgres/connection_rows.hpp"
#include "storage/postgres/event_pages.hpp"
#include "storage/postgres/failure.hpp"
#include "storage/postgres/log_trimmer.hpp"
#include "storage/postgres/outbox_rows.hpp"
#include "storage/postgres/socket_look.hpp"
#include "storage/postgres/user_rows.hpp"

namespace lapwing::postgres {

row_session::row_session(const connection_settings& settings, const node_fence& fence)
    : connection_(settings.parameters), fence_(fence) {
  connection_.set_verbosity(pqxx::connection::terse); // Details quote values, and go to the log.
  pqxx::nontransaction{connection_}.exec(settings.preparation);
  connection_.prepare("hold_fence", "SELECT lapwing_hold_fence($1, $2)");
  connection_.prepare("become_user", "SELECT set_config('role', 'authenticated', true),"
                                     " set_config('request.jwt.claims', $1, true)");
  prepare_users(connection_);
  prepare_connections(connection_);
  prepare_trimming(connection_);
  prepare_outbox(connection_);
}

void hold_fence(pqxx::transaction_base& transaction, const node_fence& fence) {
  if (!fence.node.empty())
    transaction.exec_prepared("hold_fence", fence.node, fence.epoch);
}

void become_user(pqxx::transaction_base& transaction, const std::string& user) {
  transaction.exec_prepared("become_user", claims_of(user));
}

bool row_worker::is_alive() const noexcept {
  return session_->connection().is_open() && !is_closed_by_peer(socket());
}

int row_worker::socket() const noexcept {
  return session_->connection().sock();
}

void row_worker::connect() {
  try {
    session_.emplace(settings_, fence_);
  } catch (...) {
    session_.reset();
    throw current_failure(false);
  }
}

void row_worker::serve(std::vector<database_job_ptr>& group) {
  for (auto& job : group) {
    if (!job)
      continue;
    try {
      static_cast<row_job&>(*job).run(*session_);
    } catch (const job_refused& refusal) {
      job->refuse(refusal.why);
    } catch (...) {
      const auto why = current_failure(session_->connection().is_open());
      if (why.kind() != fault::statement)
        throw why;
      job->refuse(to_error(why));
    }
    job.reset();
  }
}

} // namespace lapwing::postgres
