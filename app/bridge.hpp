// The one place that knows both sides: net's calls become actor messages, actors' answers go back
// to the I/O thread that asked.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include <caf/fwd.hpp>

#include "actors/admin.hpp"
#include "actors/node_context.hpp"
#include "core/engine.hpp"

namespace lapwing {

class asio_scheduler;

/// The engine of a node. Every publication is answered within `request_timeout`: by its log's
/// writer, or by the sweep that this class runs on each I/O thread.
class bridge final : public engine {
public:
  bridge(caf::actor_system& system, const node_context& context, admin_actor admin);
  ~bridge() override;

  /// Starts the sweeps and the readiness probe.
  void start();
  /// Stops both, and waits until no I/O thread is in them. Before the actor system ends.
  void stop();
  /// From now on nothing new is taken: errc::shutting_down.
  void drain() noexcept { draining_ = true; }

  void publish(publish_request request, callback<publish_receipt> done) override;
  std::unique_ptr<stream_session> open_stream(stream_request request,
                                              std::shared_ptr<client_sink> sink) override;
  void history(log_id log, sequence after, std::size_t limit,
               callback<event_page> done) override;
  void find_event(log_id log, sequence seq, callback<event_ptr> done) override;
  void put_user(user_id user, std::vector<account> accounts, callback<bool> done) override;
  void find_account(account which, callback<std::optional<user_id>> done) override;
  engine_counts counts() const override;
  void inspect(std::string path, callback<std::string> done) override;
  void command(std::string verb, std::string argument, callback<std::string> done) override;
  bool ready(std::string& why) const override;
  connection_service* connections() noexcept override { return connections_; }
  realtime::service* realtime_service() noexcept override { return realtime_; }
  /// Before the server starts; must outlive it.
  void set_realtime(realtime::service* service) noexcept { realtime_ = service; }
  /// Before the server starts; must outlive it.
  void set_connections(connection_service* service) noexcept { connections_ = service; }

private:
  struct call;
  struct sweep;
  class actor_session;

  /// Says no, as late as an answer would come: callers need not expect it from within their call.
  template <class T>
  void refuse(callback<T> done, error why);
  void read_history(log_id log, sequence after, std::size_t limit, callback<event_page> done);
  void ask(inspect_query query, callback<std::string> done);
  callback<std::string> and_what_sleeps(user_id user, std::string_view list,
                                        callback<std::string> done);
  callback<publish_receipt> telling_the_carrier(callback<publish_receipt> done);
  void arm(std::size_t home);
  void probe();

  caf::actor_system& system_;
  asio_scheduler& scheduler_;
  const node_context& context_;
  admin_actor admin_;
  connection_service* connections_ = nullptr;
  realtime::service* realtime_ = nullptr;
  std::vector<std::unique_ptr<sweep>> sweeps_; ///< One for each thread.
  std::atomic<bool> draining_{false};
  std::atomic<bool> stopped_{false};
  std::atomic<std::size_t> sse_sessions_{0};
  std::atomic<std::size_t> websocket_sessions_{0};
  // Readiness: when each last was well, in steady nanoseconds.
  std::atomic<std::chrono::steady_clock::rep> store_well_{0};
  std::atomic<std::chrono::steady_clock::rep> path_well_{0};
};

} // namespace lapwing
