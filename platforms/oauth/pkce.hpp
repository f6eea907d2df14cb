// Proof Key for Code Exchange, method S256 (RFC 7636 4.1, 4.2).
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace lapwing {

/// 43 characters from 32 random bytes.
std::string pkce_verifier(const std::array<std::byte, 32>& random);
/// BASE64URL(SHA256(verifier)).
std::string pkce_challenge(std::string_view verifier);

} // namespace lapwing
