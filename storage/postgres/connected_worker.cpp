#include "storage/postgres/connected_worker.hpp"

namespace lapwing::postgres {

void connected_worker::open_if_needed() {
  if (is_connected() && !is_alive())
    disconnect();
  if (is_connected())
    return;
  if (!watch_.may_connect(retry_))
    throw failure{fault::connection, {}, "not tried again yet", true};
  try {
    connect();
  } catch (const failure& why) {
    watch_.not_connected(retry_, why);
    throw failure{fault::connection, why.sqlstate(), why.what(), true};
  }
  watch_.connected(retry_);
}

void connected_worker::run(std::vector<database_job_ptr>& group) noexcept {
  for (bool again = false;; again = true) {
    try {
      open_if_needed();
      const server_watch::turn watched{watch_, socket()};
      serve(group);
      return;
    } catch (const failure& why) {
      if (why.kind() == fault::connection)
        disconnect();
      if (why.kind() == fault::connection && !why.in_doubt() && !again)
        continue;
      watch_.failed(why);
      for (auto& job : group) {
        if (job)
          job->refuse(to_error(why));
      }
      return;
    }
  }
}

} // namespace lapwing::postgres
