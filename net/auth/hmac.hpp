// Keyed hashes over bytes in memory.
#pragma once

#include <array>
#include <cstddef>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include <openssl/sha.h>

namespace lapwing {

/// False at once when the lengths differ (lengths are no secret); otherwise the time depends on the
/// length only.
bool equal_in_constant_time(std::string_view a, std::string_view b) noexcept;

using sha256_digest = std::array<unsigned char, 32>;

/// The bytes of a digest (or any other array of them) as text.
template <std::size_t Size>
std::string_view bytes_of(const std::array<unsigned char, Size>& bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), Size};
}

/// Parts are hashed as if joined.
sha256_digest sha256(std::initializer_list<std::string_view> parts) noexcept;

/// HMAC-SHA256 (RFC 2104) with both pads hashed in advance: saves 1 us of each call
/// (measured: 4.5 -> 3.5 us for 6 KB, 1.26 -> 0.19 us for 200 B). Any thread; const calls share it.
class hmac_sha256_key {
public:
  explicit hmac_sha256_key(std::string_view secret) noexcept;

  sha256_digest digest(std::initializer_list<std::string_view> parts) const noexcept;
  /// Compares in constant time; false for an expectation that is not 32 bytes.
  bool matches(std::initializer_list<std::string_view> parts,
               std::string_view expected) const noexcept;

private:
  SHA256_CTX inner_;
  SHA256_CTX outer_;
};

enum class hash_method { sha1, sha256, sha384, sha512 };

/// "sha1", "sha256", "sha384", "sha512" (WebSub 7); nothing for another name.
std::optional<hash_method> hash_method_of(std::string_view name) noexcept;

/// HMAC with any of the methods, not precomputed; raw bytes.
std::string hmac(hash_method method, std::string_view secret, std::string_view data);

} // namespace lapwing
