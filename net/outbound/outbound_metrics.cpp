#include "net/outbound/outbound_metrics.hpp"

namespace lapwing::net {
namespace {

template <class Counters>
std::uint64_t sum_of(const Counters& counters) noexcept {
  std::uint64_t sum = 0;
  for (const auto& counter : counters)
    sum += counter.load(std::memory_order_relaxed);
  return sum;
}

} // namespace

std::string_view to_string_view(outbound_failure what) noexcept {
  switch (what) {
    case outbound_failure::bad_request: return "bad_request";
    case outbound_failure::busy: return "busy";
    case outbound_failure::address: return "address";
    case outbound_failure::connect: return "connect";
    case outbound_failure::timeout: return "timeout";
    case outbound_failure::broken: return "broken";
    case outbound_failure::too_large: return "too_large";
    case outbound_failure::stopped: return "stopped";
  }
  return "broken";
}

std::uint64_t outbound_metrics::answered() const noexcept {
  return sum_of(answers);
}

std::uint64_t outbound_metrics::failed() const noexcept {
  return sum_of(failures);
}

} // namespace lapwing::net
