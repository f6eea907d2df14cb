// What a refusal of a provider's API means. The same for polls and for registrations.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/http_client.hpp"
#include "platforms/spec.hpp"

namespace lapwing {

enum class answer_failure : std::uint8_t {
  unauthorised,  ///< The access token is no good: refresh, then once more (PLATFORMS 3.4).
  forbidden,     ///< A scope or right is missing: asking again does not help.
  not_found,     ///< The resource is gone, or never was this person's.
  rate_limited,  ///< The budget reads the answer's headers; nobody's fault.
  transient,     ///< No answer, 408, 425 or 5xx.
  broken_answer, ///< An answer that is not what the platform documents.
  refused        ///< Any other status: our request or configuration is wrong.
};

std::string_view to_string_view(answer_failure kind) noexcept;

struct answer_problem {
  answer_failure kind = answer_failure::transient;
  int status = 0;     ///< 0: there was no answer.
  std::string reason; ///< The provider's own code ("insufficientPermissions"), or "".
  std::string detail; ///< A sentence without anything secret.
};

/// Nothing for 2xx and 304. A 403 is a rate limit when its headers or reason say so; 200 with
/// `{"ok":false,"error":...}` is judged by its error (Slack).
std::optional<answer_problem> problem_of(const http_response& answer,
                                         const rate_limit_spec& limits);
/// A request that got no answer.
answer_problem problem_of(const error& failure);

/// The first machine-readable code in a refusal's body: `error` (text), `error.errors[0].reason`,
/// `error.status`; only [A-Za-z0-9_.-], at most 64 bytes, otherwise "".
std::string reason_of(const http_response& answer);

} // namespace lapwing
