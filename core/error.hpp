// Every failure the program tells apart. The text of `to_string` is the `code` of the documented,
// closed list in docs/errors.md; net/http/error_table.cpp alone turns it into a status.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <boost/system/result.hpp>

namespace lapwing {

/// Numbers cross nodes: append only, never reuse.
enum class errc : std::uint8_t {
  none = 0,                ///< Not a failure; what a default-constructed caf::error converts from.
  bad_request = 1,         ///< The request is not what this route takes; `detail` says why.
  malformed_json = 2,      ///< The body is not JSON, or not UTF-8.
  missing_signature = 3,   ///< A signature header the scheme needs is absent.
  signature_mismatch = 4,  ///< The signature does not fit the body and the configured secrets.
  stale_timestamp = 5,     ///< The signed time is more than the tolerance away from now.
  missing_token = 6,       ///< The route needs a token and none came.
  invalid_token = 7,       ///< Token malformed, wrong `alg`, key, issuer or audience.
  token_expired = 8,       ///< `exp` has passed.
  forbidden = 9,           ///< A good token, but not for this user, room or route.
  unknown_user = 10,       ///< No such user (CONTRACT: users exist once they ...).
  not_found = 11,          ///< No such route or object.
  method_not_allowed = 12, ///< The path exists with other methods (`Allow`).
  payload_too_large = 13,  ///< Body over the route's limit.
  unsupported_media_type = 14,
  length_required = 15,     ///< A body without Content-Length or chunked coding.
  headers_too_large = 16,   ///< Request line or header section over the limit.
  rate_limited = 17,        ///< Retry after `Retry-After`.
  too_many_sessions = 18,   ///< The user's session limit is reached.
  too_many_connections = 19, ///< The node's or the address's connection cap is reached.
  store_unavailable = 20,   ///< The database did not take or give it; retry later.
  shutting_down = 21,       ///< The node drains; retry elsewhere or later.
  request_timeout = 22,     ///< Headers or body came too slowly, or an inner step took too long.
  internal = 23,            ///< Our bug; logged with the request id.
  not_configured = 24,      ///< The operator has not set what this route needs (for example a secret).
  slow_consumer = 25,       ///< The client did not take its data; it can resume.
  origin_forbidden = 26,    ///< `Origin` is not on the allow-list.
  upgrade_required = 27,    ///< A WebSocket route without a WebSocket version 13 handshake.
  protocol_error = 28,      ///< RFC 6455 or HTTP framing broken.
  unsupported_transfer_coding = 29,
  expectation_failed = 30,
  uri_too_long = 31,
  invalid_message = 32,     ///< A WebSocket message that is none of the documented ones.
  session_closed = 33,      ///< Closed by an operator.
  auth_timeout = 34,        ///< No `auth` message in time.
  upstream_unavailable = 35, ///< Another server (JWKS) could not be asked.
  http_version_not_supported = 36,
  not_acceptable = 37,
  upstream_refused = 38,     ///< A request to another server that was never sent: its address is not allowed.
};

/// The stable `code` text, e.g. "signature_mismatch".
std::string_view to_string_view(errc code) noexcept;
std::string to_string(errc code);

/// A failure with a sentence for people. `detail` never contains a token, a secret, a payload, a
/// query string or a file path.
struct error {
  errc code = errc::internal;
  std::string detail;

  friend bool operator==(const error&, const error&) = default;
};

/// boost::system::result calls this when value() meets an error: our bug, so it ends the thread.
[[noreturn]] void throw_exception_from_error(const error& failure, const boost::source_location&);

} // namespace lapwing

/// The library's own one takes a result<bool> that is to be copied from a non-constant, or moved from
/// a constant, for a flag: it makes a new one of "has a value". A lambda that captures one by copy does
/// both, and then a store's "false", or its failure, would turn into another answer on its way.
template <>
class boost::system::result<bool, lapwing::error> {
public:
  using value_type = bool;
  using error_type = lapwing::error;

  result() noexcept = default;
  template <std::same_as<bool> Flag>
  result(Flag value) noexcept : value_(value) {}
  result(lapwing::error failure) : failure_(std::move(failure)) {}

  bool has_value() const noexcept { return !failure_; }
  bool has_error() const noexcept { return failure_.has_value(); }
  explicit operator bool() const noexcept { return has_value(); }

  /// Only of one that has a value.
  bool operator*() const noexcept { return value_; }
  bool value() const {
    if (failure_)
      throw_exception_from_error(*failure_, BOOST_CURRENT_LOCATION);
    return value_;
  }
  /// Empty (errc::none) when there is a value.
  lapwing::error error() const {
    return failure_ ? *failure_ : lapwing::error{lapwing::errc::none, {}};
  }

  friend bool operator==(const result&, const result&) = default;

private:
  bool value_ = false;
  std::optional<lapwing::error> failure_;
};

namespace lapwing {

template <class T>
using result = boost::system::result<T, error>;

} // namespace lapwing
