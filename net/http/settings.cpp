#include "net/http/settings.hpp"

#include <algorithm>

#include "net/auth/random.hpp"

namespace lapwing::net {

result<settings_ptr> prepare_settings(const config& values, const settings* before,
                                      const fetch_function& fetch) {
  auto made = std::make_shared<settings>();
  made->values = values;

  // Keys that were fetched stay while their address does.
  if (!values.auth.jwks_url.empty())
    made->user_keys = before && before->user_keys
                          && before->values.auth.jwks_url == values.auth.jwks_url
                        ? before->user_keys
                        : std::make_shared<remote_jwks>(values.auth.jwks_url, fetch);
  const auto& google_url = values.webhooks.gmail.jwks_url;
  if (!google_url.empty() && !values.webhooks.gmail.service_account.empty())
    made->google_keys = before && before->google_keys
                            && before->values.webhooks.gmail.jwks_url == google_url
                          ? before->google_keys
                          : std::make_shared<remote_jwks>(google_url, fetch);

  jwk_set file_keys;
  if (!values.auth.jwks_file.empty()) {
    auto read = read_jwk_set_file(values.auth.jwks_file);
    if (!read)
      return read.error();
    file_keys = std::move(*read);
  }
  made->authentication
    = std::make_shared<authenticator>(values.auth, std::move(file_keys), made->user_keys);
  made->gate = std::make_shared<webhook_gate>(
    values.webhooks, values.node.public_url + "/api/webhooks/gmail", made->google_keys);

  if (!values.tls.certificate.empty()) {
    auto loaded = load_tls_context(values.tls.certificate, values.tls.key);
    if (!loaded)
      return loaded.error();
    made->tls = std::move(*loaded);
  }

  made->origins = values.http.cors_origins;
  if (values.dev())
    made->origins.insert(made->origins.end(), {"http://localhost:8086", "http://localhost:5173"});

  const auto* old = before ? &before->values : nullptr;
  bool same_tickets = old && old->auth.jwt_secret == values.auth.jwt_secret
                      && old->auth.ticket_ttl == values.auth.ticket_ttl;
  made->ticket_office = same_tickets
                          ? before->ticket_office
                          : std::make_shared<tickets>(values.auth.jwt_secret,
                                                      values.auth.ticket_ttl, secure_random_bytes);
  const auto& limits = values.limits;
  bool same_window = old && old->limits.rate_window == limits.rate_window;
  made->api_limiter = same_window && old->limits.api_requests == limits.api_requests
                        ? before->api_limiter
                        : std::make_shared<rate_limiter>(limits.api_requests, limits.rate_window);
  made->webhook_limiter
    = same_window && old->limits.webhook_requests == limits.webhook_requests
        ? before->webhook_limiter
        : std::make_shared<rate_limiter>(limits.webhook_requests, limits.rate_window);
  auto broadcasts = values.realtime.messages_per_second;
  made->realtime_limiter
    = old && old->realtime.messages_per_second == broadcasts
        ? before->realtime_limiter
        : std::make_shared<rate_limiter>(broadcasts, std::chrono::seconds{1});
  return settings_ptr{std::move(made)};
}

bool origin_allowed(const settings& s, std::string_view origin, std::string_view host) {
  if (std::find(s.origins.begin(), s.origins.end(), origin) != s.origins.end())
    return true;
  auto scheme_end = origin.find("://");
  return scheme_end != std::string_view::npos && !host.empty()
         && origin.substr(scheme_end + 3) == host;
}

} // namespace lapwing::net
