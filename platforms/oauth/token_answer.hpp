// What a token endpoint's answer means: tokens, or one of four classes of failure. By the body, not
// by the status: GitHub and Slack fail with 200.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/connection_store.hpp"
#include "core/http_client.hpp"
#include "platforms/spec.hpp"

namespace lapwing {

enum class token_failure_kind : std::uint8_t {
  reauthorise,   ///< Definite: this grant is over; the person must connect again.
  configuration, ///< The operator must act; people stay connected.
  transient,     ///< Nothing is known; ask again later with the same token.
  unknown        ///< A refusal that is on no list.
};

std::string_view to_string_view(token_failure_kind kind) noexcept;

struct token_failure {
  token_failure_kind kind = token_failure_kind::transient;
  /// What the provider called it ("invalid_grant"), or ours: "unreachable", "http_503",
  /// "unreadable_answer", "redirected", "not_sent". Of [a-z0-9_.-], at most 64.
  std::string code;
  /// What the provider asked for (Retry-After), at most a day.
  std::optional<std::chrono::milliseconds> retry_after;

  friend bool operator==(const token_failure&, const token_failure&) = default;
};

struct token_answer {
  token_set tokens;    ///< Without a refresh token: the answer had none, the old one stays.
  std::string account; ///< The account's name where the answer itself has it (Slack), or "".
};

using token_outcome = std::variant<token_answer, token_failure>;

/// An answer to code_request or refresh_request. `now` is when it came. An access token and what
/// came with it is never thrown away for a flaw of its decoration: a rotation happens only once.
token_outcome read_token_answer(const platform_spec& platform, const http_response& response,
                                timestamp now);
/// The same, or the class of a request that brought no answer.
token_outcome read_token_answer(const platform_spec& platform,
                                const result<http_response>& response, timestamp now);

/// When refreshing itself will end: what the provider said, else its documented life, else, without
/// any refresh token, the end of the access token. Nothing: no end is known.
std::optional<timestamp> grant_end(const oauth_spec& oauth, const token_set& tokens,
                                   timestamp granted_at);

/// What the platform's file asks for and the person did not allow; empty where the answer named no
/// scopes (RFC 6749 5.1: then all were granted).
std::vector<std::string> missing_scopes(const oauth_spec& oauth, const token_set& tokens);

/// The account's name in the answer to account_request: errc::upstream_unavailable when it is not
/// there.
result<std::string> read_account(const platform_spec& platform, const http_response& response);

/// Seconds or a date (RFC 9110 10.2.3), at most a day; nothing when it is neither.
std::optional<std::chrono::milliseconds> parse_retry_after(std::string_view value, timestamp now);

} // namespace lapwing
