// What the mail carrier does with each answer, and when. Hours pass in milliseconds.
#define CAF_SUITE mail_carrier
#include "tests/support/caf_test.hpp"

#include "tests/actors/mail/mail_world.hpp"

using namespace lapwing;
using namespace lapwing::test;

CAF_TEST_FIXTURE_SCOPE(mail_carrier_tests, mail_world)

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

CAF_TEST(what a draining node still gets it puts back) {
  store("m1");
  outbox.meanwhile = [this] { caf::anon_send(carrier, mail_closing{}); };
  start();
  CAF_CHECK(counts.at_rest);
  CAF_CHECK(web.seen.empty());
  CAF_CHECK_EQUAL(outbox.rows().at(1).state, "waiting");
  CAF_CHECK_EQUAL(outbox.rows().at(1).attempt_count, 0u);
  CAF_CHECK(news.empty());
}

CAF_TEST(a mail that is stored while the outbox is looked into is sent at once) {
  start();
  outbox.meanwhile = [this] {
    outbox.put({std::string{mail_kind}, "m2", {}, mail_json({"a@b.example", "", "S", "T"}),
                clock.time});
    caf::anon_send(carrier, mail_stored{});
  };
  store("m1");
  CAF_CHECK_EQUAL(outbox.count("sent"), 2u);
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

CAF_TEST_FIXTURE_SCOPE_END()
