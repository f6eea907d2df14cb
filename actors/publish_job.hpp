// One publication on its way through the actors: the request, and the promise to answer it.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "core/engine.hpp"

namespace lapwing {

struct publish_job {
  publish_request request;
  /// Called exactly once, from any actor's thread; posts back to where the request came from.
  std::function<void(result<publish_receipt>)> done;
  /// What will be said; set by the log, completed by the hub (sessions).
  result<publish_receipt> outcome = error{errc::internal, "not settled"};

  publish_job() = default;
  publish_job(const publish_job&) = delete;
  publish_job& operator=(const publish_job&) = delete;
  /// A job that dies unanswered (its actor failed) is answered here: the caller may try again.
  ~publish_job() {
    if (done)
      done(error{errc::store_unavailable, "the request was dropped; try again"});
  }

  void answer() {
    if (auto call = std::move(done)) {
      done = nullptr;
      call(std::move(outcome));
    }
  }
  void answer(error why) {
    outcome = std::move(why);
    answer();
  }
};

/// Jobs move between actors of this node by pointer; nobody keeps one after answering.
using publish_job_ptr = std::shared_ptr<publish_job>;

} // namespace lapwing
