// A worker with a connection: opens it when it is first needed and whenever it was lost, with
// back-off, and refuses jobs at once while there is none.
#pragma once

#include "storage/executor.hpp"
#include "storage/postgres/server_watch.hpp"

namespace lapwing::postgres {

class connected_worker : public database_worker {
public:
  /// `watch` must outlive the worker.
  explicit connected_worker(server_watch& watch) : watch_(watch) {}

  void run(std::vector<database_job_ptr>& group) noexcept final;

protected:
  virtual bool is_connected() const noexcept = 0;
  /// Whether the connection has not been closed by the server while nobody looked.
  virtual bool is_alive() const noexcept = 0;
  virtual int socket() const noexcept = 0;
  /// Throws failure.
  virtual void connect() = 0;
  virtual void disconnect() noexcept = 0;
  /// Ends jobs and resets their pointers. Throws failure when the others cannot be done: they may
  /// then be offered to this again, on a new connection, unless the failure is in doubt.
  virtual void serve(std::vector<database_job_ptr>& group) = 0;

private:
  void open_if_needed();

  server_watch& watch_;
  server_watch::retry retry_;
};

} // namespace lapwing::postgres
