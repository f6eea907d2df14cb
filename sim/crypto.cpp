#include "sim/crypto.hpp"

#include <array>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>

namespace lapwing::sim {
namespace {

struct free_key {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using key_pointer = std::unique_ptr<EVP_PKEY, free_key>;

struct free_context {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using context_pointer = std::unique_ptr<EVP_MD_CTX, free_context>;

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::string hmac(const EVP_MD* method, std::string_view key, std::string_view data) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  unsigned size = 0;
  HMAC(method, key.data(), static_cast<int>(key.size()), bytes_of(data), data.size(), out.data(),
       &size);
  return {reinterpret_cast<const char*>(out.data()), size};
}

std::string signature_of(EVP_PKEY* key, const EVP_MD* method, std::string_view data) {
  context_pointer context{EVP_MD_CTX_new()};
  std::size_t size = 0;
  if (EVP_DigestSignInit(context.get(), nullptr, method, nullptr, key) != 1
      || EVP_DigestSign(context.get(), nullptr, &size, bytes_of(data), data.size()) != 1)
    return {};
  std::string out(size, '\0');
  if (EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(out.data()), &size,
                     bytes_of(data), data.size())
      != 1)
    return {};
  out.resize(size);
  return out;
}

std::string number_of(EVP_PKEY* key, const char* name) {
  BIGNUM* number = nullptr;
  if (EVP_PKEY_get_bn_param(key, name, &number) != 1)
    return {};
  std::string out(static_cast<std::size_t>(BN_num_bytes(number)), '\0');
  BN_bn2bin(number, reinterpret_cast<unsigned char*>(out.data()));
  BN_free(number);
  return out;
}

} // namespace

std::string sha256(std::string_view data) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  unsigned size = 0;
  EVP_Digest(data.data(), data.size(), out.data(), &size, EVP_sha256(), nullptr);
  return {reinterpret_cast<const char*>(out.data()), size};
}

std::string hmac_sha256(std::string_view key, std::string_view data) {
  return hmac(EVP_sha256(), key, data);
}

std::string hmac_sha1(std::string_view key, std::string_view data) {
  return hmac(EVP_sha1(), key, data);
}

struct rsa_key::impl {
  key_pointer key;
};

rsa_key::rsa_key() : impl_(std::make_unique<impl>()) { impl_->key.reset(EVP_RSA_gen(2048)); }

rsa_key::~rsa_key() = default;
rsa_key::rsa_key(rsa_key&&) noexcept = default;
rsa_key& rsa_key::operator=(rsa_key&&) noexcept = default;

std::string rsa_key::sign(std::string_view data) const {
  return signature_of(impl_->key.get(), EVP_sha256(), data);
}

std::string rsa_key::modulus() const { return number_of(impl_->key.get(), OSSL_PKEY_PARAM_RSA_N); }

std::string rsa_key::exponent() const { return number_of(impl_->key.get(), OSSL_PKEY_PARAM_RSA_E); }

struct ed25519_key::impl {
  key_pointer key;
};

ed25519_key::ed25519_key(std::string_view seed) : impl_(std::make_unique<impl>()) {
  impl_->key.reset(
    EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, bytes_of(seed), seed.size()));
}

ed25519_key::~ed25519_key() = default;

std::string ed25519_key::sign(std::string_view data) const {
  return signature_of(impl_->key.get(), nullptr, data);
}

std::string ed25519_key::public_key() const {
  std::array<unsigned char, 32> out{};
  std::size_t size = out.size();
  EVP_PKEY_get_raw_public_key(impl_->key.get(), out.data(), &size);
  return {reinterpret_cast<const char*>(out.data()), size};
}

} // namespace lapwing::sim
