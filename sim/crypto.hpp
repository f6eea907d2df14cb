// What the providers sign with. Written apart from the node's own verification, so that one mistake
// cannot hide in both.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace lapwing::sim {

/// Raw bytes.
std::string sha256(std::string_view data);
std::string hmac_sha256(std::string_view key, std::string_view data);
std::string hmac_sha1(std::string_view key, std::string_view data);

/// An RSA key of 2048 bits, made anew in every process.
class rsa_key {
public:
  rsa_key();
  ~rsa_key();
  rsa_key(rsa_key&&) noexcept;
  rsa_key& operator=(rsa_key&&) noexcept;

  /// RS256 (RFC 7518 3.3), raw bytes.
  std::string sign(std::string_view data) const;
  /// Big-endian, raw bytes.
  std::string modulus() const;
  std::string exponent() const;

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

/// An Ed25519 key from 32 bytes.
class ed25519_key {
public:
  explicit ed25519_key(std::string_view seed);
  ~ed25519_key();

  std::string sign(std::string_view data) const; ///< 64 raw bytes.
  std::string public_key() const;                ///< 32 raw bytes.

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

} // namespace lapwing::sim
