#include "actors/runtime/actor_census.hpp"

#include <utility>

namespace lapwing {

void actor_census::for_each_actor(const std::function<void(const actor_figures&)>& visit) const {
  for (const auto& list : lists_) {
    std::lock_guard lock{list.mutex};
    for (const auto* meter = list.first; meter; meter = meter->next) {
      actor_figures figures;
      figures.id = meter->self->id();
      figures.kind = meter->kind;
      figures.label = meter->label;
      figures.home = meter->home;
      // `processed` first: what arrives in between then counts as waiting.
      figures.processed = meter->processed.load(std::memory_order_acquire);
      figures.enqueued = meter->enqueued.load(std::memory_order_relaxed);
      figures.backlog
        = figures.enqueued > figures.processed ? figures.enqueued - figures.processed : 0;
      figures.busy = std::chrono::nanoseconds{meter->busy_ns.load(std::memory_order_relaxed)};
      figures.last_activity = std::chrono::steady_clock::time_point{
        std::chrono::nanoseconds{meter->last_activity_ns.load(std::memory_order_relaxed)}};
      visit(figures);
    }
  }
}

std::size_t actor_census::size() const noexcept {
  std::size_t size = 0;
  for (const auto& list : lists_) {
    std::lock_guard lock{list.mutex};
    size += list.size;
  }
  return size;
}

std::vector<caf::strong_actor_ptr> actor_census::living() const {
  std::vector<caf::strong_actor_ptr> all;
  for (const auto& list : lists_) {
    std::lock_guard lock{list.mutex};
    for (const auto* meter = list.first; meter; meter = meter->next) {
      // One whose last reference is gone stays listed until its end has got to leave().
      if (caf::intrusive_ptr_upgrade_weak(meter->self))
        all.emplace_back(meter->self, false);
    }
  }
  return all;
}

void actor_census::enter(actor_meter& born) {
  auto& list = list_of(born);
  std::lock_guard lock{list.mutex};
  born.listed = true;
  born.next = list.first;
  if (born.next)
    born.next->previous = &born;
  list.first = &born;
  ++list.size;
}

void actor_census::leave(actor_meter& gone) noexcept {
  auto& list = list_of(gone);
  std::lock_guard lock{list.mutex};
  if (!std::exchange(gone.listed, false))
    return;
  (gone.previous ? gone.previous->next : list.first) = gone.next;
  if (gone.next)
    gone.next->previous = gone.previous;
  gone.previous = gone.next = nullptr;
  --list.size;
}

void actor_census::label(actor_meter& named, std::string text) {
  std::lock_guard lock{list_of(named).mutex};
  named.label = std::move(text);
}

std::string actor_census::label_of(const actor_meter& named) {
  std::lock_guard lock{list_of(named).mutex};
  return named.label;
}

} // namespace lapwing
