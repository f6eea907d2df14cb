#include "platforms/oauth/token_circuit.hpp"

#include <algorithm>
#include <chrono>

namespace lapwing {
namespace {

using std::chrono::milliseconds;
using namespace std::chrono_literals;

/// Guess: a single 503 or two say little about an endpoint that serves everybody.
constexpr std::uint32_t failures_max = 5;
constexpr milliseconds outage_rest_min = 10s;
constexpr milliseconds outage_rest_max = 5min; ///< So that all are back soon after an outage.
constexpr milliseconds refusal_rest_min = 1min;
constexpr milliseconds refusal_rest_max = 15min;
/// Longer than any request takes (core/http_client.hpp).
constexpr milliseconds probe_life = 30s;

} // namespace

token_circuit::admission token_circuit::ask(timestamp now) {
  if (!open_until_)
    return {};
  // A clock that was put back must not make a rest longer than any rest is.
  if (now < *open_until_ && *open_until_ - now <= std::chrono::hours{24} * 2)
    return {false, *open_until_};
  if (probe_until_ && now < *probe_until_ && *probe_until_ - now <= probe_life)
    return {false, *probe_until_};
  probe_until_ = now + probe_life;
  return {};
}

token_circuit::news token_circuit::answered(const std::optional<token_failure>& failure,
                                            timestamp now, double chance) {
  const bool refused = failure && failure->kind == token_failure_kind::configuration;
  const bool failed = failure && failure->kind == token_failure_kind::transient;
  if (!refused && !failed) {
    const bool was_open = open();
    *this = {};
    return was_open ? news::works : news::none;
  }
  probe_until_.reset();
  ++failure_count_;
  // A time to come back was named: that is for the client, not for one of its users.
  const bool told = failure->retry_after.has_value();
  if (!refused && !told && failure_count_ < failures_max && !open())
    return news::none;
  // Answers to what was under way when it opened do not make the rest longer.
  if (open() && now < *open_until_ && !told && failure->code == code_)
    return news::none;
  const bool news_to_tell = !open() || (refused && code_ != failure->code);
  auto rest = refused ? refusal_rest_min : outage_rest_min;
  for (std::uint32_t i = 0; i < open_count_ && rest < refusal_rest_max; ++i)
    rest *= 2;
  rest = std::min(rest, refused ? refusal_rest_max : outage_rest_max);
  rest = rest / 2
         + std::chrono::duration_cast<milliseconds>(rest / 2 * std::clamp(chance, 0.0, 1.0));
  if (told)
    rest = std::max(rest, *failure->retry_after);
  open_until_ = std::max(open_until_.value_or(now), now + rest);
  ++open_count_;
  code_ = failure->code;
  if (!news_to_tell)
    return news::none;
  return refused ? news::refused : news::failing;
}

} // namespace lapwing
