// Text forms that OAuth requests are written in. net/ has its own for what it serves: neither
// folder may include the other.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "platforms/spec.hpp"

namespace lapwing::oauth_text {

/// RFC 4648 4, with padding.
std::string base64(std::string_view bytes);
/// RFC 4648 5, without padding.
std::string base64url(std::string_view bytes);

/// Everything but the unreserved characters of RFC 3986 2.3 as %XX; also right in forms.
std::string percent_encoded(std::string_view text);

/// "a=1&b=2", as application/x-www-form-urlencoded.
std::string form(const parameter_list& members);
/// Nothing for what is no form: bad escapes, more than 64 members, more than one of a name.
std::optional<parameter_list> parse_form(std::string_view text);

/// `url` with the members in its query.
std::string with_query(std::string_view url, const parameter_list& members);

/// `text` with each "{name}" replaced by `value`.
std::string with_value(std::string text, std::string_view placeholder, std::string_view value);

} // namespace lapwing::oauth_text
