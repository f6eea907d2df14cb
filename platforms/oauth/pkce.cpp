#include "platforms/oauth/pkce.hpp"

#include <openssl/sha.h>

#include "platforms/oauth/text_forms.hpp"

namespace lapwing {

std::string pkce_verifier(const std::array<std::byte, 32>& random) {
  return oauth_text::base64url({reinterpret_cast<const char*>(random.data()), random.size()});
}

std::string pkce_challenge(std::string_view verifier) {
  unsigned char digest[SHA256_DIGEST_LENGTH];
  ::SHA256(reinterpret_cast<const unsigned char*>(verifier.data()), verifier.size(), digest);
  return oauth_text::base64url({reinterpret_cast<const char*>(digest), sizeof digest});
}

} // namespace lapwing
