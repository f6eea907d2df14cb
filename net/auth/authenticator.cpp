#include "net/auth/authenticator.hpp"

#include <utility>

namespace lapwing {
namespace {

error invalid(const char* why) {
  return {errc::invalid_token, why};
}

key_kind kind_of(jwt_algorithm algorithm) {
  switch (algorithm) {
    case jwt_algorithm::es256: return key_kind::p256;
    case jwt_algorithm::eddsa: return key_kind::ed25519;
    case jwt_algorithm::hs256:
    case jwt_algorithm::rs256: break;
  }
  return key_kind::rsa;
}

} // namespace

authenticator::authenticator(const auth_config& config, jwk_set file_keys,
                             std::shared_ptr<remote_jwks> remote)
  : development_(config.mode == "dev"),
    file_keys_(std::make_shared<const jwk_set>(std::move(file_keys))),
    remote_(std::move(remote)) {
  if (!config.jwt_secret.empty())
    secret_.emplace(config.jwt_secret);
  if (!config.issuer.empty())
    expected_.issuers.push_back(config.issuer);
  expected_.audience = config.audience;
  expected_.leeway = config.leeway;
}

std::optional<result<principal>> authenticator::authenticate_now(std::string_view token,
                                                                 timestamp now) const {
  using answer = result<principal>;
  if (token.empty())
    return answer{error{errc::missing_token, "a token is needed"}};
  if (!secret_ && file_keys_->empty() && !remote_)
    return answer{error{errc::not_configured, "no key for tokens is configured"}};
  auto parsed = parse_jwt(token);
  if (!parsed)
    return answer{parsed.error()};
  if (parsed->algorithm == jwt_algorithm::hs256) {
    if (!secret_)
      return answer{invalid("the algorithm of the token is not accepted")};
    if (auto held = verify_jwt(*parsed, *secret_); !held)
      return answer{held.error()};
    return read_principal(*parsed, now);
  }
  if (file_keys_->find(parsed->key_id, kind_of(parsed->algorithm)) || !remote_)
    return admit(*parsed, *file_keys_, now);
  auto keys = remote_->find_now(parsed->key_id, now);
  if (!keys)
    return std::nullopt;
  if (!*keys)
    return answer{keys->error()};
  return admit(*parsed, ***keys, now);
}

void authenticator::authenticate(std::string_view token, timestamp now, callback done) const {
  if (auto answer = authenticate_now(token, now))
    return done(std::move(*answer));
  auto parsed = parse_jwt(token);
  auto key_id = parsed->key_id;
  // We may be replaced by a reload while the keys are fetched, hence the copy.
  remote_->find(key_id, now,
                [self = *this, parts = std::move(*parsed), now,
                 done = std::move(done)](result<remote_jwks::keys_ptr> keys) {
                  if (!keys)
                    return done(keys.error());
                  done(self.admit(parts, **keys, now));
                });
}

result<principal> authenticator::admit(const unverified_jwt& token, const jwk_set& keys,
                                       timestamp now) const {
  if (auto held = verify_jwt(token, keys); !held)
    return held.error();
  return read_principal(token, now);
}

result<principal> authenticator::read_principal(const unverified_jwt& token, timestamp now) const {
  auto claims = read_claims(token.claims_json);
  if (!claims)
    return claims.error();
  if (auto held = check_claims(*claims, expected_, now); !held)
    return held.error();
  principal who;
  who.role = principal_role_of(claims->role);
  // A user without a name is nobody; the other roles need none.
  bool named = !claims->subject.empty();
  if (named ? !valid_user_id(claims->subject) : who.role == principal_role::authenticated)
    return invalid("the sub of the token is no user id");
  who.user = user_id{std::move(claims->subject)};
  who.rooms = std::move(claims->rooms);
  who.expires = claims->expires;
  who.development = development_;
  return who;
}

std::string_view bearer_token(std::string_view authorization) noexcept {
  constexpr std::string_view scheme = "bearer ";
  if (authorization.size() <= scheme.size())
    return {};
  for (std::size_t i = 0; i < scheme.size(); ++i) {
    char c = authorization[i];
    if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c) != scheme[i])
      return {};
  }
  authorization.remove_prefix(scheme.size());
  while (authorization.starts_with(' '))
    authorization.remove_prefix(1);
  while (authorization.ends_with(' '))
    authorization.remove_suffix(1);
  return authorization;
}

} // namespace lapwing
