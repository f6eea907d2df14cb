// The mail carrier over an outbox in memory and a Mailgun that answers as the test says. Hours pass
// in milliseconds.
#define CAF_SUITE mail_carrier
#include "tests/support/caf_test.hpp"

#include <deque>

#include <nlohmann/json.hpp>

#include "actors/mail/mail_carrier.hpp"
#include "core/chance.hpp"
#include "tests/support/actor_fixture.hpp"
#include "tests/support/memory_outbox.hpp"

using namespace lapwing;
using namespace std::chrono_literals;

namespace {

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

struct fixture : test::actor_fixture<> {
  memory_outbox outbox;
  scripted_web web;
  mail_counts counts;
  mail_context context;
  mail_settings settings;
  mail_carrier_actor carrier;
  std::vector<std::pair<mail_news, std::string>> news;
  std::string asked;

  fixture() {
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
  ~fixture() { carrier = nullptr; }

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

std::string form_value(const http_request& request, const std::string& name) {
  const auto at = request.body.find(name + "=");
  const auto end = request.body.find('&', at);
  return at == std::string::npos ? "" : request.body.substr(at + name.size() + 1, end - at - name.size() - 1);
}

} // namespace

CAF_TEST_FIXTURE_SCOPE(mail_carrier_tests, fixture)

CAF_TEST(a mail that was stored is sent at once and once) {
  start();
  store("m1");
  CAF_REQUIRE_EQUAL(web.seen.size(), 1u);
  const auto& request = web.seen[0];
  CAF_CHECK_EQUAL(request.method, "POST");
  CAF_CHECK_EQUAL(request.url, "https://api.mailgun.net/v3/mg.example.com/messages");
  CAF_CHECK_EQUAL(request.headers[0].second, "Basic YXBpOmtleS0x"); // api:key-1
  CAF_CHECK_EQUAL(form_value(request, "to"), "ann%40example.com");
  CAF_CHECK_EQUAL(form_value(request, "from"), "noreply%40mg.example.com");
  CAF_CHECK_EQUAL(form_value(request, "h%3AX-Lapwing-Mail"), mail_mark("m1"));
  CAF_CHECK_EQUAL(outbox.count("sent"), 1u);
  advance(24h);
  CAF_CHECK_EQUAL(web.seen.size(), 1u);
  CAF_CHECK_EQUAL(counts.sent.load(), 1u);
}

CAF_TEST(what was left by an earlier life is sent at the start) {
  store("m1");
  start();
  CAF_CHECK_EQUAL(outbox.count("sent"), 1u);
}

CAF_TEST(an idle outbox is not asked) {
  start();
  store("m1");
  const auto claims = outbox.claims;
  advance(7 * 24h);
  CAF_CHECK_EQUAL(outbox.claims, claims);
}

CAF_TEST(no more mails are under way than may be) {
  context.rules.at_once_max = 4;
  web.answer = [](const http_request&) { return std::nullopt; };
  for (int i = 0; i < 20; ++i)
    store("m" + std::to_string(i));
  start();
  CAF_CHECK_EQUAL(web.held.size(), 4u);
  while (!web.held.empty()) {
    auto one = std::move(web.held.front());
    web.held.pop_front();
    one.done(http_response{200, {}, "{}"});
    settle();
    CAF_CHECK(web.held.size() <= 4u);
  }
  CAF_CHECK_EQUAL(outbox.count("sent"), 20u);
  CAF_CHECK_EQUAL(web.seen.size(), 20u);
}

CAF_TEST(a service in trouble is tried more and more seldom and then gets everything once) {
  start();
  answer_with(503);
  for (int i = 0; i < 50; ++i)
    store("m" + std::to_string(i));
  advance(1h);
  CAF_CHECK(web.seen.size() < 60u);
  CAF_CHECK(web.seen.size() > 10u);
  const auto before = web.seen.size();
  answer_with(200);
  advance(10min);
  CAF_CHECK_EQUAL(outbox.count("sent"), 50u);
  CAF_CHECK_EQUAL(web.seen.size() - before, 50u);
  CAF_CHECK_EQUAL(heard(mail_news::works_again), 1u);
  CAF_CHECK_EQUAL(ask("mails")["trouble"], "");
}

CAF_TEST(a mail that Mailgun refuses is a dead letter and holds up no other) {
  start();
  web.answer = [](const http_request& request) {
    const bool bad = request.body.find("bad%40") != std::string::npos;
    return http_response{bad ? 400 : 200, {}, "{}"};
  };
  store("m1", {"bad@example.com", "", "S", "T"});
  store("m2");
  CAF_CHECK_EQUAL(outbox.count("dead"), 1u);
  CAF_CHECK_EQUAL(outbox.count("sent"), 1u);
  CAF_CHECK_EQUAL(heard(mail_news::died), 1u);
  const auto shown = ask("mails");
  CAF_CHECK_EQUAL(shown["dead"], 1u);
  CAF_CHECK_EQUAL(shown["letters"][0]["cause"], "refused_400");
  CAF_CHECK_EQUAL(shown["letters"][0]["attempts"], 1u);
  CAF_CHECK(asked.find("bad@") == std::string::npos);
  advance(5s);
  CAF_CHECK_EQUAL(counts.dead.load(), 1u);
}

CAF_TEST(an operator sends a dead letter again) {
  start();
  answer_with(400);
  store("m1");
  store("m2");
  CAF_CHECK_EQUAL(outbox.count("dead"), 2u);
  answer_with(200);
  CAF_CHECK_EQUAL(ask("resend-mail", "2")["mails"], 1);
  CAF_CHECK_EQUAL(outbox.count("sent"), 1u);
  CAF_CHECK_EQUAL(ask("resend-mail", "2"), "not_found");
  CAF_CHECK_EQUAL(ask("resend-mail", "two"), "bad_request");
  CAF_CHECK_EQUAL(ask("resend-mail", "-1"), "bad_request");
  CAF_CHECK_EQUAL(ask("resend-mail", "99999999999999999999"), "bad_request");
  CAF_CHECK_EQUAL(ask("resend-mail", "all")["mails"], 1);
  CAF_CHECK_EQUAL(outbox.count("sent"), 2u);
  outbox.down = true;
  CAF_CHECK_EQUAL(ask("resend-mail", "all"), "store_unavailable");
  CAF_CHECK_EQUAL(ask("mails"), "store_unavailable");
}

CAF_TEST(attempts are bounded) {
  context.rules.attempts_max = 3;
  start();
  answer_with(500);
  store("m1");
  advance(24h);
  CAF_CHECK_EQUAL(web.seen.size(), 3u);
  CAF_CHECK_EQUAL(outbox.count("dead"), 1u);
}

CAF_TEST(a wrong key is told once and harms no mail until it is right) {
  start();
  answer_with(401);
  for (int i = 0; i < 3; ++i)
    store("m" + std::to_string(i));
  advance(2h);
  CAF_CHECK_EQUAL(heard(mail_news::we_refused), 1u);
  CAF_CHECK_EQUAL(outbox.count("dead"), 0u);
  CAF_CHECK(web.seen.size() < 60u);
  for (const auto& [id, row] : outbox.rows())
    CAF_CHECK_EQUAL(row.attempt_count, 0u);
  CAF_CHECK_EQUAL(ask("mails")["trouble"], "refused_401");
  // A new key is tried at once, and not only when the back-off is over.
  answer_with(200);
  settings.api_key = "key-2";
  configure();
  advance(1h);
  CAF_CHECK_EQUAL(outbox.count("sent"), 3u);
  CAF_CHECK_EQUAL(web.seen.back().headers[0].second, "Basic YXBpOmtleS0y");
}

CAF_TEST(nothing is tried for ever) {
  start();
  answer_with(403);
  store("m1");
  advance(74h);
  CAF_CHECK_EQUAL(outbox.count("dead"), 1u);
  CAF_CHECK_EQUAL(outbox.rows().at(1).cause, "refused_403");
}

CAF_TEST(the wait that Mailgun asks for is kept by all mails) {
  start();
  answer_with(429, {{"Retry-After", "120"}});
  store("m1");
  store("m2");
  CAF_CHECK_EQUAL(web.seen.size(), 1u);
  answer_with(200);
  advance(119s);
  CAF_CHECK_EQUAL(web.seen.size(), 1u);
  advance(30s);
  CAF_CHECK_EQUAL(outbox.count("sent"), 2u);
}

CAF_TEST(a wait without an end is not believed) {
  start();
  answer_with(429, {{"Retry-After", "999999999"}});
  store("m1");
  answer_with(200);
  advance(61min);
  CAF_CHECK_EQUAL(outbox.count("sent"), 1u);
}

CAF_TEST(a server that may not be asked is the operators business) {
  start();
  web.answer = [](const http_request&) { return error{errc::upstream_refused, "private"}; };
  store("m1");
  CAF_CHECK_EQUAL(heard(mail_news::we_refused), 1u);
  CAF_CHECK_EQUAL(ask("mails")["trouble"], "address_refused");
}

CAF_TEST(without a key mails wait and the outbox is not asked) {
  settings.api_key.clear();
  start();
  store("m1");
  advance(24h);
  CAF_CHECK_EQUAL(outbox.claims, 0u);
  CAF_CHECK_EQUAL(ask("mails")["trouble"], "not_configured");
  settings.api_key = "key-1";
  configure();
  CAF_CHECK_EQUAL(outbox.count("sent"), 1u);
}

CAF_TEST(an address that the row did not have is looked up) {
  settings.directory_url = "https://project.supabase.co";
  settings.directory_key = "service";
  start();
  web.answer = [](const http_request& request) -> std::optional<result<http_response>> {
    if (request.url == "https://project.supabase.co/auth/v1/admin/users/ann")
      return http_response{200, {}, R"({"id":"ann","email":"ann@looked.up"})"};
    if (request.url.find("/users/nobody") != std::string::npos)
      return http_response{404, {}, "{}"};
    if (request.url.find("/users/odd") != std::string::npos)
      return http_response{200, {}, R"({"email":"a@b.c\nBcc: x@y.z"})"};
    return http_response{200, {}, "{}"};
  };
  store("m1", {"", "ann", "S", "T"});
  CAF_REQUIRE_EQUAL(web.seen.size(), 2u);
  CAF_CHECK_EQUAL(form_value(web.seen[1], "to"), "ann%40looked.up");
  CAF_CHECK_EQUAL(outbox.count("sent"), 1u);
  store("m2", {"", "nobody", "S", "T"});
  store("m3", {"", "odd", "S", "T"});
  CAF_CHECK_EQUAL(outbox.rows().at(2).cause, "directory_refused_404");
  CAF_CHECK_EQUAL(outbox.rows().at(3).cause, "directory_no_address");
}

CAF_TEST(a mail without an address and without a place to look is a dead letter) {
  start();
  store("m1", {"", "ann", "S", "T"});
  CAF_CHECK_EQUAL(outbox.rows().at(1).cause, "no_address");
  CAF_CHECK(web.seen.empty());
}

CAF_TEST(what is no mail is a dead letter) {
  start();
  for (const char* body : {"[]", "{}", R"({"to":"a@b.example","subject":"","text":"x"})",
                           R"({"to":"a@b.example\r\nBcc: c@d.example","subject":"s","text":"x"})",
                           R"({"to":"a@b.example,c@d.example","subject":"s","text":"x"})"}) {
    outbox.put({std::string{mail_kind}, body, {}, body, clock.time});
    caf::anon_send(carrier, mail_stored{});
  }
  settle();
  CAF_CHECK_EQUAL(outbox.count("dead"), 5u);
  CAF_CHECK(web.seen.empty());
}

CAF_TEST(after a crash before the answer the mail goes again with the same mark) {
  web.answer = [](const http_request&) { return std::nullopt; };
  start();
  store("m1");
  CAF_CHECK_EQUAL(web.seen.size(), 1u);
  crash();
  answer_with(200);
  start();
  CAF_CHECK_EQUAL(web.seen.size(), 1u); // The claim of the earlier life holds.
  advance(1min);
  CAF_REQUIRE_EQUAL(web.seen.size(), 2u);
  CAF_CHECK_EQUAL(form_value(web.seen[0], "h%3AMessage-Id"), form_value(web.seen[1], "h%3AMessage-Id"));
  CAF_CHECK_EQUAL(outbox.count("sent"), 1u);
}

CAF_TEST(an answer that could not be written down is written later and the mail not sent again) {
  web.answer = [](const http_request&) { return std::nullopt; };
  start();
  store("m1");
  outbox.down = true;
  web.held.front().done(http_response{200, {}, "{}"});
  settle();
  answer_with(200);
  advance(10min); // Longer than the claim.
  outbox.down = false;
  advance(1min);
  CAF_CHECK_EQUAL(outbox.count("sent"), 1u);
  CAF_CHECK_EQUAL(web.seen.size(), 1u);
  CAF_CHECK_EQUAL(counts.sent.load(), 1u);
}

CAF_TEST(a write whose answer was lost counts once) {
  start();
  outbox.lost_settles = 1;
  store("m1");
  advance(1min);
  CAF_CHECK_EQUAL(web.seen.size(), 1u);
  CAF_CHECK_EQUAL(counts.sent.load(), 1u);
  CAF_CHECK_EQUAL(heard(mail_news::lost_claim), 0u);
}

CAF_TEST(an outbox that is away is asked again) {
  outbox.down = true;
  start();
  outbox.put({std::string{mail_kind}, "m1", {}, mail_json({"a@b.example", "", "S", "T"}), clock.time});
  advance(10min);
  CAF_CHECK(outbox.claims < 40u);
  outbox.down = false;
  advance(31s);
  CAF_CHECK_EQUAL(outbox.count("sent"), 1u);
}

CAF_TEST(a node that drains ends what is under way and begins nothing) {
  context.rules.at_once_max = 2;
  web.answer = [](const http_request&) { return std::nullopt; };
  for (int i = 0; i < 5; ++i)
    store("m" + std::to_string(i));
  start();
  caf::anon_send(carrier, mail_closing{});
  settle();
  CAF_CHECK(!counts.at_rest);
  store("late");
  while (!web.held.empty()) {
    auto one = std::move(web.held.front());
    web.held.pop_front();
    one.done(http_response{200, {}, "{}"});
    settle();
  }
  CAF_CHECK(counts.at_rest);
  advance(1h);
  CAF_CHECK_EQUAL(web.seen.size(), 2u);
  CAF_CHECK_EQUAL(outbox.count("sent"), 2u);
  CAF_CHECK_EQUAL(outbox.count("waiting"), 4u);
  for (const auto& [id, row] : outbox.rows())
    CAF_CHECK(row.state == "sent" || row.attempt_count == 0);
}

CAF_TEST(a clock that was set back holds up no mail) {
  start();
  answer_with(503);
  clock.time += 24h * 365;
  store("m1");
  answer_with(200);
  clock.time -= 24h * 365;
  store("m2");
  advance(2h);
  CAF_CHECK_EQUAL(outbox.count("sent"), 2u);
}

CAF_TEST(what ended long ago is forgotten) {
  start();
  store("m1");
  answer_with(400);
  store("m2");
  advance(29 * 24h);
  CAF_CHECK_EQUAL(outbox.rows().size(), 2u);
  advance(2 * 24h);
  CAF_CHECK(outbox.rows().empty());
}

// Faults, crashes and outages by chance. Whatever happens: every mail is accepted in the end, and
// twice only when nobody could know of the first time.
CAF_TEST(in any storm every mail arrives and none twice whose answer was written down) {
  for (unsigned seed = 1; seed <= 60; ++seed) {
    fixture world;
    world.random.seed(seed);
    world.context.rules.attempts_max = 1000;
    std::map<std::string, int> accepted;
    std::map<std::string, int> unheard; // Accepted, and the answer was lost or never written.
    bool storm = true;
    world.web.answer = [&](const http_request& request) -> std::optional<result<http_response>> {
      const auto mark = form_value(request, "h%3AX-Lapwing-Mail");
      switch (storm ? world.random() % 8 : 7) {
        case 0: return http_response{503, {}, ""};
        case 1: return http_response{429, {{"retry-after", "7"}}, ""};
        case 2: return error{errc::upstream_unavailable, ""};
        case 3:
          ++accepted[mark];
          ++unheard[mark];
          return error{errc::upstream_unavailable, ""};
        case 4: return http_response{401, {}, ""};
        case 5: return std::nullopt; // Later, or never.
        default: ++accepted[mark]; return http_response{200, {}, "{}"};
      }
    };
    world.start();
    constexpr int count = 40;
    for (int i = 0; i < count; ++i) {
      world.store("m" + std::to_string(i));
      switch (world.random() % 6) {
        case 0:
          // What was accepted and is not written down yet may go again.
          for (const auto& [id, row] : world.outbox.rows())
            if (row.state == "sending" && accepted[mail_mark(row.item.key)] > 0)
              ++unheard[mail_mark(row.item.key)];
          world.crash();
          world.outbox.down = false;
          world.start();
          break;
        case 1: world.outbox.down = !world.outbox.down; break;
        case 2:
          for (auto held = std::exchange(world.web.held, {}); !held.empty(); held.pop_front()) {
            const auto mark = form_value(held.front().request, "h%3AX-Lapwing-Mail");
            ++accepted[mark];
            held.front().done(http_response{200, {}, "{}"});
          }
          break;
        default: world.advance(std::chrono::seconds{world.random() % 40}); break;
      }
    }
    storm = false;
    world.outbox.down = false;
    for (auto held = std::exchange(world.web.held, {}); !held.empty(); held.pop_front())
      held.front().done(error{errc::upstream_unavailable, ""});
    world.advance(6h);
    CAF_CHECK_EQUAL(world.outbox.count("sent"), static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i) {
      const auto mark = mail_mark("m" + std::to_string(i));
      if (accepted[mark] < 1 || accepted[mark] > 1 + unheard[mark])
        CAF_FAIL("seed " << seed << ": mail " << i << " was accepted " << accepted[mark]
                         << " times, unheard " << unheard[mark]);
    }
    CAF_CHECK(world.faults.empty());
  }
}

CAF_TEST_FIXTURE_SCOPE_END()
