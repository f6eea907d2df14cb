// Seals what must not be readable in the database: tokens, webhook secrets, PKCE verifiers.
//
//   box = version (1 byte, 1) | key id (4) | nonce (12) | ciphertext | tag (16)      AES-256-GCM
//
// Authenticated with it: "table|column|row id" and the first five bytes, so that a box copied to
// another row, column or user does not open (NIST SP 800-38D; nonces are random, which allows 2^32
// boxes per key). A key is known by a digest of itself, so keys may be listed in any order and the
// order only says which one seals: the first.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"

struct evp_cipher_st;

namespace lapwing {

/// Fills the span; false when there is no chance to be had.
using random_source = std::function<bool(std::span<std::uint8_t>)>;
/// The operating system's, through OpenSSL.
bool system_random(std::span<std::uint8_t> out);

/// Where a box is kept.
struct secret_place {
  std::string_view table;
  std::string_view column;
  std::string_view row_id;
};

/// Bytes by which a box is longer than what is in it.
inline constexpr std::size_t secret_box_overhead = 1 + 4 + 12 + 16;

/// Any thread; const calls may run at once as far as `random` allows it.
class secret_box {
public:
  /// `keys` as in security.encryption_keys, newest first (config/encryption_key.hpp has the forms).
  /// errc::not_configured: none, or one that is no key.
  static result<secret_box> with_keys(std::span<const std::string> keys,
                                      random_source random = system_random);

  secret_box(secret_box&&) noexcept;
  secret_box& operator=(secret_box&&) noexcept;
  ~secret_box();

  /// With the newest key. errc::internal: no randomness.
  result<std::string> seal(std::string_view secret, const secret_place& place) const;
  /// With the key that sealed it. errc::not_configured: that key is not among ours; errc::internal:
  /// damaged, or not from this place.
  result<std::string> open(std::string_view box, const secret_place& place) const;
  /// True when an older key sealed it (or nothing we know): `lapwing reencrypt` opens and seals.
  bool needs_reseal(std::string_view box) const noexcept;
  /// How boxes begin that the other keys sealed: what `lapwing reencrypt` looks for.
  std::vector<std::string> older_headers() const;
  /// How all boxes begin that can be opened.
  std::vector<std::string> known_headers() const;

private:
  using key_id = std::array<std::uint8_t, 4>;
  struct key {
    key_id id;
    std::array<std::uint8_t, 32> bytes;
  };

  secret_box() = default;
  void forget_keys() noexcept;
  const key* key_of(std::string_view box) const noexcept;

  std::vector<key> keys_; ///< Newest first; never empty, never reallocated once used.
  random_source random_;
  std::shared_ptr<const evp_cipher_st> cipher_; ///< Fetched once: a third of a seal's time.
};

} // namespace lapwing
