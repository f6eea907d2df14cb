#include "net/http/handlers.hpp"

#include "net/http/settings.hpp"
#include "net/http/shard.hpp"

namespace lapwing::net {

void with_principal(const exchange_ptr& x, std::function<void(principal)> then) {
  x->identify([x, then = std::move(then)](principal who) {
    bool counted = who.role != principal_role::service_role && who.role != principal_role::admin;
    if (counted && x->home().current().values.limits.api_requests != 0) {
      auto key = who.user.empty() ? "a:" + x->peer().address() : "u:" + who.user.str();
      auto decision = x->home().current().api_limiter->take(key, shard::clock::now());
      if (!decision.allowed)
        return x->fail({errc::rate_limited, "too many API requests"}, decision.retry_after);
    }
    then(std::move(who));
  });
}

void with_user(const exchange_ptr& x, std::function<void(user_id)> then) {
  with_principal(x, [x, then = std::move(then)](principal who) {
    auto named = x->head().parameter("userId").value_or(std::string{});
    if (!named.empty() && !valid_user_id(named))
      return x->fail({errc::bad_request, "userId is not a user id"});
    auto user = named.empty() ? who.user : user_id{std::move(named)};
    if (user.empty())
      return x->fail({errc::bad_request, "userId is missing"});
    if (!may_act_for(who, user))
      return x->fail({errc::forbidden, "this is somebody else's"});
    then(std::move(user));
  });
}

void with_service(const exchange_ptr& x, std::function<void()> then) {
  with_principal(x, [x, then = std::move(then)](const principal& who) {
    if (!may_serve(who))
      return x->fail({errc::forbidden, "the role service_role is needed"});
    then();
  });
}

} // namespace lapwing::net
