// Where a connection driver lives in a node: its answers come back as messages to the platform
// actor, its timers are that actor's, its events go to the user's supervisor.
#pragma once

#include <functional>

#include "actors/messages.hpp"
#include "actors/node_context.hpp"
#include "core/chance.hpp"
#include "platforms/drive/driver_host.hpp"

namespace lapwing {

class connection_host final : public driver_host {
public:
  /// What of the actor is needed, so that this needs no CAF class.
  struct hooks {
    poster post;                                                                  ///< Any thread.
    std::function<void(std::chrono::milliseconds, std::function<void()>)> after;  ///< Its thread.
    std::function<void(publish_job_ptr)> publish;                                 ///< Its thread.
  };

  connection_host(const node_context& env, hooks calls) : env_(env), calls_(std::move(calls)) {}

  void set_watched(bool watched) noexcept { watched_ = watched; }

  timestamp now() const override { return env_.clock->now(); }
  double chance() override { return unit_chance(env_.random()); }
  poster make_poster() override { return calls_.post; }
  void after(std::chrono::milliseconds delay, std::function<void()> call) override {
    calls_.after(delay, std::move(call));
  }
  void publish(publish_request request,
               std::function<void(result<publish_receipt>)> done) override {
    if (env_.log != nullptr)
      env_.log->told(user_id{request.target.name}, request.draft);
    auto job = std::make_shared<publish_job>();
    job->request = std::move(request);
    job->done = [post = calls_.post, done = std::move(done)](result<publish_receipt> receipt) {
      post([done, receipt = std::move(receipt)] { done(receipt); });
    };
    calls_.publish(std::move(job));
  }
  bool watched() const override { return watched_; }

private:
  const node_context& env_;
  const hooks calls_;
  bool watched_ = false;
};

} // namespace lapwing
