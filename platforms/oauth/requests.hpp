// The requests of OAuth 2.0 as a platform wants them: values only, nothing is sent here.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/connection_store.hpp"
#include "core/http_client.hpp"
#include "platforms/spec.hpp"

namespace lapwing {

/// Where the browser goes (RFC 6749 4.1.1). `challenge` is left out where the platform takes none.
std::string authorize_url(const platform_spec& platform, std::string_view state,
                          std::string_view challenge, std::string_view redirect_uri);

/// The code becomes tokens (RFC 6749 4.1.3). `verifier` is left out where the platform takes none.
http_request code_request(const platform_spec& platform, std::string_view code,
                          std::string_view verifier, std::string_view redirect_uri);

/// RFC 6749 6.
http_request refresh_request(const platform_spec& platform, std::string_view refresh_token);

/// RFC 7009, or what the platform has instead; nothing when it has no such thing or there is no
/// token. With a refresh token that one ends, and the grant with it.
std::optional<http_request> revocation_request(const platform_spec& platform,
                                               const token_set& tokens);

/// Whether the answer ends the matter: 2xx, and refusals that another try would not change (the
/// token is unknown there already). False: try again later.
bool revocation_settled(const http_response& response);

/// Asks for the person's name over there; nothing when the platform has no address for it.
std::optional<http_request> account_request(const platform_spec& platform,
                                            std::string_view access_token);

/// "Bearer ..." (RFC 6750 2.1).
std::string bearer(std::string_view access_token);

} // namespace lapwing
