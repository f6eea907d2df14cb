#define CAF_SUITE auth_jwt
#include "tests/support/caf_test.hpp"

#include <random>
#include <string>

#include "net/auth/encoding.hpp"
#include "net/auth/jwt.hpp"
#include "tests/net/auth/helpers.hpp"
#include "tests/net/auth/signing_key.hpp"

using namespace lapwing;
using namespace lapwing::testing;

namespace {

const std::string secret = "super-secret-jwt-token-with-at-least-32-characters-long";

jwt_claims ann() {
  jwt_claims claims;
  claims.subject = "ann";
  claims.role = "authenticated";
  claims.rooms = {"lobby", "team:*"};
  claims.expires = at_second(2000);
  claims.issued_at = at_second(1000);
  return claims;
}

/// Header and claims as given, signed with HS256.
std::string hs256(const std::string& header, const std::string& claims) {
  auto text = to_base64url(header) + '.' + to_base64url(claims);
  return text + '.' + to_base64url(bytes_of(hmac_sha256_key{secret}.digest({text})));
}

} // namespace

CAF_TEST(the golden token of Realtime verifies and tells its claims) {
  auto vector = golden("realtime-jwt-hs256");
  auto token = parse_jwt(vector["expected"]["jwt"].get<std::string>());
  CAF_REQUIRE(token);
  hmac_sha256_key key{vector["inputs"]["secret"].get<std::string>()};
  CAF_CHECK_EQUAL(code_of(verify_jwt(*token, key)), "none");
  auto claims = read_claims(token->claims_json);
  CAF_REQUIRE(claims);
  CAF_CHECK_EQUAL(claims->role, "anon");
  CAF_CHECK(claims->expires == at_second(4102444800));
  CAF_CHECK(claims->issued_at == at_second(1700000000));
}

CAF_TEST(a minted token comes back with all its claims) {
  hmac_sha256_key key{secret};
  auto minted = ann();
  minted.issuer = "lapwing";
  minted.audience = {"a", "b"};
  minted.email = "ann@example.com";
  minted.not_before = at_second(1000);
  auto token = parse_jwt(mint_hs256(key, minted));
  CAF_REQUIRE(token);
  CAF_CHECK_EQUAL(code_of(verify_jwt(*token, key)), "none");
  auto claims = read_claims(token->claims_json);
  CAF_REQUIRE(claims);
  CAF_CHECK_EQUAL(claims->subject, "ann");
  CAF_CHECK_EQUAL(claims->role, "authenticated");
  CAF_CHECK(claims->rooms == minted.rooms);
  CAF_CHECK(claims->audience == minted.audience);
  CAF_CHECK_EQUAL(claims->issuer, "lapwing");
  CAF_CHECK(claims->expires == minted.expires);
  CAF_CHECK(claims->not_before == minted.not_before);
  CAF_CHECK_EQUAL(code_of(check_claims(*claims, {}, at_second(1500))), "none");
}

CAF_TEST(no byte of a token can be changed) {
  hmac_sha256_key key{secret};
  auto text = mint_hs256(key, ann());
  for (std::size_t i = 0; i < text.size(); ++i) {
    for (int bit : {0x01, 0x20, 0x80}) {
      auto changed = text;
      changed[i] = static_cast<char>(changed[i] ^ bit);
      auto token = parse_jwt(changed);
      CAF_CHECK(!token || !verify_jwt(*token, key));
    }
    auto token = parse_jwt(text.substr(0, i));
    CAF_CHECK(!token || !verify_jwt(*token, key));
  }
}

CAF_TEST(tokens of every asymmetric kind verify with their own key and no other) {
  std::vector<signing_key> keys{signing_key::rsa(), signing_key::p256(), signing_key::ed25519()};
  std::vector<signing_key> others{signing_key::rsa(), signing_key::p256(), signing_key::ed25519()};
  std::string set = R"({"keys":[)", other_set = set;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    set += (i > 0 ? "," : "") + keys[i].jwk("k" + std::to_string(i));
    other_set += (i > 0 ? "," : "") + others[i].jwk("k" + std::to_string(i));
  }
  auto good = jwk_set::parse(set + "]}");
  auto bad = jwk_set::parse(other_set + "]}");
  CAF_REQUIRE(good);
  CAF_REQUIRE(bad);
  CAF_CHECK_EQUAL(good->size(), 3u);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    auto text = keys[i].token(R"({"sub":"ann","exp":2000})", "k" + std::to_string(i));
    auto token = parse_jwt(text);
    CAF_REQUIRE(token);
    CAF_CHECK_EQUAL(code_of(verify_jwt(*token, *good)), "none");
    CAF_CHECK_EQUAL(code_of(verify_jwt(*token, *bad)), "invalid_token");
    // Without `kid` the only key of the kind is meant.
    auto anonymous = parse_jwt(keys[i].token(R"({"sub":"ann","exp":2000})", ""));
    CAF_CHECK_EQUAL(code_of(verify_jwt(*anonymous, *good)), "none");
    auto stranger = parse_jwt(keys[i].token(R"({"sub":"ann","exp":2000})", "k9"));
    CAF_CHECK_EQUAL(code_of(verify_jwt(*stranger, *good)), "invalid_token");
    // The id of a key of another kind.
    auto crossed = parse_jwt(
      keys[i].token(R"({"sub":"ann","exp":2000})", "k" + std::to_string((i + 1) % 3)));
    CAF_CHECK_EQUAL(code_of(verify_jwt(*crossed, *good)), "invalid_token");
    auto flipped = *token;
    for (std::size_t at = 0; at < flipped.signature.size(); at += 7) {
      flipped.signature[at] = static_cast<char>(flipped.signature[at] ^ 1);
      CAF_CHECK(!verify_jwt(flipped, *good));
      flipped.signature[at] = static_cast<char>(flipped.signature[at] ^ 1);
    }
  }
}

