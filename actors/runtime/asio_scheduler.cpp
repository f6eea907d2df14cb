#include "actors/runtime/asio_scheduler.hpp"

#include <algorithm>
#include <thread>

#include <caf/actor_system_config.hpp>
#include <caf/scheduled_actor.hpp>
#include <caf/settings.hpp>

#include "actors/runtime/runtime_config.hpp"

namespace lapwing {
namespace {

// Messages an actor may handle in one turn. Measured: more gains nothing in fan-in or ping-pong,
// and CAF's default (no bound) lets one busy actor hold its thread.
constexpr std::size_t default_max_throughput = 50;

} // namespace

asio_scheduler::asio_scheduler(caf::actor_system& system) : abstract_coordinator(system) {}

asio_scheduler::~asio_scheduler() {
  // Detached actors end after stop() and may have woken others.
  discard_leftovers();
}

caf::actor_system::module* asio_scheduler::make(caf::actor_system& system,
                                                caf::detail::type_list<>) {
  return new asio_scheduler(system);
}

asio_scheduler* asio_scheduler::find(caf::actor_system& system) noexcept {
  return dynamic_cast<asio_scheduler*>(&system.scheduler());
}

asio_scheduler& asio_scheduler::of(caf::actor_system& system) {
  return dynamic_cast<asio_scheduler&>(system.scheduler());
}

std::size_t asio_scheduler::current() const noexcept {
  auto* worker = io_worker::current();
  return worker && &worker->scheduler() == this ? worker->index() : npos;
}

void asio_scheduler::enqueue(caf::resumable* job) {
  auto index = current();
  workers_[index == npos ? next_home() : index]->exec_later(job);
}

void asio_scheduler::init(caf::actor_system_config& config) {
  auto cores = std::max<std::size_t>(1, std::thread::hardware_concurrency());
  num_workers_ = std::max<std::size_t>(1, caf::get_or(config, "scheduler.max-threads", cores));
  max_throughput_
    = std::max<std::size_t>(1, caf::get_or(config, "scheduler.max-throughput",
                                           std::size_t{default_max_throughput}));
  // Before start(): the first actors are spawned, lazily, between the two.
  for (std::size_t index = 0; index < num_workers_; ++index)
    workers_.push_back(std::make_unique<io_worker>(*this, index, max_throughput_));
}

void asio_scheduler::start() {
  clock_.start();
  for (auto& worker : workers_)
    worker->start();
  abstract_coordinator::start();
}

void asio_scheduler::stop() {
  stop_actors(); // Needs the workers.
  for (auto& worker : workers_)
    worker->stop();
  for (auto& worker : workers_)
    worker->join();
  // Actors that wait for a message nobody will send, and may hold on to each other.
  if (auto* config = runtime_config::find(system()))
    for (auto& actor : config->census().living())
      end_actor(*actor);
  discard_leftovers();
  // Handlers may own actor handles, and with them the last reference to an actor.
  for (auto& worker : workers_)
    worker->discard_handlers();
  discard_leftovers();
}

void asio_scheduler::end_actor(caf::actor_control_block& actor) {
  auto* scheduled = dynamic_cast<caf::scheduled_actor*>(actor.get());
  if (scheduled && !scheduled->getf(caf::abstract_actor::is_detached_flag))
    workers_.front()->end(*scheduled);
}

void asio_scheduler::discard_leftovers() {
  for (bool found = true; found;) {
    found = !clock_.stop().empty();
    for (auto& worker : workers_)
      found = worker->discard_leftovers() || found;
  }
}

} // namespace lapwing
