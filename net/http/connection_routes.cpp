// Routes about users' connections to platforms, and those that external schedulers call.
#include <algorithm>
#include <charconv>
#include <string>
#include <utility>

#include "core/json_text.hpp"
#include "net/auth/encoding.hpp"
#include "net/auth/hmac.hpp"
#include "net/http/handlers.hpp"
#include "net/http/node.hpp"

namespace lapwing::net {
namespace {

constexpr std::size_t items_default = 100;
constexpr std::size_t items_max = 1000;
constexpr std::size_t query_value_max = 4096;
/// Holds the state of the authorization that this browser began (RFC 9700 4.7).
constexpr std::string_view state_cookie = "lapwing_oauth";

connection_service* service_of(const exchange_ptr& x) {
  auto* service = x->core().connections();
  if (service == nullptr)
    x->fail({errc::not_configured, "this node connects no platforms"});
  return service;
}

std::optional<platform_id> platform_of(const exchange_ptr& x) {
  auto name = x->parameter(0);
  if (!valid_event_type(name)) {
    x->fail({errc::not_found, "there is no such platform"});
    return std::nullopt;
  }
  return platform_id{std::move(name)};
}

/// A place of ours, or of an origin that browsers may call us from: anything else would make this
/// route send people wherever a link says.
bool is_fit_to_return_to(const exchange_ptr& x, std::string_view where) {
  auto plain = std::all_of(where.begin(), where.end(), [](char c) { return c > ' ' && c < 127; });
  if (!plain || where.size() > 1024 || where.find('\\') != std::string_view::npos)
    return false;
  if (where.starts_with('/'))
    return !where.starts_with("//");
  const auto& origins = x->home().current().values.http.cors_origins;
  return std::any_of(origins.begin(), origins.end(), [&](const std::string& origin) {
    return where == origin || where.starts_with(origin + '/');
  });
}

std::string cookie_line(const exchange_ptr& x, std::string_view value, std::string_view age) {
  std::string out = "Set-Cookie: " + std::string{state_cookie} + '=';
  out += value;
  out += "; Path=/api/oauth; HttpOnly; SameSite=Lax; Max-Age=";
  out += age;
  // A browser drops Secure cookies of plain http, which only loopback serves without a proxy.
  if (x->home().current().values.node.public_url.starts_with("https://"))
    out += "; Secure";
  return out + "\r\n";
}

std::string cookie_value(std::string_view header) {
  while (!header.empty()) {
    auto end = header.find(';');
    auto one = header.substr(0, end);
    header = end == std::string_view::npos ? std::string_view{} : header.substr(end + 1);
    one.remove_prefix(std::min(one.find_first_not_of(' '), one.size()));
    if (one.starts_with(state_cookie) && one.substr(state_cookie.size()).starts_with('='))
      return std::string{one.substr(state_cookie.size() + 1)};
  }
  return {};
}

void redirect(const exchange_ptr& x, const std::string& where, std::string headers = {}) {
  headers += "Location: " + where + "\r\nCache-Control: no-store\r\nReferrer-Policy: no-referrer\r\n";
  x->answer({302, {}, {}, std::move(headers)});
}

std::string with_query(std::string where, std::string_view name, std::string_view value) {
  where += where.find('?') == std::string::npos ? '?' : '&';
  where.append(name).append("=").append(value); // Names of platforms and error codes: plain.
  return where;
}

std::string bounded_parameter(const exchange_ptr& x, std::string_view name) {
  auto value = x->head().parameter(name).value_or(std::string{});
  return value.size() <= query_value_max ? value : std::string{};
}

void answer_document(const exchange_ptr& x, unsigned status, result<std::string> document) {
  if (!document)
    return x->fail_inside(document.error());
  x->answer_json(status, std::move(*document));
}

void answer_synced(const exchange_ptr& x, const result<std::size_t>& told) {
  if (!told)
    return x->fail_inside(told.error());
  std::string out = R"({"started":)";
  append_number(out, static_cast<std::uint64_t>(*told));
  x->answer_json(202, out + '}');
}

} // namespace

void handle_authorize(const exchange_ptr& x) {
  with_user(x, [x](user_id user) {
    auto* service = service_of(x);
    auto platform = service ? platform_of(x) : std::nullopt;
    if (!platform)
      return;
    auto back = bounded_parameter(x, "redirect");
    if (!back.empty() && !is_fit_to_return_to(x, back))
      return x->fail({errc::bad_request, "redirect must be a path here or a page of an allowed origin"});
    bool as_json = x->head().header(field::accept).find("application/json") != std::string_view::npos;
    service->authorize(std::move(user), *platform, std::move(back),
                       [x, as_json](result<authorization_start> start) {
      if (!start)
        return x->fail_inside(start.error());
      auto cookie = cookie_line(x, start->state, "600");
      if (!as_json)
        return redirect(x, start->url, std::move(cookie));
      std::string out = R"({"url":)";
      append_json_string(out, start->url);
      x->answer({200, "application/json", out + '}', cookie + "Cache-Control: no-store\r\n"});
    });
  });
}

void handle_oauth_callback(const exchange_ptr& x) {
  auto* service = service_of(x);
  auto platform = service ? platform_of(x) : std::nullopt;
  if (!platform)
    return;
  authorization_answer answer{*platform, bounded_parameter(x, "state"),
                              bounded_parameter(x, "code"), bounded_parameter(x, "error")};
  auto begun_here = cookie_value(x->head().header(field::cookie));
  if (answer.state.empty() || !equal_in_constant_time(begun_here, answer.state))
    return x->fail({errc::bad_request, "this browser did not begin this authorization; start again"});
  service->authorized(std::move(answer), [x, name = platform->str()](
                                           result<authorization_result> done) {
    const auto& page = x->home().current().values.node.connected_page;
    auto forget = cookie_line(x, "", "0");
    if (!done) {
      if (done.error().code == errc::store_unavailable)
        return x->fail_inside(done.error());
      return redirect(x, with_query(with_query(page, "connect_error", to_string(done.error().code)),
                                    "platform", name), std::move(forget));
    }
    redirect(x, with_query(done->redirect_to.empty() ? page : done->redirect_to, "connected", name),
             std::move(forget));
  });
}

void handle_connections(const exchange_ptr& x) {
  with_user(x, [x](user_id user) {
    if (auto* service = service_of(x))
      service->list(std::move(user), [x](result<std::string> document) {
        answer_document(x, 200, std::move(document));
      });
  });
}

void handle_disconnect(const exchange_ptr& x) {
  with_user(x, [x](user_id user) {
    auto* service = service_of(x);
    auto platform = service ? platform_of(x) : std::nullopt;
    if (!platform)
      return;
    service->disconnect(std::move(user), *platform, [x](result<bool> done) {
      if (!done)
        return x->fail_inside(done.error());
      if (!*done)
        return x->fail({errc::not_found, "there is no such connection"});
      x->answer({204, {}, {}, {}});
    });
  });
}

void handle_sync(const exchange_ptr& x) {
  with_user(x, [x](user_id user) {
    auto* service = service_of(x);
    auto platform = service ? platform_of(x) : std::nullopt;
    if (!platform)
      return;
    service->sync(std::move(user), *platform, [x](result<std::size_t> told) {
      if (told && *told == 0)
        return x->fail({errc::not_found, "there is no such connection"});
      answer_synced(x, told);
    });
  });
}

void handle_sync_all(const exchange_ptr& x) {
  with_user(x, [x](user_id user) {
    if (auto* service = service_of(x))
      service->sync(std::move(user), std::nullopt,
                    [x](const result<std::size_t>& told) { answer_synced(x, told); });
  });
}

void handle_data(const exchange_ptr& x) {
  with_user(x, [x](user_id user) {
    auto* service = service_of(x);
    auto platform = service ? platform_of(x) : std::nullopt;
    if (!platform)
      return;
    item_query query{std::move(user), *platform, bounded_parameter(x, "type"),
                     bounded_parameter(x, "after"), items_default};
    if (auto text = x->head().parameter("limit")) {
      auto end = text->data() + text->size();
      auto read = std::from_chars(text->data(), end, query.limit);
      if (read.ec != std::errc{} || read.ptr != end || query.limit < 1 || query.limit > items_max)
        return x->fail({errc::bad_request, "limit is a number from 1 to 1000"});
    }
    service->items(std::move(query), [x](result<std::string> document) {
      answer_document(x, 200, std::move(document));
    });
  });
}

void handle_cron(const exchange_ptr& x) {
  const auto& expected = x->home().current().values.cron.secret;
  if (expected.empty())
    return x->fail({errc::not_configured, "cron.secret is not set"});
  auto given = bearer_token(x->head().header(field::authorization));
  if (!equal_in_constant_time(given, expected))
    return x->fail({given.empty() ? errc::missing_token : errc::invalid_token,
                    "the cron secret is needed as a bearer token"});
  if (auto* service = service_of(x))
    service->run_job(x->parameter(0), [x](result<std::string> document) {
      answer_document(x, 200, std::move(document));
    });
}

} // namespace lapwing::net
