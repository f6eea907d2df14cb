// Mailgun, as far as it takes mails: POST /v3/DOMAIN/messages. What it accepted is kept to be looked
// at, each time it was accepted: whoever sends twice is seen to.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "core/time.hpp"
#include "sim/call.hpp"

namespace lapwing::sim {

struct world_state;
struct sim_answer;

namespace mailgun {

struct accepted_mail {
  std::uint64_t number = 0; ///< 1, 2, 3, ...
  timestamp at{};
  std::string from;
  std::string to;
  std::string subject;
  std::string text;
  std::string message_id;
  std::string mark; ///< X-Lapwing-Mail.
  bool heard = true; ///< The answer was sent; false: a fault lost it.
};

struct post_office {
  std::deque<accepted_mail> mails; ///< The oldest are dropped beyond a bound.
  std::uint64_t accepted = 0;
  std::uint64_t refused = 0;
};

/// api.mailgun.net and api.eu.mailgun.net.
bool plays(std::string_view host) noexcept;

/// With the faults that name it.
sim_answer answer(world_state& state, const call& from);

/// {"accepted":2,"refused":0,"mails":[{"number":1,...}]}: those after that number.
std::string report_json(const world_state& state, std::uint64_t after);

} // namespace mailgun
} // namespace lapwing::sim
