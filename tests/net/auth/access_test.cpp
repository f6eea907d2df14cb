#define CAF_SUITE auth_access
#include "tests/support/caf_test.hpp"

#include <memory>
#include <string>

#include "net/auth/authenticator.hpp"
#include "tests/net/auth/helpers.hpp"
#include "tests/net/auth/signing_key.hpp"

using namespace lapwing;
using namespace lapwing::testing;

namespace {

const std::string secret = "super-secret-jwt-token-with-at-least-32-characters-long";

principal named(const char* user, principal_role role) {
  principal who;
  who.user = user_id{user};
  who.role = role;
  return who;
}

auth_config config() {
  auth_config c;
  c.jwt_secret = secret;
  return c;
}

std::string minted(const std::string& subject, const std::string& role) {
  jwt_claims claims;
  claims.subject = subject;
  claims.role = role;
  claims.rooms = {"lobby"};
  claims.expires = at_second(2000);
  return mint_hs256(hmac_sha256_key{secret}, claims);
}

std::string code_now(const authenticator& gate, std::string_view token, std::int64_t second) {
  auto answer = gate.authenticate_now(token, at_second(second));
  return answer ? code_of(*answer) : "later";
}

} // namespace

CAF_TEST(a user reaches only what is theirs) {
  auto ann = named("ann", principal_role::authenticated);
  CAF_CHECK(may_act_for(ann, user_id{"ann"}));
  CAF_CHECK(!may_act_for(ann, user_id{"bob"}));
  CAF_CHECK(!may_act_for(ann, user_id{""}));
  CAF_CHECK(!may_serve(ann));
  CAF_CHECK(!may_administer(ann));
  CAF_CHECK(may_join(ann, room_id{"artist:ann"}));
  CAF_CHECK(!may_join(ann, room_id{"artist:bob"}));
  CAF_CHECK(!may_join(ann, room_id{"artist:"}));
  CAF_CHECK(!may_join(ann, room_id{"artist:anna"}));
  CAF_CHECK(!may_join(ann, room_id{"admin"}));
}

CAF_TEST(the rooms claim opens exactly the rooms it names) {
  auto ann = named("ann", principal_role::authenticated);
  ann.rooms = {"lobby", "team:*", "x"};
  CAF_CHECK(may_join(ann, room_id{"lobby"}));
  CAF_CHECK(!may_join(ann, room_id{"lobby2"}));
  CAF_CHECK(may_join(ann, room_id{"team:"}));
  CAF_CHECK(may_join(ann, room_id{"team:red:1"}));
  CAF_CHECK(!may_join(ann, room_id{"team"}));
  CAF_CHECK(!may_join(ann, room_id{"other"}));
  CAF_CHECK(!may_join(ann, room_id{"team:*"})); // No name of a room.
  CAF_CHECK(!may_join(ann, room_id{""}));
  ann.rooms = {"*"};
  CAF_CHECK(may_join(ann, room_id{"admin"}));
  ann.role = principal_role::anonymous;
  CAF_CHECK(!may_join(ann, room_id{"lobby"}));
}

CAF_TEST(service and admin have their own rights and no more) {
  auto service = named("", principal_role::service_role);
  CAF_CHECK(may_act_for(service, user_id{"bob"}));
  CAF_CHECK(may_serve(service));
  CAF_CHECK(may_join(service, room_id{"admin"}));
  CAF_CHECK(!may_administer(service));
  auto admin = named("root", principal_role::admin);
  CAF_CHECK(may_administer(admin));
  CAF_CHECK(may_join(admin, room_id{"admin"}));
  CAF_CHECK(!may_join(admin, room_id{"artist:ann"}));
  CAF_CHECK(!may_act_for(admin, user_id{"ann"}));
  CAF_CHECK(!may_serve(admin));
  auto nobody = named("ann", principal_role::anonymous);
  CAF_CHECK(!may_act_for(nobody, user_id{"ann"}));
  CAF_CHECK(!may_join(nobody, room_id{"artist:ann"}));
}

CAF_TEST(in development identity everybody may do everything) {
  auto ann = development_principal(user_id{"ann"});
  CAF_CHECK(may_act_for(ann, user_id{"bob"}));
  CAF_CHECK(may_serve(ann));
  CAF_CHECK(may_administer(ann));
  CAF_CHECK(may_join(ann, room_id{"admin"}));
  CAF_CHECK(!may_join(ann, room_id{"no room"}));
}

CAF_TEST(a token makes a principal with its role and rooms and end) {
  authenticator gate{config(), {}, nullptr};
  auto who = gate.authenticate_now(minted("ann", ""), at_second(1000));
  CAF_REQUIRE(who && *who);
  CAF_CHECK_EQUAL((*who)->user.str(), "ann");
  CAF_CHECK((*who)->role == principal_role::authenticated);
  CAF_CHECK((*who)->expires == at_second(2000));
  CAF_CHECK_EQUAL((*who)->rooms.at(0), "lobby");
  CAF_CHECK(!(*who)->development);
  CAF_CHECK((**gate.authenticate_now(minted("", "service_role"), at_second(1))).role
            == principal_role::service_role);
  CAF_CHECK((**gate.authenticate_now(minted("", "anon"), at_second(1))).role
            == principal_role::anonymous);
}

