// Mailgun as the simulator plays it.
#define CAF_SUITE sim_mailgun
#include "tests/support/caf_test.hpp"

#include <nlohmann/json.hpp>

#include "sim/control.hpp"
#include "tests/sim/sim_fixture.hpp"

using namespace lapwing;
using namespace lapwing::sim;
using namespace lapwing::sim::testing;
using nlohmann::json;

namespace {

struct post : fixture {
  const std::string url = "https://api.mailgun.net/v3/mg.example.com/messages";

  http_response mail(const std::string& form_body, const std::string& key = "sim-mailgun-key",
                     const std::string& where = {}) {
    return form(where.empty() ? url : where, form_body, {{"Authorization", basic("api", key)}});
  }
  json report(const std::string& query = {}) {
    http_request request;
    request.url = "/_mails" + query;
    return json::parse(control(at, request).body);
  }
  void break_by(const std::string& text) { at.add_fault(parse_fault(text, at.now()).value()); }
};

const std::string good = "from=noreply%40mg.example.com&to=ann%40example.com&subject=S&text=T"
                         "&h%3AMessage-Id=%3C1%40mg.example.com%3E&h%3AX-Lapwing-Mail=m1";

} // namespace

CAF_TEST(a mail is accepted and kept to be looked at) {
  post in;
  const auto answer = in.mail(good);
  CAF_CHECK_EQUAL(answer.status, 200);
  CAF_CHECK_EQUAL(json::parse(answer.body)["message"], "Queued. Thank you.");
  CAF_CHECK_EQUAL(in.mail(good, "sim-mailgun-key",
                          "https://api.eu.mailgun.net/v3/mg.example.com/messages").status, 200);
  const auto told = in.report();
  CAF_CHECK_EQUAL(told["accepted"], 2);
  CAF_CHECK_EQUAL(told["mails"][0]["to"], "ann@example.com");
  CAF_CHECK_EQUAL(told["mails"][0]["mark"], "m1");
  CAF_CHECK_EQUAL(told["mails"][0]["message_id"], "<1@mg.example.com>");
  CAF_CHECK_EQUAL(in.report("?after=1")["mails"].size(), 1u);
}

CAF_TEST(what Mailgun does not take is refused) {
  post in;
  CAF_CHECK_EQUAL(in.mail(good, "other").status, 401);
  CAF_CHECK_EQUAL(in.form(in.url, good).status, 401);
  CAF_CHECK_EQUAL(in.mail(good, "sim-mailgun-key",
                          "https://api.mailgun.net/v3/other.example/messages").status, 404);
  CAF_CHECK_EQUAL(in.mail("from=a%40b.example&to=x&subject=S&text=T").status, 400);
  CAF_CHECK_EQUAL(in.mail("from=a%40b.example&to=c%40d.example%2Ce%40f.example&text=T").status, 400);
  CAF_CHECK_EQUAL(in.mail("from=x&to=c%40d.example&text=T").status, 400);
  CAF_CHECK_EQUAL(in.mail("from=A+%3Ca%40b.example%3E&to=c%40d.example&subject=S").status, 400);
  CAF_CHECK_EQUAL(in.report()["accepted"], 0);
  CAF_CHECK_EQUAL(in.report()["refused"], 7);
}

CAF_TEST(faults strike Mailgun only when they name it) {
  post in;
  in.break_by("server_error");
  CAF_CHECK_EQUAL(in.mail(good).status, 200);
  in.break_by("rate_limit,platform=mailgun,count=1,retry_after=7");
  const auto limited = in.mail(good);
  CAF_CHECK_EQUAL(limited.status, 429);
  CAF_CHECK_EQUAL(limited.header("retry-after"), "7");
  in.break_by("server_error,platform=mailgun,count=1,status=502");
  CAF_CHECK_EQUAL(in.mail(good).status, 502);
  in.break_by("server_error,platform=mailgun,user=ben@example.com");
  CAF_CHECK_EQUAL(in.mail(good).status, 200);
  in.at.clear_faults();
  in.break_by("lose_answer,platform=mailgun,count=1");
  CAF_CHECK_EQUAL(in.mail(good).status, 502); // What never arrives whole.
  CAF_CHECK_EQUAL(in.report()["accepted"], 3);
  CAF_CHECK_EQUAL(in.report()["mails"][2]["heard"], false);
  // Nor is anybody else struck by what is meant for Mailgun.
  in.break_by("server_error,platform=mailgun");
  const auto token = in.at.grant(platform::github, "alice");
  CAF_CHECK_EQUAL(in.get("https://api.github.com/user", token.access).status, 200);
}
