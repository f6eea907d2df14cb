// Pending timers, soonest first. Finding one by its exact key and dropping all of one owner never
// looks at the timers of others. Not thread-safe: io_worker owns one per thread, home_clock one
// more behind a lock.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <variant>
#include <vector>

#include <caf/actor_clock.hpp>
#include <caf/actor_control_block.hpp>
#include <caf/atom.hpp>
#include <caf/group.hpp>
#include <caf/mailbox_element.hpp>
#include <caf/message.hpp>
#include <caf/message_id.hpp>

namespace lapwing {

/// A receive timeout (at most one per atom) or a stream tick (any number).
struct timeout_due {
  caf::strong_actor_ptr self;
  caf::atom_value type;
  std::uint64_t id;
};

/// The answer to `id` did not come in time.
struct request_due {
  caf::strong_actor_ptr self;
  caf::message_id id;
};

struct mail_due {
  caf::strong_actor_ptr receiver;
  caf::mailbox_element_ptr mail;
};

struct group_mail_due {
  caf::group receiver;
  caf::strong_actor_ptr sender;
  caf::message content;
};

using timer_effect = std::variant<timeout_due, request_due, mail_due, group_mail_due>;

/// What a timer is cancelled by. `none`: only together with its owner's other timers.
enum class timer_kind : std::uint8_t { none, receive_timeout, request };

struct timer_key {
  caf::actor_id owner = 0; ///< 0: nobody's, lives until it is due.
  std::uint64_t value = 0; ///< The atom of a receive timeout, the id of a request.
  timer_kind kind = timer_kind::none;

  friend bool operator==(const timer_key&, const timer_key&) = default;
};

struct timer {
  timer(timer_key the_key, timer_effect the_effect)
    : key(the_key), effect(std::move(the_effect)) {}

  timer_key key;
  timer_effect effect;
  timer* previous_of_owner = nullptr;
  timer* next_of_owner = nullptr;
  std::size_t position = 0; ///< In the heap.
};

class timer_queue {
public:
  using time_point = caf::actor_clock::time_point;
  using owned_timer = std::unique_ptr<timer>;

  timer_queue() = default;
  timer_queue(const timer_queue&) = delete;
  timer_queue& operator=(const timer_queue&) = delete;
  ~timer_queue();

  bool empty() const noexcept { return heap_.empty(); }
  std::size_t size() const noexcept { return heap_.size(); }
  /// When the soonest is due; time_point::max() when empty.
  time_point next_due() const noexcept {
    return heap_.empty() ? time_point::max() : heap_.front().due;
  }

  /// Timers that are due at the same time come out in the order they came in. Returns the timer
  /// with the same key that this one replaces, or null.
  [[nodiscard]] owned_timer add(time_point due, owned_timer added);
  /// Null when there is none.
  [[nodiscard]] owned_timer remove(const timer_key& key);
  /// All timers of `owner`. What is returned here and elsewhere holds references to actors: let go
  /// of it only after the queue's lock, as destroying it may run other actors' code.
  [[nodiscard]] std::vector<owned_timer> remove_owner(caf::actor_id owner);
  /// The soonest if it is due at `now`, else null.
  [[nodiscard]] owned_timer pop_due(time_point now);
  [[nodiscard]] std::vector<owned_timer> remove_all();

private:
  struct slot {
    time_point due;
    std::uint64_t order; ///< Keeps equal times first in, first out.
    timer* what;
  };
  struct key_hash {
    std::size_t operator()(const timer_key& key) const noexcept;
  };

  static bool sooner(const slot& a, const slot& b) noexcept {
    return a.due != b.due ? a.due < b.due : a.order < b.order;
  }
  void put(std::size_t position, slot moved) noexcept;
  void sift_up(std::size_t position, slot moved) noexcept;
  void sift_down(std::size_t position, slot moved) noexcept;
  owned_timer take_out(std::size_t position);
  void link(timer& added);
  void unlink(timer& removed);

  // Four children a node: half the depth of a binary heap, and siblings share cache lines.
  std::vector<slot> heap_;
  std::uint64_t next_order_ = 0;
  std::unordered_map<timer_key, timer*, key_hash> by_key_;
  std::unordered_map<caf::actor_id, timer*> by_owner_;
};

} // namespace lapwing
