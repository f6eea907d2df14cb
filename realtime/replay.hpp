// Finds what of a channel's kept broadcasts a client wants to be told again, page by page, as a
// machine without a store: where a time begins is found by halving, since numbers are what they are
// kept by.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/time.hpp"
#include "realtime/archive.hpp"
#include "realtime/join.hpp"

namespace lapwing::realtime {

class replay_plan {
public:
  struct step {
    std::uint64_t after = 0;
    std::size_t limit = 0;
  };

  replay_plan(const replay_request& asked, const kept_extent& known);

  /// What to read next.
  step next() const noexcept;
  /// The answer to `next`; gives what is to be told of it.
  std::vector<kept_broadcast> take(kept_page page);
  /// The pages were too heavy: half of them. False: a single one is.
  bool ask_for_less() noexcept;

  /// All that was there has been read. There may be more by now.
  bool at_end() const noexcept { return at_end_; }
  /// Broadcasts up to this number need not be told any more.
  std::uint64_t reached() const noexcept { return reached_; }
  /// Some that the client wanted may be gone: retention took them, or it names an unknown one.
  bool incomplete() const noexcept { return incomplete_; }

private:
  void search(const kept_page& page);

  timestamp since_;
  std::size_t page_;
  std::uint64_t reached_ = 0;
  std::uint64_t high_ = 0; ///< While searching: the first one wanted is not above this.
  bool searching_ = false;
  bool by_id_ = false;
  bool cut_ = false;       ///< Retention stands right before what comes next.
  bool at_end_ = false;
  bool incomplete_ = false;
};

} // namespace lapwing::realtime
