// URLs of polled endpoints: filled in from the platform's file, or taken from a Link header.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/http_client.hpp"
#include "core/time.hpp"
#include "platforms/spec.hpp"

namespace lapwing {

/// What stands for the braces in a platform's URLs and parameters.
struct url_values {
  std::string account;  ///< {account}
  std::string resource; ///< {resource}
  timestamp now{};      ///< {now-7d}: the time so many days ago, RFC 3339, whole seconds.
};

/// Percent-encodes everything except RFC 3986's unreserved characters.
std::string percent_encoded(std::string_view text);

/// Fills in a URL's braces, percent-encoded; in its path, slashes stay ("octo/repo") unless they
/// could climb (".."). Unknown braces stay.
std::string filled_url(std::string_view pattern, const url_values& values);
/// Fills in a parameter's braces, not encoded.
std::string filled_text(std::string_view pattern, const url_values& values);

/// Adds the parameters to a URL that may have some already.
std::string with_params(std::string url, const parameter_list& params);

/// Scheme, host and port of an http(s) URL, lower case, port always given. Nothing for anything
/// else, with user information, or with characters that do not belong into a URL.
std::optional<std::string> origin_of(std::string_view url);

/// The target of rel="next" (RFC 8288 3), against `base`: absolute, or beginning with "/" or "?".
/// Nothing when there is no such link.
std::optional<std::string> next_link(const http_response& answer, std::string_view base);

} // namespace lapwing
