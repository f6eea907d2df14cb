// Private keys for tests: signs tokens as an identity provider would, and shows its JWK.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "net/auth/encoding.hpp"

namespace lapwing::testing {

class signing_key {
public:
  static signing_key rsa() { return {"RS256", EVP_RSA_gen(2048)}; }
  static signing_key p256() { return {"ES256", EVP_EC_gen("P-256")}; }
  static signing_key ed25519() {
    return {"EdDSA", EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")};
  }
  static signing_key ed25519_of(std::string_view seed) {
    return {"EdDSA", EVP_PKEY_new_raw_private_key(
                       EVP_PKEY_ED25519, nullptr,
                       reinterpret_cast<const unsigned char*>(seed.data()), seed.size())};
  }

  const std::string& algorithm() const { return algorithm_; }

  std::string jwk(std::string_view id) const {
    std::string out = R"({"kid":")" + std::string{id} + R"(","use":"sig","alg":")" + algorithm_;
    if (algorithm_ == "RS256")
      return out + R"(","kty":"RSA","n":")" + number(OSSL_PKEY_PARAM_RSA_N) + R"(","e":")"
             + number(OSSL_PKEY_PARAM_RSA_E) + "\"}";
    if (algorithm_ == "ES256")
      return out + R"(","kty":"EC","crv":"P-256","x":")" + number(OSSL_PKEY_PARAM_EC_PUB_X, 32)
             + R"(","y":")" + number(OSSL_PKEY_PARAM_EC_PUB_Y, 32) + "\"}";
    return out + R"(","kty":"OKP","crv":"Ed25519","x":")" + to_base64url(raw_public()) + "\"}";
  }

  std::string raw_public() const {
    unsigned char bytes[32];
    std::size_t size = sizeof bytes;
    EVP_PKEY_get_raw_public_key(key_.get(), bytes, &size);
    return {reinterpret_cast<char*>(bytes), size};
  }

  std::string sign(std::string_view text) const {
    std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context{EVP_MD_CTX_new(),
                                                                    EVP_MD_CTX_free};
    auto* md = algorithm_ == "EdDSA" ? nullptr : EVP_sha256();
    EVP_DigestSignInit(context.get(), nullptr, md, nullptr, key_.get());
    std::string out(1024, '\0');
    std::size_t size = out.size();
    EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(out.data()), &size,
                   reinterpret_cast<const unsigned char*>(text.data()), text.size());
    out.resize(size);
    if (algorithm_ != "ES256")
      return out;
    auto* der = reinterpret_cast<const unsigned char*>(out.data());
    auto* both = d2i_ECDSA_SIG(nullptr, &der, static_cast<long>(out.size()));
    std::string raw(64, '\0');
    BN_bn2binpad(ECDSA_SIG_get0_r(both), reinterpret_cast<unsigned char*>(raw.data()), 32);
    BN_bn2binpad(ECDSA_SIG_get0_s(both), reinterpret_cast<unsigned char*>(raw.data() + 32), 32);
    ECDSA_SIG_free(both);
    return raw;
  }

  /// A token with these claims and, if not empty, this `kid`.
  std::string token(std::string_view claims, std::string_view id) const {
    std::string header = R"({"alg":")" + algorithm_ + "\"";
    if (!id.empty())
      header += R"(,"kid":")" + std::string{id} + "\"";
    auto text = to_base64url(header + ",\"typ\":\"JWT\"}") + '.' + to_base64url(claims);
    return text + '.' + to_base64url(sign(text));
  }

private:
  signing_key(const char* algorithm, EVP_PKEY* key) : algorithm_(algorithm), key_(key, EVP_PKEY_free) {}

  std::string number(const char* name, int size = 0) const {
    BIGNUM* value = nullptr;
    EVP_PKEY_get_bn_param(key_.get(), name, &value);
    std::string bytes(static_cast<std::size_t>(size > 0 ? size : BN_num_bytes(value)), '\0');
    BN_bn2binpad(value, reinterpret_cast<unsigned char*>(bytes.data()),
                 static_cast<int>(bytes.size()));
    BN_free(value);
    return to_base64url(bytes);
  }

  std::string algorithm_;
  std::shared_ptr<EVP_PKEY> key_;
};

} // namespace lapwing::testing
