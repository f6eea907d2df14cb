// The JSON answers of /admin/* as text for people.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace lapwing {

/// `view` is the first part of the path: "nodes", "users", "user", "sessions", "actors", "top",
/// "rooms", or a command ("close-session", "log-level"). Fields the node did not send show as "-",
/// so that old and new programs can talk. Nothing when `json` is not a JSON object.
std::optional<std::string> render_admin(std::string_view view, std::string_view json);

/// "signature_mismatch: detail" of a problem document (RFC 9457), or empty.
std::string problem_text(std::string_view json);

/// "45s", "3m 5s", "2h 0m", "12d 4h".
std::string format_age(std::uint64_t seconds);

} // namespace lapwing