CAF_TEST(a public key never serves as a secret nor a secret as a public key) {
  auto key = signing_key::rsa();
  auto set = jwk_set::parse(R"({"keys":[)" + key.jwk("k") + "]}");
  CAF_REQUIRE(set);
  // The classic confusion: HS256 "signed" with the text of the public key.
  auto header = to_base64url(R"({"alg":"HS256","kid":"k"})") + '.'
                + to_base64url(R"({"sub":"ann","exp":2000})");
  auto confused = parse_jwt(
    header + '.' + to_base64url(bytes_of(hmac_sha256_key{key.jwk("k")}.digest({header}))));
  CAF_REQUIRE(confused);
  CAF_CHECK_EQUAL(code_of(verify_jwt(*confused, *set)), "invalid_token");
  auto token = parse_jwt(key.token(R"({"sub":"ann","exp":2000})", "k"));
  CAF_CHECK_EQUAL(code_of(verify_jwt(*token, hmac_sha256_key{secret})), "invalid_token");
}

CAF_TEST(tokens without a good header are refused) {
  std::string claims = R"({"exp":2000})";
  for (const auto* header :
       {R"({"alg":"none"})", R"({"alg":"None"})", R"({"alg":""})", R"({})", R"({"alg":1})",
        R"({"alg":"HS512"})", R"({"alg":"hs256"})", R"({"alg":"HS256","crit":["exp"]})",
        R"({"alg":"HS256","kid":7})", R"([])", "{", ""})
    CAF_CHECK_EQUAL(code_of(parse_jwt(hs256(header, claims))), "invalid_token");
  for (const auto* text : {"", ".", "..", "...", "a.b", "a.b.c.d", "e30.e30.e30", "=.=.="})
    CAF_CHECK_EQUAL(code_of(parse_jwt(text)), "invalid_token");
  auto none = to_base64url(R"({"alg":"none"})") + '.' + to_base64url(claims) + '.';
  CAF_CHECK_EQUAL(code_of(parse_jwt(none)), "invalid_token");
  CAF_CHECK_EQUAL(code_of(parse_jwt(std::string(jwt_bytes_max + 1, 'a'))), "invalid_token");
}

CAF_TEST(claims of wrong types are refused) {
  for (const auto* claims :
       {"", "[]", "{", R"({})", R"({"exp":"2000"})", R"({"exp":null})", R"({"exp":-1})",
        R"({"exp":1e300})", R"({"exp":99999999999999})", R"({"exp":2000,"sub":1})",
        R"({"exp":2000,"role":[]})", R"({"exp":2000,"rooms":"all"})",
        R"({"exp":2000,"rooms":[1]})", R"({"exp":2000,"aud":1})", R"({"exp":2000,"nbf":"x"})",
        R"({"exp":2000,"iat":{}})", "{\"exp\":2000,\"sub\":\"\xff\"}"})
    CAF_CHECK_EQUAL(code_of(read_claims(claims)), "invalid_token");
  auto claims = read_claims(R"({"exp":2000.5,"sub":null,"aud":"x"})");
  CAF_REQUIRE(claims);
  CAF_CHECK(claims->expires == timestamp{std::chrono::milliseconds{2000500}});
  CAF_CHECK_EQUAL(claims->audience.at(0), "x");
}

CAF_TEST(a token is good from nbf to exp with the leeway and for its issuer and audience only) {
  auto claims = ann();
  claims.not_before = at_second(1200);
  claims.issuer = "me";
  claims.audience = {"app", "other"};
  jwt_expectations expected;
  auto code = [&](std::int64_t second) {
    return code_of(check_claims(claims, expected, at_second(second)));
  };
  CAF_CHECK_EQUAL(code(1139), "invalid_token");
  CAF_CHECK_EQUAL(code(1140), "none");
  CAF_CHECK_EQUAL(code(2059), "none");
  CAF_CHECK_EQUAL(code(2060), "token_expired");
  claims.not_before.reset();
  claims.issued_at = at_second(1500);
  CAF_CHECK_EQUAL(code(1400), "invalid_token");
  CAF_CHECK_EQUAL(code(1440), "none");
  expected.issuers = {"you", "me"};
  expected.audience = "app";
  CAF_CHECK_EQUAL(code(1500), "none");
  expected.audience = "apps";
  CAF_CHECK_EQUAL(code(1500), "invalid_token");
  expected.audience = "app";
  expected.issuers = {"you"};
  CAF_CHECK_EQUAL(code(1500), "invalid_token");
}

CAF_TEST(garbage never gets through parsing and never breaks it) {
  std::mt19937_64 random{20261121};
  auto seed_token = mint_hs256(hmac_sha256_key{secret}, ann());
  auto header = to_base64url(R"({"alg":"HS256"})");
  for (int i = 0; i < 20'000; ++i) {
    auto text = seed_token;
    auto changes = 1 + random() % 4;
    for (std::size_t n = 0; n < changes; ++n) {
      auto at = random() % text.size();
      switch (random() % 3) {
        case 0: text[at] = static_cast<char>(random()); break;
        case 1: text.erase(at, 1 + random() % 8); break;
        default: text.insert(at, 1, static_cast<char>(random())); break;
      }
      if (text.empty())
        text = ".";
    }
    if (auto token = parse_jwt(text))
      CAF_REQUIRE(text == seed_token || !verify_jwt(*token, hmac_sha256_key{secret}));
    std::string claims = R"({"sub":"ann","exp":2000,"rooms":["a"],"aud":["x"]})";
    claims[random() % claims.size()] = static_cast<char>(random());
    static_cast<void>(read_claims(claims));
  }
}
