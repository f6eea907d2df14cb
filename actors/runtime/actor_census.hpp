// Who lives here: the figures of every metered actor, readable from any thread without asking the
// actors. Costs a lock at an actor's birth and death only.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include <caf/actor_control_block.hpp>

namespace lapwing {

/// A look at one actor. The counters are read one by one: `processed` may be a message ahead of
/// `enqueued` while the actor works.
struct actor_figures {
  caf::actor_id id = 0;
  const char* kind = ""; ///< The actor's name(): "user_supervisor".
  std::string label;     ///< Whose it is: "ann". Set at birth.
  std::size_t home = 0;
  std::uint64_t enqueued = 0;
  std::uint64_t processed = 0;
  std::uint64_t backlog = 0;          ///< Mailbox length, the message in hand included.
  std::chrono::nanoseconds busy{0};   ///< In turns; measured per turn, not per message.
  std::chrono::steady_clock::time_point last_activity{}; ///< End of its last turn.
};

/// The part of a metered actor that other threads may look at. One writer: its own thread, but
/// for `enqueued`.
struct actor_meter {
  std::atomic<std::uint64_t> enqueued{0};
  std::atomic<std::uint64_t> processed{0};
  std::atomic<std::int64_t> busy_ns{0};
  std::atomic<std::int64_t> last_activity_ns{0};

  // Under the lock of its home's list.
  caf::actor_control_block* self = nullptr;
  const char* kind = nullptr;
  std::string label;
  actor_meter* previous = nullptr;
  actor_meter* next = nullptr;
  std::uint16_t home = 0;
  bool listed = false;
};

class actor_census {
public:
  actor_census() = default;
  actor_census(const actor_census&) = delete;
  actor_census& operator=(const actor_census&) = delete;

  /// Calls `visit` for each living metered actor, home by home, under that home's lock: it must be
  /// quick and must not spawn or drop actors. Actors born or gone meanwhile may be missed.
  void for_each_actor(const std::function<void(const actor_figures&)>& visit) const;
  std::size_t size() const noexcept;
  /// All of them, for shutting down.
  std::vector<caf::strong_actor_ptr> living() const;

  // For metered actors. `leave` may be called again.
  void enter(actor_meter& born);
  void leave(actor_meter& gone) noexcept;
  void label(actor_meter& named, std::string text);
  std::string label_of(const actor_meter& named);

private:
  // Homes beyond share.
  static constexpr std::size_t list_count = 64;

  struct alignas(64) home_list {
    mutable std::mutex mutex;
    actor_meter* first = nullptr;
    std::size_t size = 0;
  };

  home_list& list_of(const actor_meter& meter) noexcept {
    return lists_[meter.home % list_count];
  }

  std::array<home_list, list_count> lists_;
};

} // namespace lapwing
