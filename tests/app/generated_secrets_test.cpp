// What `lapwing keys` prints can be used as it is.
#define CAF_SUITE app_generated_secrets

#include "tests/support/caf_test.hpp"

#include <set>

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>

#include "app/generated_secrets.hpp"
#include "config/load.hpp"
#include "net/auth/encoding.hpp"

using namespace lapwing;

CAF_TEST(the made secrets pass as a configuration) {
  environment env;
  for (const auto& secret : generate_secrets(secure_random_bytes))
    env.emplace(secret.variable, secret.value);
  const auto loaded = load(nullptr, env);
  for (const auto& mistake : loaded.mistakes)
    CAF_ERROR(to_string(mistake));
  CAF_CHECK(loaded.value.auth.jwt_secret.size() >= 32);
  CAF_CHECK_EQUAL(loaded.value.webhooks.github.current.size(), 32u);
  CAF_CHECK(loaded.value.webhooks.supabase.current.starts_with("whsec_"));
  CAF_CHECK_EQUAL(loaded.value.security.encryption_keys.size(), 1u);
}

CAF_TEST(no secret comes twice) {
  std::set<std::string> seen;
  for (int i = 0; i < 20; ++i)
    for (const auto& secret : generate_secrets(secure_random_bytes))
      CAF_CHECK(seen.insert(secret.value).second);
}

CAF_TEST(the two VAPID keys belong together) {
  std::string point;
  std::string scalar;
  for (const auto& secret : generate_secrets(secure_random_bytes)) {
    if (secret.key == "push.vapid_public_key")
      point = from_base64url(secret.value).value_or("");
    if (secret.key == "push.vapid_private_key")
      scalar = from_base64url(secret.value).value_or("");
  }
  CAF_REQUIRE_EQUAL(point.size(), 65u);
  CAF_REQUIRE_EQUAL(scalar.size(), 32u);
  auto* group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
  auto* number = BN_bin2bn(reinterpret_cast<const unsigned char*>(scalar.data()), 32, nullptr);
  auto* product = EC_POINT_new(group);
  CAF_CHECK(EC_POINT_mul(group, product, number, nullptr, nullptr, nullptr) == 1);
  unsigned char written[65];
  CAF_CHECK_EQUAL(EC_POINT_point2oct(group, product, POINT_CONVERSION_UNCOMPRESSED, written,
                                     sizeof written, nullptr),
                  65u);
  CAF_CHECK(point == std::string_view(reinterpret_cast<const char*>(written), 65));
  EC_POINT_free(product);
  BN_free(number);
  EC_GROUP_free(group);
}
