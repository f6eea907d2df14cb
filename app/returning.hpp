// Answers are brought back to the I/O thread that asked.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include <boost/asio/post.hpp>

#include "actors/runtime/asio_scheduler.hpp"
#include "core/error.hpp"

namespace lapwing {

/// `done`, told on the I/O thread that calls this, at once if the answer comes up there. Called from
/// any other thread it is told wherever the answer comes up. `scheduler` must outlive it.
template <class T>
std::function<void(result<T>)> returning(asio_scheduler& scheduler,
                                         std::function<void(result<T>)> done) {
  auto home = scheduler.current();
  if (home == asio_scheduler::npos)
    return done;
  return [&scheduler, home, done = std::move(done)](result<T> what) {
    if (scheduler.current() == home)
      return done(std::move(what));
    // A std::function must be copyable, a result need not be cheap to copy: move it in a box.
    auto box = std::make_shared<result<T>>(std::move(what));
    boost::asio::post(scheduler.io(home), [done, box] { done(std::move(*box)); });
  };
}

} // namespace lapwing
