// The line that tells how a run goes: rewritten in place on a terminal, one a second elsewhere.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>

namespace lapwing::load {

class progress {
public:
  progress(std::ostream& out, bool terminal) : out_(out), terminal_(terminal) {}

  /// Whether it is time for an update, by `now` of monotonic_ns.
  bool due(std::uint64_t now) const noexcept;
  void update(std::uint64_t now, std::string_view text);
  /// A line that stays: a phase has ended.
  void line(std::string_view text);
  /// Takes the rewritten line away.
  void clear();

private:
  std::ostream& out_;
  bool terminal_;
  bool shown_ = false;
  std::uint64_t last_ = 0;
};

} // namespace lapwing::load
