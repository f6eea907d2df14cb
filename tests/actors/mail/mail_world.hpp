// A mail carrier over an outbox in memory and a Mailgun that answers as the test says.
//
// A CAF test file includes this after its CAF_SUITE line and tests/support/caf_test.hpp.
#pragma once

#include <algorithm>
#include <chrono>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "actors/mail/mail_carrier.hpp"
#include "core/chance.hpp"
#include "tests/support/actor_fixture.hpp"
#include "tests/support/memory_outbox.hpp"

namespace lapwing::test {

using namespace std::chrono_literals;

/// Other people's servers.
struct scripted_web final : http_client {
  struct exchange {
    http_request request;
    callback done;
  };
  std::vector<http_request> seen;
  std::deque<exchange> held;
  std::function<std::optional<result<http_response>>(const http_request&)> answer
    = [](const http_request&) { return http_response{200, {}, "{}"}; };

  void send(http_request request, callback done) override {
    seen.push_back(request);
    if (auto now = answer(request))
      return done(std::move(*now));
    held.push_back({std::move(request), std::move(done)});
  }
};

struct mail_world : actor_fixture<> {
  memory_outbox outbox;
  scripted_web web;
  mail_counts counts;
  mail_context context;
  mail_settings settings;
  mail_carrier_actor carrier;
  std::vector<std::pair<mail_news, std::string>> news;
  std::string asked;

  mail_world() {
    context.store = &outbox;
    context.http = &web;
    context.clock = &clock;
    context.chance = [this] { return unit_chance(std::uint64_t{random()} << 33); };
    context.counts = &counts;
    context.tell = [this](mail_news what, std::uint64_t, const std::string& cause) {
      news.emplace_back(what, cause);
    };
    settings.api_key = "key-1";
    settings.domain = "mg.example.com";
    settings.base_url = "https://api.mailgun.net";
  }
  ~mail_world() { carrier = nullptr; }

  void start() {
    carrier = spawn_mail_carrier(sys, context);
    configure();
  }
  void configure() {
    caf::anon_send(carrier, mail_configured{settings});
    settle();
  }
  void crash() {
    caf::anon_send_exit(carrier, caf::exit_reason::kill);
    carrier = nullptr;
    settle();
    web.held.clear(); // Nobody is there to hear.
  }
  void store(const std::string& key, const mail& what = {"ann@example.com", "", "S", "T"}) {
    outbox.put({std::string{mail_kind}, key, user_id{"ann"}, mail_json(what), clock.time});
    if (carrier)
      caf::anon_send(carrier, mail_stored{});
    settle();
  }
  std::size_t heard(mail_news what) const {
    return static_cast<std::size_t>(
      std::ranges::count_if(news, [&](const auto& one) { return one.first == what; }));
  }
  nlohmann::json ask(const std::string& path, const std::string& argument = {}) {
    asked.clear();
    auto question = self->request(carrier, 10s, inspect_query{path, argument});
    settle();
    question.receive([this](const fragment& part) { asked = part.json; },
                     [this](const caf::error& why) {
                       asked = '"' + to_string(static_cast<errc>(why.code())) + '"';
                     });
    return nlohmann::json::parse(asked);
  }
  void answer_with(int status, http_headers headers = {}) {
    web.answer = [status, headers](const http_request&) {
      return http_response{status, headers, "{}"};
    };
  }
};

inline std::string form_value(const http_request& request, const std::string& name) {
  const auto at = request.body.find(name + "=");
  const auto end = request.body.find('&', at);
  return at == std::string::npos ? "" : request.body.substr(at + name.size() + 1, end - at - name.size() - 1);
}

} // namespace lapwing::test
