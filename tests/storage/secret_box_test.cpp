// Secrets at rest: storage/secret_box.hpp.
#define CAF_SUITE secret_box

#include "tests/support/caf_test.hpp"

#include <algorithm>

#include "storage/secret_box.hpp"

namespace {

using namespace lapwing;

const std::string old_key(64, 'a');
const std::string new_key = "0123456789abcdef0123456789abcdef";
const secret_place here{"platform_connections", "access_token", "c1"};

secret_box box_with(std::vector<std::string> keys, random_source random = system_random) {
  auto box = secret_box::with_keys(keys, std::move(random));
  if (!box)
    CAF_FAIL("no box: " << box.error().detail);
  return std::move(*box);
}

} // namespace

CAF_TEST(what was sealed opens and cannot be read from the box) {
  const auto box = box_with({new_key});
  for (const std::string& secret : {std::string{}, std::string{"ya29.token"},
                                   std::string("nul\0inside", 10), std::string(100'000, 't')}) {
    auto sealed = box.seal(secret, here);
    CAF_REQUIRE(sealed);
    CAF_CHECK_EQUAL(sealed->size(), secret.size() + secret_box_overhead);
    if (!secret.empty())
      CAF_CHECK(sealed->find(secret) == std::string::npos);
    auto opened = box.open(*sealed, here);
    CAF_REQUIRE(opened);
    CAF_CHECK(*opened == secret);
    CAF_CHECK(!box.needs_reseal(*sealed));
  }
}

CAF_TEST(the same secret never gives the same box) {
  const auto box = box_with({new_key});
  CAF_CHECK(*box.seal("token", here) != *box.seal("token", here));
}

CAF_TEST(any flipped bit and any other length is refused) {
  const auto box = box_with({new_key});
  const auto sealed = *box.seal("token", here);
  for (std::size_t bit = 0; bit < sealed.size() * 8; ++bit) {
    auto bad = sealed;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << bit % 8));
    CAF_CHECK(!box.open(bad, here));
  }
  for (std::size_t size = 0; size < sealed.size(); ++size)
    CAF_CHECK(!box.open(std::string_view{sealed}.substr(0, size), here));
  CAF_CHECK(!box.open(sealed + "x", here));
}

CAF_TEST(a box moved to another place does not open) {
  const auto box = box_with({new_key});
  const auto sealed = *box.seal("token", here);
  const secret_place places[] = {
    {"platform_webhooks", "access_token", "c1"},
    {"platform_connections", "refresh_token", "c1"},
    {"platform_connections", "access_token", "c2"},
    {"platform_connections", "access_token|c1", ""},
    {"platform_connections", "", "access_token|c1"},
  };
  for (const auto& place : places) {
    auto opened = box.open(sealed, place);
    CAF_REQUIRE(!opened);
    CAF_CHECK(opened.error().code == errc::internal);
  }
}

CAF_TEST(after a rotation old boxes open and are marked to be sealed again) {
  const auto before = box_with({old_key});
  const auto during = box_with({new_key, old_key});
  const auto after = box_with({new_key});
  const auto old_sealed = *before.seal("token", here);
  CAF_CHECK_EQUAL(*during.open(old_sealed, here), "token");
  CAF_CHECK(during.needs_reseal(old_sealed));
  const auto sealed_again = *during.seal(*during.open(old_sealed, here), here);
  CAF_CHECK(!during.needs_reseal(sealed_again));
  CAF_CHECK_EQUAL(*after.open(sealed_again, here), "token");
  auto refused = after.open(old_sealed, here);
  CAF_REQUIRE(!refused);
  CAF_CHECK(refused.error().code == errc::not_configured);
  CAF_CHECK(after.needs_reseal("not a box"));
}

CAF_TEST(a key may be written in each of its forms) {
  const auto raw = box_with({"0123456789abcdef0123456789abcdef"});
  const auto hex = box_with({"3031323334353637383961626364656630313233343536373839616263646566"});
  const auto base64 = box_with({"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="});
  const auto sealed = *raw.seal("token", here);
  CAF_CHECK_EQUAL(*hex.open(sealed, here), "token");
  CAF_CHECK_EQUAL(*base64.open(sealed, here), "token");
}

CAF_TEST(without a proper key there is no box) {
  CAF_CHECK(secret_box::with_keys({}).error().code == errc::not_configured);
  const std::vector<std::string> bad{new_key, "short"};
  auto box = secret_box::with_keys(bad);
  CAF_REQUIRE(!box);
  CAF_CHECK(box.error().code == errc::not_configured);
  CAF_CHECK(box.error().detail.find("short") == std::string::npos);
}

CAF_TEST(without chance nothing is sealed) {
  const auto box = box_with({new_key}, [](auto) { return false; });
  CAF_CHECK(box.seal("token", here).error().code == errc::internal);
}

CAF_TEST(the form of a box does not change between releases) {
  // AES-256-GCM of "token" under the key and place above with the nonce 00..0b, so that databases
  // written by this release open in later ones.
  const auto box = box_with({new_key}, [](std::span<std::uint8_t> out) {
    for (std::size_t i = 0; i < out.size(); ++i)
      out[i] = static_cast<std::uint8_t>(i);
    return true;
  });
  const auto sealed = *box.seal("token", here);
  std::string hex;
  for (const char c : sealed) {
    constexpr std::string_view digits = "0123456789abcdef";
    hex += digits[static_cast<unsigned char>(c) >> 4];
    hex += digits[static_cast<unsigned char>(c) & 15];
  }
  CAF_CHECK_EQUAL(hex, "010c9d4bee000102030405060708090a0b598ad019b7bcbdac9a07dcb7db0bf8cf637e738b72");
}
