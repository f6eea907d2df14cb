// Discord: the guilds a person is in, rate-limit buckets, and signed webhook events.
#pragma once

#include <optional>
#include <vector>

#include "sim/call.hpp"
#include "sim/item.hpp"
#include "sim/state.hpp"

namespace lapwing::sim::discord {

http_response me(world_state& state, call& from);
http_response guilds(world_state& state, call& from);

http_response failed(int status, int code, std::string_view message);
/// 429 as Discord writes it.
http_response limited(double seconds, bool global, std::string_view scope);
/// Counts 401, 403 and 429; ten thousand in ten minutes ban the address.
bool banned(world_state& state, timestamp now);
void count_refused(world_state& state, const http_response& answer, timestamp now);
void truth(const account& which, std::vector<produced_item>& out);

std::optional<http_request> request_of(world_state& state, const pending_delivery& what);
void finished(world_state& state, const pending_delivery& what, const http_response* answer);
/// APPLICATION_DEAUTHORIZED, where the operator has set an address for webhook events.
void tell_of_revocation(world_state& state, const grant& which);
/// A ping, and one with a bad signature that must not pass.
void verify_address(world_state& state, std::uint32_t person);
/// APPLICATION_AUTHORIZED.
void tell_of_consent(world_state& state, const grant& which);

} // namespace lapwing::sim::discord
