#include "net/http/realtime_auth.hpp"

#include "net/auth/jwt.hpp"
#include "net/http/shard.hpp"

namespace lapwing::net {
namespace {

using answer = realtime::socket_channels::token_answer;

/// A developer's identity never expires within a socket's life.
constexpr auto development_lifetime = std::chrono::hours{24 * 365};

answer developer(timestamp now) {
  auto who = std::make_shared<realtime::identity>();
  who->role = "authenticated";
  who->claims = R"({"role":"authenticated"})";
  who->expires = who->valid_until = now + development_lifetime;
  who->development = true;
  return realtime::identity_ptr{std::move(who)};
}

/// The signature and the times have been checked.
answer identity_of(const std::string& token, const principal& who,
                   std::chrono::milliseconds leeway) {
  auto parts = parse_jwt(token);
  auto claims = parts ? read_claims(parts->claims_json) : result<jwt_claims>{parts.error()};
  if (!claims || claims->role.empty())
    return realtime::token_problem::claims();
  auto made = std::make_shared<realtime::identity>();
  made->token = token;
  made->role = std::move(claims->role);
  made->user = std::move(claims->subject);
  made->claims = std::move(parts->claims_json);
  made->expires = claims->expires;
  made->valid_until = claims->expires + leeway;
  made->rooms = std::move(claims->rooms);
  made->development = who.development;
  return realtime::identity_ptr{std::move(made)};
}

answer refusal_of(const std::string& token, const error& why, timestamp now) {
  if (why.code == errc::upstream_unavailable || why.code == errc::not_configured)
    return realtime::token_problem::unavailable();
  auto parts = parse_jwt(token);
  if (!parts)
    return realtime::token_problem::malformed();
  auto claims = read_claims(parts->claims_json);
  if (!claims)
    return realtime::token_problem::claims();
  if (why.code == errc::token_expired)
    return realtime::token_problem::expired(
      std::chrono::floor<std::chrono::seconds>(now - claims->expires).count());
  return realtime::token_problem::signature();
}

answer answer_of(const std::string& token, const result<principal>& found,
                 std::chrono::milliseconds leeway, timestamp now) {
  return found ? identity_of(token, *found, leeway) : refusal_of(token, found.error(), now);
}

} // namespace

void check_realtime_token(shard& home, std::string token, std::function<void(answer)> done) {
  const auto& s = home.current();
  auto now = home.now();
  if (token.empty() && s.authentication->development())
    return done(developer(now));
  auto leeway = s.values.auth.leeway;
  if (auto found = s.authentication->authenticate_now(token, now))
    return done(answer_of(token, *found, leeway, now));
  s.authentication->authenticate(
    token, now, [&home, token, leeway, now, done = std::move(done)](result<principal> found) {
      home.post([token, leeway, now, done, found = std::move(found)] {
        done(answer_of(token, found, leeway, now));
      });
    });
}

} // namespace lapwing::net
