#include "net/auth/hmac.hpp"

#include <cstring>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

// OpenSSL 3 calls the SHA256_ functions deprecated in favour of EVP, but only a copied SHA256_CTX
// makes precomputed pads cheap: no allocation and no provider look-up per call.
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

namespace lapwing {
namespace {

constexpr std::size_t block_bytes = 64;

} // namespace

bool equal_in_constant_time(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

sha256_digest sha256(std::initializer_list<std::string_view> parts) noexcept {
  SHA256_CTX context;
  SHA256_Init(&context);
  for (auto part : parts)
    SHA256_Update(&context, part.data(), part.size());
  sha256_digest digest;
  SHA256_Final(digest.data(), &context);
  return digest;
}

hmac_sha256_key::hmac_sha256_key(std::string_view secret) noexcept {
  std::array<unsigned char, block_bytes> block{};
  if (secret.size() > block_bytes) {
    auto digest = sha256({secret});
    std::memcpy(block.data(), digest.data(), digest.size());
  } else if (!secret.empty()) {
    std::memcpy(block.data(), secret.data(), secret.size());
  }
  for (auto& byte : block)
    byte ^= 0x36;
  SHA256_Init(&inner_);
  SHA256_Update(&inner_, block.data(), block.size());
  for (auto& byte : block)
    byte ^= 0x36 ^ 0x5c;
  SHA256_Init(&outer_);
  SHA256_Update(&outer_, block.data(), block.size());
  OPENSSL_cleanse(block.data(), block.size());
}

sha256_digest
hmac_sha256_key::digest(std::initializer_list<std::string_view> parts) const noexcept {
  SHA256_CTX context = inner_;
  for (auto part : parts)
    SHA256_Update(&context, part.data(), part.size());
  sha256_digest digest;
  SHA256_Final(digest.data(), &context);
  context = outer_;
  SHA256_Update(&context, digest.data(), digest.size());
  SHA256_Final(digest.data(), &context);
  return digest;
}

bool hmac_sha256_key::matches(std::initializer_list<std::string_view> parts,
                              std::string_view expected) const noexcept {
  return equal_in_constant_time(bytes_of(digest(parts)), expected);
}

std::optional<hash_method> hash_method_of(std::string_view name) noexcept {
  if (name == "sha1")
    return hash_method::sha1;
  if (name == "sha256")
    return hash_method::sha256;
  if (name == "sha384")
    return hash_method::sha384;
  if (name == "sha512")
    return hash_method::sha512;
  return std::nullopt;
}

std::string hmac(hash_method method, std::string_view secret, std::string_view data) {
  const EVP_MD* md = method == hash_method::sha1     ? EVP_sha1()
                     : method == hash_method::sha256 ? EVP_sha256()
                     : method == hash_method::sha384 ? EVP_sha384()
                                                     : EVP_sha512();
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  HMAC(md, secret.data(), static_cast<int>(secret.size()),
       reinterpret_cast<const unsigned char*>(data.data()), data.size(), digest.data(), &size);
  return std::string{bytes_of(digest).substr(0, size)};
}

} // namespace lapwing
