// Public keys that signatures are checked with: RSA, EC P-256, Ed25519.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

struct evp_pkey_st;

namespace lapwing {

enum class key_kind { rsa, p256, ed25519 };

/// Immutable and cheap to copy; any thread.
class public_key {
public:
  /// `modulus` and `exponent` big-endian; 2048 to 8192 bits, odd exponent above 1.
  static std::optional<public_key> rsa(std::string_view modulus, std::string_view exponent);
  /// Affine coordinates of 32 bytes each; the point must be on the curve.
  static std::optional<public_key> p256(std::string_view x, std::string_view y);
  /// 32 bytes (RFC 8032 5.1.5).
  static std::optional<public_key> ed25519(std::string_view bytes);

  key_kind kind() const noexcept { return kind_; }

  /// RSA: PKCS #1 v1.5 with SHA-256. P-256: ECDSA with SHA-256, signature r || s of 64 bytes
  /// (RFC 7518 3.4). Ed25519: pure.
  bool verifies(std::string_view message, std::string_view signature) const;

private:
  public_key(key_kind kind, evp_pkey_st* key);

  key_kind kind_;
  std::shared_ptr<evp_pkey_st> key_;
};

} // namespace lapwing
