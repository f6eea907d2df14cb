#include "actors/batch_writer.hpp"

#include <algorithm>

#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include "actors/ring_queue.hpp"
#include "actors/runtime/metered.hpp"

namespace lapwing {
namespace {

/// Batches that may be at the store at once: while one is being committed the store joins the next
/// ones, of all homes, into one commit. Guess: 2 leave gaps, beyond 4 nothing is gained.
constexpr std::size_t batches_max = 4;

struct batch_writer_state {
  static inline const char* name = "batch_writer";

  struct waiting_append {
    log_owner_actor owner;
    append_request item;
  };

  event_store* store = nullptr;
  std::size_t batch_max = 0;
  ring_queue<waiting_append> waiting;
  /// A batch at the store, with the owners of its items. Batches without a log in common may be
  /// answered in any order; those with one are answered as they were given.
  struct batch_under_way {
    std::uint64_t number;
    std::vector<log_owner_actor> owners;
  };
  std::vector<batch_under_way> under_way;
  std::uint64_t batches_given = 0;
  bool flush_due = false;
};

using self_pointer
  = stateful_metered_pointer<batch_writer_actor, batch_writer_state>;

void flush(self_pointer self) {
  auto& state = self->state;
  state.flush_due = false;
  if (state.under_way.size() >= batches_max || state.waiting.empty())
    return;
  std::size_t count = std::min(state.waiting.size(), state.batch_max);
  std::vector<append_request> batch;
  batch.reserve(count);
  std::vector<log_owner_actor> owners;
  owners.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    auto next = state.waiting.take_front();
    batch.push_back(std::move(next.item));
    owners.push_back(std::move(next.owner));
  }
  const auto number = ++state.batches_given;
  state.under_way.push_back({number, std::move(owners)});
  // The callback runs on the store's thread, so it may only post to our mailbox.
  state.store->append(std::move(batch), [me = batch_writer_actor{self}, number](auto results) {
    caf::anon_send(me, commit_done{number, std::make_shared<result<std::vector<append_result>>>(
                                             std::move(results))});
  });
}

void settle(self_pointer self, const commit_done& done) {
  auto& under_way = self->state.under_way;
  const auto batch = std::find_if(under_way.begin(), under_way.end(),
                                  [&](const auto& each) { return each.number == done.batch; });
  if (batch == under_way.end())
    return; // Answered twice: the store's fault, and no reason to fail for others.
  const auto owners = std::move(batch->owners);
  under_way.erase(batch);
  const auto& results = *done.results;
  for (std::size_t begin = 0; begin < owners.size();) {
    std::size_t end = begin + 1;
    while (end < owners.size() && owners[end] == owners[begin])
      ++end;
    using part_type = result<std::vector<append_result>>;
    std::shared_ptr<const part_type> part;
    if (results && results->size() == owners.size())
      part = std::make_shared<const part_type>(std::vector<append_result>(
        results->begin() + static_cast<std::ptrdiff_t>(begin),
        results->begin() + static_cast<std::ptrdiff_t>(end)));
    else
      part = std::make_shared<const part_type>(
        results ? error{errc::internal, "the store's answer does not fit"} : results.error());
    self->send(owners[begin], append_done{std::move(part), end - begin});
    begin = end;
  }
  flush(self);
}

batch_writer_actor::behavior_type behavior(self_pointer self, event_store* store,
                                           std::size_t batch_max) {
  self->state.store = store;
  self->state.batch_max = batch_max;
  return {
    [self](const append_message& message) {
      auto& state = self->state;
      for (const append_request& item : message.items)
        state.waiting.push_back({message.owner, item});
      if (state.flush_due || state.under_way.size() >= batches_max)
        return;
      state.flush_due = true;
      // Behind whatever is in the mailbox already: that goes with the same commit.
      self->send(self, atom::flush_v);
    },
    [self](atom::flush) { flush(self); },
    [self](const commit_done& done) { settle(self, done); },
  };
}

} // namespace

batch_writer_actor spawn_batch_writer(caf::actor_system& system, std::size_t home,
                                      event_store* store, std::size_t batch_max) {
  return spawn_home(system, {home, {}}, behavior, store, batch_max);
}

} // namespace lapwing
