// Single-use tickets for connections that cannot carry a header (POST /api/tickets). A ticket
// speaks for itself: any node with the same secret can redeem it, and each node does so once.
#pragma once

#include <chrono>
#include <cstddef>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "core/error.hpp"
#include "core/time.hpp"
#include "net/auth/hmac.hpp"
#include "net/auth/principal.hpp"
#include "net/auth/random.hpp"

namespace lapwing {

/// Any thread.
class tickets {
public:
  static constexpr std::size_t ticket_bytes_max = 8 * 1024;

  /// The key is derived from `secret` (auth.jwt_secret), or random when that is empty. At most
  /// `used_max` redeemed tickets are remembered, each until it expires. Development identity never
  /// leaves this object: its tickets are signed with a random key in any case.
  tickets(std::string_view secret, std::chrono::milliseconds ttl, random_bytes random,
          std::size_t used_max = 1 << 16);

  std::chrono::milliseconds ttl() const noexcept { return ttl_; }

  /// A ticket for `who`. Its stream ends when the token it was bought with does (who.expires).
  std::string issue(const principal& who, timestamp now) const;

  /// errc: invalid_token (forged, or used before), token_expired, rate_limited (too many used
  /// tickets to remember one more: fails closed).
  result<principal> redeem(std::string_view ticket, timestamp now);

private:
  hmac_sha256_key key_;
  hmac_sha256_key development_key_;
  std::chrono::milliseconds ttl_;
  random_bytes random_;
  std::size_t used_max_;
  std::mutex mutex_;
  std::set<std::pair<timestamp, std::string>> used_; ///< Expiry and id of each redeemed ticket.
};

} // namespace lapwing
