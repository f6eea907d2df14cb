#include "app/generated_secrets.hpp"

#include <array>
#include <memory>
#include <stdexcept>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>

#include "config/keys.hpp"
#include "net/auth/encoding.hpp"

namespace lapwing {
namespace {

struct vapid_pair {
  std::string public_key;  ///< Uncompressed point, 65 bytes.
  std::string private_key; ///< 32 bytes.
};

template <auto Free>
struct deleter {
  template <class T>
  void operator()(T* pointer) const {
    Free(pointer);
  }
};

vapid_pair make_vapid_pair() {
  const std::unique_ptr<EVP_PKEY, deleter<EVP_PKEY_free>> pair{EVP_EC_gen("P-256")};
  std::array<unsigned char, 65> point{};
  std::size_t point_bytes = 0;
  BIGNUM* number = nullptr;
  const bool read = pair
                    && EVP_PKEY_get_octet_string_param(pair.get(), OSSL_PKEY_PARAM_PUB_KEY,
                                                       point.data(), point.size(), &point_bytes)
                    && EVP_PKEY_get_bn_param(pair.get(), OSSL_PKEY_PARAM_PRIV_KEY, &number);
  const std::unique_ptr<BIGNUM, deleter<BN_clear_free>> owned{number};
  std::array<unsigned char, 32> scalar{};
  if (!read || point_bytes != point.size()
      || BN_bn2binpad(number, scalar.data(), static_cast<int>(scalar.size())) < 0)
    throw std::runtime_error{"OpenSSL made no P-256 key pair"};
  return {std::string(point.begin(), point.end()), std::string(scalar.begin(), scalar.end())};
}

} // namespace

std::vector<generated_secret> generate_secrets(const random_bytes& random) {
  const auto vapid = make_vapid_pair();
  std::vector<generated_secret> out;
  const auto add = [&](std::string key, std::string value, std::string purpose) {
    auto variable = environment_name(key);
    out.push_back({std::move(key), std::move(variable), std::move(value), std::move(purpose)});
  };
  add("auth.jwt_secret", to_base64url(random(48)), "signs tokens (HS256)");
  add("security.encryption_keys", to_base64(random(32)), "seals stored tokens; put new ones first");
  add("push.vapid_public_key", to_base64url(vapid.public_key), "Web Push, for browsers");
  add("push.vapid_private_key", to_base64url(vapid.private_key), "Web Push, stays here");
  add("webhooks.github.secret", to_hex(random(16)), "also entered at GitHub");
  add("webhooks.supabase.secret", "whsec_" + to_base64(random(32)), "Standard Webhooks");
  add("cron.secret", to_base64url(random(32)), "bearer of an external scheduler");
  add("security.metrics_token", to_base64url(random(32)), "bearer for /metrics");
  return out;
}

} // namespace lapwing
