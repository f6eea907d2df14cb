// The Realtime channels of a node, as net asks for them: sessions are spawned on the socket's
// thread, publications go to the channel's home.
#pragma once

#include <memory>

#include <caf/fwd.hpp>

#include "actors/realtime/context.hpp"
#include "realtime/service.hpp"

namespace lapwing {

class asio_scheduler;

class realtime_office final : public realtime::service {
public:
  /// Both must outlive it; `context.policy` and `context.hubs` are set.
  realtime_office(caf::actor_system& system, const realtime::realtime_context& context);

  std::unique_ptr<realtime::session> open(realtime::protocol spoken, realtime::identity_ptr own,
                                          std::shared_ptr<realtime::socket> out) override;
  void publish(realtime::publication what, realtime::identity_ptr who,
               std::function<void(result<bool>)> done) override;
  std::optional<realtime::slot_state> slot() const override;

private:
  void send(realtime::publication what);
  /// Kept before it is sent, where it is kept.
  void send_private(realtime::publication what, std::function<void(result<bool>)> done);
  void answer_at(std::size_t home, const std::function<void(result<bool>)>& done,
                 result<bool> answer);

  caf::actor_system& system_;
  asio_scheduler& scheduler_;
  const realtime::realtime_context& context_;
};

} // namespace lapwing
