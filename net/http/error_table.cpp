#include "net/http/error_table.hpp"

#include <algorithm>
#include <array>

#include "core/json_text.hpp"
#include "net/stream/websocket_frame.hpp"

namespace lapwing::net {
namespace {

using namespace websocket_close;
constexpr std::uint16_t policy_violation = 1008;
constexpr std::uint16_t try_again_later = 1013;

constexpr std::array rows{
  error_row{errc::none, 200, "OK", normal, 0},
  error_row{errc::bad_request, 400, "Bad Request", 4400, 0},
  error_row{errc::malformed_json, 400, "Malformed JSON", 4400, 0},
  error_row{errc::missing_signature, 401, "Signature Missing", 4401, 0},
  error_row{errc::signature_mismatch, 401, "Signature Mismatch", 4401, 0},
  error_row{errc::stale_timestamp, 401, "Stale Timestamp", 4401, 0},
  error_row{errc::missing_token, 401, "Token Missing", 4401, 0},
  error_row{errc::invalid_token, 401, "Invalid Token", 4401, 0},
  error_row{errc::token_expired, 401, "Token Expired", 4401, 0},
  error_row{errc::forbidden, 403, "Forbidden", 4403, 0},
  error_row{errc::unknown_user, 404, "Unknown User", 4404, 0},
  error_row{errc::not_found, 404, "Not Found", 4404, 0},
  error_row{errc::method_not_allowed, 405, "Method Not Allowed", 4405, 0},
  error_row{errc::payload_too_large, 413, "Payload Too Large", too_big, 0},
  error_row{errc::unsupported_media_type, 415, "Unsupported Media Type", 4415, 0},
  error_row{errc::length_required, 411, "Length Required", 4411, 0},
  error_row{errc::headers_too_large, 431, "Request Header Fields Too Large", 4431, 0},
  error_row{errc::rate_limited, 429, "Too Many Requests", 4429, 1},
  error_row{errc::too_many_sessions, 429, "Too Many Sessions", 4429, 5},
  error_row{errc::too_many_connections, 503, "Too Many Connections", try_again_later, 5},
  error_row{errc::store_unavailable, 503, "Store Unavailable", try_again_later, 2},
  error_row{errc::shutting_down, 503, "Shutting Down", service_restart, 1},
  error_row{errc::request_timeout, 408, "Request Timeout", 4408, 0},
  error_row{errc::internal, 500, "Internal Server Error", internal_error, 0},
  error_row{errc::not_configured, 503, "Not Configured", internal_error, 0},
  error_row{errc::slow_consumer, 503, "Slow Consumer", try_again_later, 1},
  error_row{errc::origin_forbidden, 403, "Origin Forbidden", 4403, 0},
  error_row{errc::upgrade_required, 426, "Upgrade Required", 4426, 0},
  error_row{errc::protocol_error, 400, "Protocol Error", protocol_error, 0},
  error_row{errc::unsupported_transfer_coding, 501, "Unsupported Transfer Coding", 4501, 0},
  error_row{errc::expectation_failed, 417, "Expectation Failed", 4417, 0},
  error_row{errc::uri_too_long, 414, "URI Too Long", 4414, 0},
  error_row{errc::invalid_message, 400, "Invalid Message", 4400, 0},
  error_row{errc::session_closed, 503, "Session Closed", policy_violation, 0},
  // CONTRACT 5: no `auth` in time is closed like a missing token.
  error_row{errc::auth_timeout, 401, "Authentication Timeout", 4401, 0},
  error_row{errc::upstream_unavailable, 503, "Upstream Unavailable", try_again_later, 5},
  error_row{errc::http_version_not_supported, 505, "HTTP Version Not Supported", 4505, 0},
  error_row{errc::not_acceptable, 406, "Not Acceptable", 4406, 0},
  error_row{errc::upstream_refused, 502, "Upstream Refused", internal_error, 0},
};

} // namespace

std::span<const error_row> error_table() noexcept {
  return rows;
}

const error_row& row_of(errc code) noexcept {
  auto index = static_cast<std::size_t>(code);
  if (index < rows.size() && rows[index].code == code)
    return rows[index];
  auto row = std::find_if(rows.begin(), rows.end(), [&](auto& r) { return r.code == code; });
  return row != rows.end() ? *row : row_of(errc::internal);
}

std::string_view reason_phrase(unsigned status) noexcept {
  switch (status) {
    case 101: return "Switching Protocols";
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 302: return "Found";
    case 304: return "Not Modified";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 411: return "Length Required";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 417: return "Expectation Failed";
    case 422: return "Unprocessable Content";
    case 426: return "Upgrade Required";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 503: return "Service Unavailable";
    case 505: return "HTTP Version Not Supported";
    default: return {};
  }
}

std::string problem_document(const error& failure, unsigned status, std::string_view request_id) {
  std::string out;
  out.reserve(160 + failure.detail.size());
  out += R"({"type":"about:blank","title":)";
  append_json_string(out, row_of(failure.code).title);
  out += R"(,"status":)";
  append_number(out, status);
  out += R"(,"code":)";
  append_json_string(out, to_string_view(failure.code));
  if (!failure.detail.empty()) {
    out += R"(,"detail":)";
    append_json_string(out, repaired_utf8(failure.detail));
  }
  if (!request_id.empty()) {
    out += R"(,"request_id":)";
    append_json_string(out, request_id);
  }
  out += '}';
  return out;
}

} // namespace lapwing::net
