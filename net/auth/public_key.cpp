#include "net/auth/public_key.hpp"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

namespace lapwing {
namespace {

template <auto Free>
struct releaser {
  template <class T>
  void operator()(T* pointer) const {
    Free(pointer);
  }
};
template <class T, auto Free>
using owned = std::unique_ptr<T, releaser<Free>>;

using owned_number = owned<BIGNUM, BN_free>;
using owned_builder = owned<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free>;
using owned_params = owned<OSSL_PARAM, OSSL_PARAM_free>;
using owned_key_context = owned<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;
using owned_digest_context = owned<EVP_MD_CTX, EVP_MD_CTX_free>;
using owned_ecdsa_signature = owned<ECDSA_SIG, ECDSA_SIG_free>;

/// What fails here must not stay in OpenSSL's per-thread queue, where a TLS stream of this thread
/// would take it for its own failure.
struct error_queue_guard {
  ~error_queue_guard() { ERR_clear_error(); }
};

const unsigned char* data_of(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

owned_number number_of(std::string_view big_endian) {
  return owned_number{BN_bin2bn(data_of(big_endian), static_cast<int>(big_endian.size()), nullptr)};
}

EVP_PKEY* key_from(const char* type, OSSL_PARAM_BLD* builder) {
  owned_params params{OSSL_PARAM_BLD_to_param(builder)};
  owned_key_context context{EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr)};
  EVP_PKEY* key = nullptr;
  if (!params || !context || EVP_PKEY_fromdata_init(context.get()) != 1
      || EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params.get()) != 1)
    return nullptr;
  owned_key_context check{EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr)};
  if (!check || EVP_PKEY_public_check(check.get()) != 1) {
    EVP_PKEY_free(key);
    return nullptr;
  }
  return key;
}

/// r || s to the DER form that OpenSSL takes; empty when it is not such a signature.
std::string der_of(std::string_view signature) {
  if (signature.size() != 64)
    return {};
  auto r = number_of(signature.substr(0, 32));
  auto s = number_of(signature.substr(32));
  owned_ecdsa_signature both{ECDSA_SIG_new()};
  if (!r || !s || !both || ECDSA_SIG_set0(both.get(), r.get(), s.get()) != 1)
    return {};
  static_cast<void>(r.release()); // set0 took both.
  static_cast<void>(s.release());
  unsigned char* der = nullptr;
  int size = i2d_ECDSA_SIG(both.get(), &der);
  if (size <= 0)
    return {};
  std::string out{reinterpret_cast<char*>(der), static_cast<std::size_t>(size)};
  OPENSSL_free(der);
  return out;
}

} // namespace

public_key::public_key(key_kind kind, evp_pkey_st* key) : kind_(kind), key_(key, EVP_PKEY_free) {}

std::optional<public_key> public_key::rsa(std::string_view modulus, std::string_view exponent) {
  error_queue_guard guard;
  if (modulus.size() > 1024 || exponent.empty() || exponent.size() > 8)
    return std::nullopt;
  auto n = number_of(modulus);
  auto e = number_of(exponent);
  if (!n || !e || BN_num_bits(n.get()) < 2048 || !BN_is_odd(e.get()) || BN_is_one(e.get()))
    return std::nullopt;
  owned_builder builder{OSSL_PARAM_BLD_new()};
  if (!builder || OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) != 1
      || OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) != 1)
    return std::nullopt;
  if (auto* key = key_from("RSA", builder.get()))
    return public_key{key_kind::rsa, key};
  return std::nullopt;
}

std::optional<public_key> public_key::p256(std::string_view x, std::string_view y) {
  error_queue_guard guard;
  if (x.size() != 32 || y.size() != 32)
    return std::nullopt;
  std::string point = "\x04"; // Uncompressed (SEC 1 2.3.3).
  point.append(x).append(y);
  owned_builder builder{OSSL_PARAM_BLD_new()};
  if (!builder
      || OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) != 1
      || OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                          point.size())
           != 1)
    return std::nullopt;
  if (auto* key = key_from("EC", builder.get()))
    return public_key{key_kind::p256, key};
  return std::nullopt;
}

std::optional<public_key> public_key::ed25519(std::string_view bytes) {
  error_queue_guard guard;
  if (bytes.size() != 32)
    return std::nullopt;
  if (auto* key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, data_of(bytes), 32))
    return public_key{key_kind::ed25519, key};
  return std::nullopt;
}

bool public_key::verifies(std::string_view message, std::string_view signature) const {
  error_queue_guard guard;
  std::string der;
  if (kind_ == key_kind::p256) {
    der = der_of(signature);
    signature = der;
  }
  if (signature.empty())
    return false;
  const EVP_MD* md = kind_ == key_kind::ed25519 ? nullptr : EVP_sha256();
  owned_digest_context context{EVP_MD_CTX_new()};
  return context
         && EVP_DigestVerifyInit(context.get(), nullptr, md, nullptr, key_.get()) == 1
         && EVP_DigestVerify(context.get(), data_of(signature), signature.size(),
                             data_of(message), message.size())
              == 1;
}

} // namespace lapwing
