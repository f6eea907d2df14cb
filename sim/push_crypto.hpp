// What a browser does with a push message: agrees on keys, derives them, decrypts (RFC 8291, 8188),
// and what a push service does with its sender's token (RFC 8292).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/error.hpp"

namespace lapwing::sim {

/// A P-256 key. Points are uncompressed, 65 bytes.
class p256_key {
public:
  /// From 32 bytes that are a private scalar; nothing when they are none (zero, too large).
  static std::optional<p256_key> from_scalar(std::string_view scalar);
  ~p256_key();
  p256_key(p256_key&&) noexcept;
  p256_key& operator=(p256_key&&) noexcept;

  std::string public_point() const;
  /// The shared x coordinate, 32 bytes; nothing when `point` is not on the curve.
  std::optional<std::string> agree(std::string_view point) const;

private:
  struct impl;
  explicit p256_key(std::unique_ptr<impl> made);
  std::unique_ptr<impl> impl_;
};

/// ES256 (RFC 7518 3.4): `signature` is 64 raw bytes, `point` the signer's.
bool verify_es256(std::string_view point, std::string_view data, std::string_view signature);

/// The text of an aes128gcm body of one record. The error says which step failed.
result<std::string> decrypt_push(const p256_key& receiver, std::string_view auth_secret,
                                 std::string_view body);

} // namespace lapwing::sim
