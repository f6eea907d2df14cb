#include "core/error.hpp"

#include <stdexcept>

namespace lapwing {

std::string_view to_string_view(errc code) noexcept {
  switch (code) {
    case errc::none: return "none";
    case errc::bad_request: return "bad_request";
    case errc::malformed_json: return "malformed_json";
    case errc::missing_signature: return "missing_signature";
    case errc::signature_mismatch: return "signature_mismatch";
    case errc::stale_timestamp: return "stale_timestamp";
    case errc::missing_token: return "missing_token";
    case errc::invalid_token: return "invalid_token";
    case errc::token_expired: return "token_expired";
    case errc::forbidden: return "forbidden";
    case errc::unknown_user: return "unknown_user";
    case errc::not_found: return "not_found";
    case errc::method_not_allowed: return "method_not_allowed";
    case errc::payload_too_large: return "payload_too_large";
    case errc::unsupported_media_type: return "unsupported_media_type";
    case errc::length_required: return "length_required";
    case errc::headers_too_large: return "headers_too_large";
    case errc::rate_limited: return "rate_limited";
    case errc::too_many_sessions: return "too_many_sessions";
    case errc::too_many_connections: return "too_many_connections";
    case errc::store_unavailable: return "store_unavailable";
    case errc::shutting_down: return "shutting_down";
    case errc::request_timeout: return "request_timeout";
    case errc::internal: return "internal";
    case errc::not_configured: return "not_configured";
    case errc::slow_consumer: return "slow_consumer";
    case errc::origin_forbidden: return "origin_forbidden";
    case errc::upgrade_required: return "upgrade_required";
    case errc::protocol_error: return "protocol_error";
    case errc::unsupported_transfer_coding: return "unsupported_transfer_coding";
    case errc::expectation_failed: return "expectation_failed";
    case errc::uri_too_long: return "uri_too_long";
    case errc::invalid_message: return "invalid_message";
    case errc::session_closed: return "session_closed";
    case errc::auth_timeout: return "auth_timeout";
    case errc::upstream_unavailable: return "upstream_unavailable";
    case errc::http_version_not_supported: return "http_version_not_supported";
    case errc::not_acceptable: return "not_acceptable";
    case errc::upstream_refused: return "upstream_refused";
  }
  return "internal";
}

std::string to_string(errc code) {
  return std::string{to_string_view(code)};
}

void throw_exception_from_error(const error& failure, const boost::source_location&) {
  throw std::logic_error{"result has no value: " + to_string(failure.code) + " " + failure.detail};
}

} // namespace lapwing
