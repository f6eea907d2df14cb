// What the node says of itself.
#include <utility>
#include <vector>

#include "core/json_text.hpp"
#include "net/auth/authenticator.hpp"
#include "net/auth/hmac.hpp"
#include "net/http/handlers.hpp"
#include "net/http/node.hpp"
#include "net/http/start_page.hpp"
#include "realtime/service.hpp"

namespace lapwing::net {

void handle_health(const exchange_ptr& x) {
  auto counts = x->core().counts();
  const auto& values = x->home().current().values;
  std::string why;
  bool ready = x->core().ready(why);
  auto feature = [](bool on) { return on ? "true" : "false"; };
  std::string out = R"({"status":")";
  out += ready ? "ok" : "degraded";
  out += R"(","service":"lapwing","active_connections":)";
  append_number(out, counts.websocket_sessions);
  out += R"(,"active_rooms":)";
  append_number(out, counts.rooms);
  out += R"(,"websocket":{"active_connections":)";
  append_number(out, counts.websocket_sessions);
  out += R"(,"active_rooms":)";
  append_number(out, counts.rooms);
  out += R"(},"sse":{"active_connections":)";
  append_number(out, counts.sse_sessions);
  out += R"(},"features":{"websocket":true,"sse":true,"webhooks":true,"submission_webhooks":)";
  out += feature(!values.webhooks.supabase.current.empty());
  out += R"(,"email":)";
  out += feature(values.mail.complete());
  out += R"(,"web_push":)";
  out += feature(!values.push.vapid_private_key.empty());
  out += R"(,"tls":)";
  out += feature(x->home().current().tls != nullptr);
  out += "}}";
  x->answer_json(200, std::move(out));
}

void handle_sse_health(const exchange_ptr& x) {
  std::string out = R"({"status":"ok","service":"sse","connections":)";
  append_number(out, x->core().counts().sse_sessions);
  out += '}';
  x->answer_json(200, std::move(out));
}

void handle_sse_stats(const exchange_ptr& x) {
  with_service(x, [x] {
    auto counts = x->core().counts();
    std::string out = R"({"connections":)";
    append_number(out, counts.sse_sessions);
    out += R"(,"websocketConnections":)";
    append_number(out, counts.websocket_sessions);
    out += R"(,"users":)";
    append_number(out, counts.users);
    out += R"(,"rooms":)";
    append_number(out, counts.rooms);
    out += '}';
    x->answer_json(200, std::move(out));
  });
}

void handle_live(const exchange_ptr& x) {
  x->answer_json(200, R"({"status":"alive"})");
}

void handle_ready(const exchange_ptr& x) {
  std::string why;
  if (x->home().draining())
    why = "draining";
  else if (x->core().ready(why))
    return x->answer_json(200, R"({"status":"ready"})");
  std::string out = R"({"status":"not ready","reason":)";
  append_json_string(out, why);
  out += '}';
  x->answer_json(503, std::move(out));
}

void handle_metrics(const exchange_ptr& x) {
  const auto& expected = x->home().current().values.security.metrics_token;
  auto given = bearer_token(x->head().header(field::authorization));
  bool token_fits = !expected.empty() && equal_in_constant_time(given, expected);
  if (!x->peer().loopback() && !token_fits)
    return x->fail({given.empty() ? errc::missing_token : errc::invalid_token,
                    "loopback or the metrics token only"});
  auto& owner = x->owner();
  std::vector<const shard_metrics*> shards;
  for (auto& s : owner.shards)
    shards.push_back(&s->counts());
  std::string why;
  node_gauges gauges{owner.core.counts(), owner.connections.open(), owner.bodies.held(),
                     owner.core.ready(why)};
  if (auto* channels = owner.core.realtime_service())
    gauges.slot = channels->slot();
  x->answer({200, "text/plain; version=0.0.4; charset=utf-8",
             metrics_text(shards, owner.routes->names(), gauges), {}});
}

void handle_openapi(const exchange_ptr& x) {
  x->answer_json(200, x->owner().routes->openapi());
}

void handle_start_page(const exchange_ptr& x) {
  x->answer({200, "text/html; charset=utf-8", std::string{start_page},
             // The page's own script and style, and nothing from elsewhere.
             "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; "
             "script-src 'unsafe-inline'; connect-src 'self'; img-src data:; base-uri 'none'; "
             "form-action 'none'; frame-ancestors 'none'\r\nReferrer-Policy: no-referrer\r\n"});
}

} // namespace lapwing::net
