#include "platforms/limits/closure.hpp"

#include <algorithm>

namespace lapwing {
namespace {

using namespace std::chrono;

// GitHub asks for a minute at least, then exponentially more (PLATFORMS 4).
constexpr milliseconds unnamed_first = minutes{1};
constexpr milliseconds unnamed_max = hours{1};
// A named wait is believed, but "Retry-After: 0" again and again must not become a busy loop.
constexpr milliseconds named_first = seconds{1};
constexpr milliseconds named_max = minutes{5};

/// `first` doubled for each refusal after the first.
milliseconds grown(milliseconds first, milliseconds max, unsigned refusals) noexcept {
  return std::min(max, milliseconds{first.count() << std::min(refusals - 1, 16u)});
}

} // namespace

void closure::close(limit_cause cause, std::optional<timestamp> until, timestamp now,
                    double chance) {
  bool is_echo = is_closed(now);
  if (!is_echo || refusals_ == 0)
    refusals_ = static_cast<std::uint8_t>(std::min(refusals_ + 1, 32));
  auto end = until ? std::max(*until, now + grown(named_first, named_max, refusals_))
                   : now + grown(unnamed_first, unnamed_max, refusals_);
  if (!until)
    end += duration_cast<milliseconds>((end - now) * (chance / 10));
  if (is_echo && until_ >= end)
    return;
  until_ = end;
  cause_ = cause;
}

void closure::saw_success(timestamp now) noexcept {
  if (!is_closed(now))
    refusals_ = 0;
}

admission closure::may_send(timestamp now) const noexcept {
  return until_ > now ? admission{until_, cause_} : admission{};
}

} // namespace lapwing
