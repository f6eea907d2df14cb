#include "actors/runtime/timer_queue.hpp"

#include <algorithm>
#include <utility>

namespace lapwing {
namespace {

constexpr std::size_t children = 4;

} // namespace

std::size_t timer_queue::key_hash::operator()(const timer_key& key) const noexcept {
  // Ids and atoms are small or regular numbers: murmur3's finaliser spreads them.
  auto hash = key.owner * 0x9e3779b97f4a7c15ULL + key.value * 0xc2b2ae3d27d4eb4fULL
              + static_cast<std::uint64_t>(key.kind);
  hash ^= hash >> 33;
  hash *= 0xff51afd7ed558ccdULL;
  hash ^= hash >> 33;
  return static_cast<std::size_t>(hash);
}

timer_queue::~timer_queue() {
  for (auto& entry : heap_)
    delete entry.what;
}

timer_queue::owned_timer timer_queue::add(time_point due, owned_timer added) {
  owned_timer replaced;
  if (added->key.kind != timer_kind::none)
    replaced = remove(added->key);
  heap_.emplace_back();
  link(*added);
  sift_up(heap_.size() - 1, slot{due, next_order_++, added.release()});
  return replaced;
}

timer_queue::owned_timer timer_queue::remove(const timer_key& key) {
  auto found = by_key_.find(key);
  return found == by_key_.end() ? nullptr : take_out(found->second->position);
}

std::vector<timer_queue::owned_timer> timer_queue::remove_owner(caf::actor_id owner) {
  std::vector<owned_timer> removed;
  for (auto found = by_owner_.find(owner); found != by_owner_.end();
       found = by_owner_.find(owner))
    removed.push_back(take_out(found->second->position));
  return removed;
}

timer_queue::owned_timer timer_queue::pop_due(time_point now) {
  return heap_.empty() || heap_.front().due > now ? nullptr : take_out(0);
}

std::vector<timer_queue::owned_timer> timer_queue::remove_all() {
  std::vector<owned_timer> removed;
  removed.reserve(heap_.size());
  for (auto& entry : heap_)
    removed.emplace_back(entry.what);
  heap_.clear();
  by_key_.clear();
  by_owner_.clear();
  return removed;
}

void timer_queue::put(std::size_t position, slot moved) noexcept {
  moved.what->position = position;
  heap_[position] = moved;
}

void timer_queue::sift_up(std::size_t position, slot moved) noexcept {
  while (position > 0) {
    auto parent = (position - 1) / children;
    if (!sooner(moved, heap_[parent]))
      break;
    put(position, heap_[parent]);
    position = parent;
  }
  put(position, moved);
}

void timer_queue::sift_down(std::size_t position, slot moved) noexcept {
  for (;;) {
    auto first = position * children + 1;
    if (first >= heap_.size())
      break;
    auto soonest = first;
    auto end = std::min(first + children, heap_.size());
    for (auto child = first + 1; child < end; ++child)
      if (sooner(heap_[child], heap_[soonest]))
        soonest = child;
    if (!sooner(heap_[soonest], moved))
      break;
    put(position, heap_[soonest]);
    position = soonest;
  }
  put(position, moved);
}

timer_queue::owned_timer timer_queue::take_out(std::size_t position) {
  owned_timer removed{heap_[position].what};
  auto last = heap_.back();
  heap_.pop_back();
  if (position < heap_.size()) {
    if (position > 0 && sooner(last, heap_[(position - 1) / children]))
      sift_up(position, last);
    else
      sift_down(position, last);
  }
  unlink(*removed);
  return removed;
}

void timer_queue::link(timer& added) {
  if (added.key.kind != timer_kind::none)
    by_key_.emplace(added.key, &added);
  if (added.key.owner == 0)
    return;
  auto& head = by_owner_[added.key.owner];
  added.next_of_owner = head;
  if (head)
    head->previous_of_owner = &added;
  head = &added;
}

void timer_queue::unlink(timer& removed) {
  if (removed.key.kind != timer_kind::none)
    by_key_.erase(removed.key);
  if (removed.key.owner == 0)
    return;
  if (removed.next_of_owner)
    removed.next_of_owner->previous_of_owner = removed.previous_of_owner;
  if (removed.previous_of_owner)
    removed.previous_of_owner->next_of_owner = removed.next_of_owner;
  else if (removed.next_of_owner)
    by_owner_[removed.key.owner] = removed.next_of_owner;
  else
    by_owner_.erase(removed.key.owner);
}

} // namespace lapwing
