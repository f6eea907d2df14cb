// Whether a request may be sent at all, seen from its text alone. Pure.
#pragma once

#include <string>

#include "core/error.hpp"
#include "core/http_client.hpp"
#include "net/outbound/outbound_rules.hpp"

namespace lapwing::net {

/// Where a good request goes: "https://host:443", the key of the bounds per host.
/// errc::upstream_refused for another scheme than http and https, user information, text that
/// would break the framing (a line end in a header, say), framing headers, or too much of anything.
result<std::string> target_of(const http_request& request, const outbound_rules& rules);

} // namespace lapwing::net
