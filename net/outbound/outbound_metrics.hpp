// What an outbound client counts.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace lapwing::net {

/// How a request ended without an answer.
enum class outbound_failure : std::uint8_t {
  bad_request, ///< Never sent: its text.
  busy,        ///< Never sent: too many wait, or waited in vain.
  address,     ///< Never sent: only addresses that are not allowed.
  connect,     ///< No name, no connection or no TLS.
  timeout,
  broken,      ///< Half an answer, or none, or nonsense.
  too_large,
  stopped      ///< By our own shutdown.
};
inline constexpr std::size_t outbound_failure_count = 8;

std::string_view to_string_view(outbound_failure what) noexcept;

/// Readable from any thread; the counts only grow but for `under_way` and `waiting`.
struct outbound_metrics {
  std::atomic<std::uint64_t> sent{0}; ///< Transfers begun.
  std::atomic<std::uint64_t> under_way{0};
  std::atomic<std::uint64_t> waiting{0};
  std::array<std::atomic<std::uint64_t>, 5> answers{}; ///< By status / 100 - 1.
  std::array<std::atomic<std::uint64_t>, outbound_failure_count> failures{};
  std::atomic<std::uint64_t> connections{0}; ///< Opened; `sent` without a share of it was reuse.
  std::atomic<std::uint64_t> body_bytes{0};  ///< Of answers, unfolded.

  std::uint64_t answered() const noexcept;
  std::uint64_t failed() const noexcept;
  std::uint64_t failed(outbound_failure what) const noexcept {
    return failures[static_cast<std::size_t>(what)].load(std::memory_order_relaxed);
  }
};

} // namespace lapwing::net
