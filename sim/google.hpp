// What Google's APIs share: the shape of failures, ETags, the keys of Pub/Sub's tokens.
#pragma once

#include <string>
#include <string_view>

#include "sim/call.hpp"
#include "sim/state.hpp"

namespace lapwing::sim::google {

/// {"error":{"code","message","errors":[{"domain","reason","message"}],"status"}}.
http_response failed(int status, std::string_view reason, std::string_view message,
                     std::string_view domain = "global");
/// 200 with an ETag, or 304 when the caller has that one already.
http_response tagged(const call& from, std::string body);

/// GET /oauth2/v3/certs: the public keys, newest first.
http_response certificates(world_state& state, call& from);
/// A new key signs from now on; the one before stays published.
void rotate_key(world_state& state);
/// The bearer token of a Pub/Sub push; the same for some minutes.
std::string pubsub_token(world_state& state);

/// maxResults between 1 and `maximum`; 0 when it is wrong.
std::int64_t max_results(const call& from, std::int64_t usual, std::int64_t maximum);
/// The offset that a page token of ours stands for; nothing when it is none.
std::optional<std::size_t> page_offset(const call& from);
std::string page_token(std::size_t offset);

} // namespace lapwing::sim::google
