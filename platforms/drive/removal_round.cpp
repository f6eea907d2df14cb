#include "platforms/drive/removal_round.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "platforms/oauth/requests.hpp"

namespace lapwing {
namespace {

using namespace std::chrono_literals;

/// For all that is registered to be ended when a person disconnects and waits.
constexpr auto patience = 15s;

bool is_live_sibling(const std::vector<platform_id>& siblings, const connection& other) {
  return std::ranges::find(siblings, other.platform) != siblings.end()
         && (other.status == connection_status::connected
             || other.status == connection_status::degraded);
}

} // namespace

removal_round::removal_round(driven_connection& of, token_step& tokens,
                             std::function<void(result<bool>)> done)
    : of_(of), tokens_(tokens), done_(std::move(done)),
      registrations_(of, tokens,
                     {[](const registration_outcome&, bool) {},
                      [this] { guarded_post()([this] { revoke(); }); }}) {}

std::function<void(std::function<void()>)> removal_round::guarded_post() {
  return [post = of_.host.make_poster(),
          alive = std::weak_ptr<bool>{alive_}](std::function<void()> call) {
    post([alive, call = std::move(call)] {
      if (alive.lock())
        call();
    });
  };
}

void removal_round::start() { registrations_.start_removal(patience); }

/// The last platform of a client takes the whole authorization with it.
void removal_round::revoke() {
  if (of_.spec.oauth.siblings.empty())
    return send_revocation();
  // The answer comes on the store's thread, perhaps after the end of this.
  of_.ports.store->list(
    of_.key.user, [this, post = guarded_post(), siblings = of_.spec.oauth.siblings](
                    const result<std::vector<loaded_connection>>& all) {
      const bool others_live = all && std::ranges::any_of(*all, [&](const loaded_connection& one) {
                                 return is_live_sibling(siblings, one.at);
                               });
      post([this, others_live] { others_live ? forget() : send_revocation(); });
    });
}

void removal_round::send_revocation() {
  auto request = of_.known ? revocation_request(of_.spec, tokens_.keeper().tokens()) : std::nullopt;
  if (!request)
    return forget();
  // Whatever the platform says, the person's word counts: the tokens are forgotten.
  of_.ports.http->send(std::move(*request),
                       [this, post = guarded_post()](const result<http_response>&) {
                         post([this] { forget(); });
                       });
}

void removal_round::forget() {
  tokens_.gone();
  of_.ports.store->disconnect(of_.key, [this, post = guarded_post()](const result<bool>& done) {
    post([this, done] { done_(done); });
  });
}

} // namespace lapwing