CAF_TEST(tokens that are absent or forged or late are told apart) {
  authenticator gate{config(), {}, nullptr};
  CAF_CHECK_EQUAL(code_now(gate, "", 1000), "missing_token");
  CAF_CHECK_EQUAL(code_now(gate, "x", 1000), "invalid_token");
  CAF_CHECK_EQUAL(code_now(gate, minted("ann", "") + "x", 1000), "invalid_token");
  CAF_CHECK_EQUAL(code_now(gate, minted("ann", ""), 2060), "token_expired");
  CAF_CHECK_EQUAL(code_now(gate, minted("", ""), 1000), "invalid_token");
  CAF_CHECK_EQUAL(code_now(gate, minted("a/b", ""), 1000), "invalid_token");
  CAF_CHECK_EQUAL(code_now(gate, minted("a b", "service_role"), 1000), "invalid_token");
  authenticator empty{auth_config{}, {}, nullptr};
  CAF_CHECK_EQUAL(code_now(empty, minted("ann", ""), 1000), "not_configured");
}

CAF_TEST(an algorithm that is not configured is refused whoever signed) {
  auto key = signing_key::rsa();
  auto set = jwk_set::parse(R"({"keys":[)" + key.jwk("k") + "]}");
  CAF_REQUIRE(set);
  auto token = key.token(R"({"sub":"ann","exp":2000})", "k");
  authenticator symmetric{config(), {}, nullptr};
  CAF_CHECK_EQUAL(code_now(symmetric, token, 1000), "invalid_token");
  authenticator asymmetric{auth_config{}, *set, nullptr};
  CAF_CHECK_EQUAL(code_now(asymmetric, token, 1000), "none");
  CAF_CHECK_EQUAL(code_now(asymmetric, minted("ann", ""), 1000), "invalid_token");
  authenticator both{config(), *set, nullptr};
  CAF_CHECK_EQUAL(code_now(both, token, 1000), "none");
  CAF_CHECK_EQUAL(code_now(both, minted("ann", ""), 1000), "none");
}

CAF_TEST(issuer and audience are checked when configured) {
  auto c = config();
  c.issuer = "https://id.example";
  authenticator gate{c, {}, nullptr};
  CAF_CHECK_EQUAL(code_now(gate, minted("ann", ""), 1000), "invalid_token");
  jwt_claims claims;
  claims.subject = "ann";
  claims.issuer = "https://id.example";
  claims.audience = {"app"};
  claims.expires = at_second(2000);
  auto token = mint_hs256(hmac_sha256_key{secret}, claims);
  CAF_CHECK_EQUAL(code_now(gate, token, 1000), "none");
  c.audience = "other";
  CAF_CHECK_EQUAL(code_now(authenticator{c, {}, nullptr}, token, 1000), "invalid_token");
  c.audience = "app";
  CAF_CHECK_EQUAL(code_now(authenticator{c, {}, nullptr}, token, 1000), "none");
}

CAF_TEST(remote keys are fetched when a token needs them) {
  auto key = signing_key::p256();
  std::function<void(result<fetched_text>)> asked;
  auto remote = std::make_shared<remote_jwks>(
    "https://keys.example", [&](std::string, auto done) { asked = std::move(done); });
  std::string told = "?";
  {
    authenticator gate{config(), {}, remote};
    auto token = key.token(R"({"sub":"ann","exp":2000})", "k");
    CAF_CHECK_EQUAL(code_now(gate, token, 1000), "later");
    CAF_CHECK_EQUAL(code_now(gate, minted("ann", ""), 1000), "none");
    gate.authenticate(token, at_second(1000), [&](result<principal> who) { told = code_of(who); });
  }
  // The authenticator may be gone by a reload when the keys come.
  CAF_REQUIRE(asked);
  CAF_CHECK_EQUAL(told, "?");
  asked(fetched_text{R"({"keys":[)" + key.jwk("k") + "]}", {}});
  CAF_CHECK_EQUAL(told, "none");
  authenticator gate{config(), {}, remote};
  CAF_CHECK_EQUAL(code_now(gate, key.token(R"({"sub":"ann","exp":2000})", "k"), 1000), "none");
}

CAF_TEST(a bearer token is taken from the header in any case of the scheme) {
  CAF_CHECK_EQUAL(std::string{bearer_token("Bearer abc")}, "abc");
  CAF_CHECK_EQUAL(std::string{bearer_token("bEARER  abc ")}, "abc");
  CAF_CHECK_EQUAL(std::string{bearer_token("Basic abc")}, "");
  CAF_CHECK_EQUAL(std::string{bearer_token("Bearer")}, "");
  CAF_CHECK_EQUAL(std::string{bearer_token("")}, "");
}
