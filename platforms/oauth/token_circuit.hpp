// Whether a token endpoint is worth asking: one for all connections of a client id. When it refuses
// this client, or has failed several times in a row, nobody asks until a rest is over; then one does,
// and what comes of that decides for all. Pure: no clock, no threads.
//
//   closed --refuses us, or fails 5 times in a row--> open --rest is over--> one probe
//     ^                                                 ^                        |
//     +----------------- any other answer --------------+------ fails again -----+  (rests longer)
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/time.hpp"
#include "platforms/oauth/token_answer.hpp"

namespace lapwing {

class token_circuit {
public:
  /// What changed for the operator.
  enum class news : std::uint8_t {
    none,
    refused, ///< The endpoint does not accept this client: somebody must act. Once for each code.
    failing, ///< It cannot be asked at the moment.
    works    ///< It does again.
  };

  /// Whoever may ask must call `answered` or `given_up`.
  struct admission {
    bool may = true;
    timestamp from{}; ///< When not: not before that.
  };
  admission ask(timestamp now);

  /// `failure`: nothing when tokens came. A refusal of one grant is an answer like any other.
  news answered(const std::optional<token_failure>& failure, timestamp now, double chance);
  /// Nothing was sent after all.
  void given_up() noexcept { probe_until_.reset(); }

  bool open() const noexcept { return open_until_.has_value(); }
  /// Why it is open; "" when it is not.
  const std::string& code() const noexcept { return code_; }

private:
  std::optional<timestamp> open_until_;
  std::optional<timestamp> probe_until_; ///< Somebody asks; after that it has got lost.
  std::uint32_t failure_count_ = 0;      ///< In a row.
  std::uint32_t open_count_ = 0;         ///< In a row.
  std::string code_;
};

} // namespace lapwing
