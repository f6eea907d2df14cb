// The failures that every endpoint of a provider has in common, in its own shape.
#pragma once

#include "sim/call.hpp"
#include "sim/faults.hpp"
#include "sim/grants.hpp"
#include "sim/routes.hpp"
#include "sim/state.hpp"

namespace lapwing::sim {

http_response unauthorized(provider at, token_state why, bool token_given);
http_response scope_missing(provider at, std::string_view needed);
http_response address_unknown(provider at);
http_response registration_refused(const route& where);
/// A fault's 429 (or 403, where the provider uses it) or 5xx.
http_response rate_limited(provider at, const fault& why, timestamp now);
http_response server_failed(provider at, int status);
/// True for a 403 that means a quota, not a right.
bool is_quota(provider at, const http_response& answer);
/// True for a failure that comes with 200 (GitHub's token endpoint, Slack).
bool is_hidden_failure(provider at, std::string_view endpoint, const http_response& answer);

} // namespace lapwing::sim
