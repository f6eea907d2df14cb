// The secrets of registered webhooks, kept at hand: a delivery must not cost a read of the store.
#pragma once

#include <atomic>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "core/connection_store.hpp"
#include "core/time.hpp"

namespace lapwing {

/// Any thread. At most `size_max` are kept, each for at most `kept_for`.
class registration_secrets {
public:
  static constexpr std::size_t size_max = 10'000;
  static constexpr std::chrono::seconds kept_for{30};
  /// One that did not fit is read anew, but not more often: whoever sends wrong signatures does not
  /// make the store work.
  static constexpr std::chrono::seconds doubted_after{2};
  /// So many are read at a time. Anybody can send deliveries for any name, and must not fill the
  /// store's queue with them.
  static constexpr std::size_t reads_max = 64;

  using callback = std::function<void(result<std::string>)>;
  /// connection_store::load.
  using reader
    = std::function<void(connection_key,
                         connection_store::callback<std::optional<loaded_connection>>)>;

  /// This must outlive the reader's last answer; the clock must outlive this.
  registration_secrets(reader read, const wall_clock& clock)
      : read_(std::move(read)), clock_(clock) {}

  /// "" when nothing is registered; at once or later, on any thread. errc::store_unavailable: the
  /// store is away, or too many ask.
  void find(const connection_key& which, callback done);
  /// A delivery did not fit: it may have been changed.
  void doubt(const connection_key& which);

private:
  struct entry {
    std::string secret;
    timestamp read_at{};
  };

  std::optional<std::string> kept(const std::string& name);
  void keep(const std::string& name, std::string secret);

  const reader read_;
  const wall_clock& clock_;
  std::atomic<std::size_t> reads_ = 0; ///< Under way.
  std::mutex mutex_;
  std::unordered_map<std::string, entry> entries_; ///< By "platform/user".
  std::deque<std::string> order_;                  ///< The oldest name first.
};

} // namespace lapwing
