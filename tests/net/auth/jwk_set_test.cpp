#define CAF_SUITE auth_jwk_set
#include "tests/support/caf_test.hpp"

#include <random>
#include <string>

#include "net/auth/jwk_set.hpp"
#include "tests/net/auth/helpers.hpp"
#include "tests/net/auth/signing_key.hpp"

using namespace lapwing;
using namespace lapwing::testing;

CAF_TEST(the Ed25519 key of RFC 8032 verifies its message) {
  auto vector = golden("discord-ed25519")["rfc8032_test2"];
  auto bytes = [&](const char* name) { return from_hex(vector[name].get<std::string>()).value(); };
  auto key = public_key::ed25519(bytes("public_key_hex"));
  CAF_REQUIRE(key);
  auto signature = bytes("signature_hex");
  CAF_CHECK(key->verifies(bytes("message_hex"), signature));
  for (std::size_t i = 0; i < signature.size(); ++i) {
    auto flipped = signature;
    flipped[i] = static_cast<char>(flipped[i] ^ 1);
    CAF_CHECK(!key->verifies(bytes("message_hex"), flipped));
  }
  CAF_CHECK(!key->verifies("r ", signature));
  CAF_CHECK(!key->verifies("r", ""));
}

CAF_TEST(the keys of RFC 7517 appendix A.1 are read) {
  auto set = jwk_set::parse(R"({"keys":[
    {"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
     "y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM","use":"enc","kid":"1"},
    {"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
     "e":"AQAB","alg":"RS256","kid":"2011-04-29"}]})");
  CAF_REQUIRE(set);
  // The first is for encryption.
  CAF_CHECK_EQUAL(set->size(), 1u);
  CAF_CHECK(set->find("2011-04-29", key_kind::rsa) != nullptr);
  CAF_CHECK(set->find("2011-04-29", key_kind::p256) == nullptr);
  CAF_CHECK(set->find("", key_kind::rsa) != nullptr);
  CAF_CHECK(set->find("1", key_kind::p256) == nullptr);
}

CAF_TEST(without an id nothing is guessed among several keys) {
  auto a = signing_key::ed25519(), b = signing_key::ed25519();
  auto set = jwk_set::parse(R"({"keys":[)" + a.jwk("a") + "," + b.jwk("b") + "]}");
  CAF_REQUIRE(set);
  CAF_CHECK(set->find("", key_kind::ed25519) == nullptr);
  CAF_CHECK(set->find("a", key_kind::ed25519) != nullptr);
  CAF_CHECK(set->contains("b"));
  CAF_CHECK(!set->contains("c"));
}

CAF_TEST(a key set with anything broken is refused whole) {
  auto key = signing_key::ed25519();
  for (const std::string& item :
       {key.jwk("a") + "," + key.jwk("a"), std::string{"7"},
        std::string{R"({"kty":"OKP","crv":"Ed25519","x":"AAAA"})"},
        std::string{R"({"kty":"OKP","crv":"Ed25519","x":"AAAA","d":"AAAA"})"},
        std::string{R"({"kty":"oct","k":"AAAA"})"},
        std::string{R"({"kty":"RSA","n":"AQAB","e":"AQAB"})"},
        std::string{R"({"kty":"RSA","e":"AQAB"})"},
        // On no curve.
        std::string{R"({"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4"})"}})
    CAF_CHECK_EQUAL(code_of(jwk_set::parse(R"({"keys":[)" + item + "]}")), "bad_request");
  for (const auto* text : {"", "[]", "{}", R"({"keys":{}})", "{\"keys\":[\xff]}"})
    CAF_CHECK_EQUAL(code_of(jwk_set::parse(text)), "bad_request");
  // Nested as deeply as fits.
  CAF_CHECK_EQUAL(code_of(jwk_set::parse(std::string(jwk_set::text_bytes_max, '['))), "bad_request");
  auto half = jwk_set::text_bytes_max / 2 - 20;
  CAF_CHECK_EQUAL(code_of(jwk_set::parse("{\"keys\":[" + std::string(half, '[')
                                         + std::string(half, ']') + "]}")),
                  "bad_request");
  CAF_CHECK_EQUAL(code_of(jwk_set::parse(std::string(jwk_set::text_bytes_max + 1, ' '))),
                  "bad_request");
  // Kinds that we do not know are for somebody else.
  CAF_CHECK(jwk_set::parse(R"({"keys":[{"kty":"EC","crv":"P-521"},{"kty":"new"}]})")->empty());
}

CAF_TEST(changed key sets never break the parser) {
  std::mt19937_64 random{7};
  auto text = R"({"keys":[)" + signing_key::p256().jwk("p") + ","
              + signing_key::ed25519().jwk("e") + "]}";
  for (int i = 0; i < 20'000; ++i) {
    auto changed = text;
    for (auto n = 1 + random() % 3; n > 0; --n)
      changed[random() % changed.size()] = static_cast<char>(random());
    static_cast<void>(jwk_set::parse(changed));
  }
}
