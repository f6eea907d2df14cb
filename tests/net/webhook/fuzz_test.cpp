// Deterministic mutations of good deliveries: every reader takes or refuses them and what it
// takes is good JSON and UTF-8. A failure is found again by its seed and round.
#define CAF_SUITE webhook_fuzz
#include "tests/support/caf_test.hpp"

#include <random>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "net/webhook/atom.hpp"
#include "net/webhook/payloads.hpp"
#include "tests/net/auth/helpers.hpp"
#include "tests/net/webhook/requests.hpp"

using namespace lapwing;
using namespace lapwing::testing;

namespace {

constexpr int rounds = 20'000;

class mutator {
public:
  explicit mutator(std::uint64_t seed) : random_(seed) {}

  std::string operator()(std::string text) {
    static const std::vector<std::string> pieces{
      "\"",  "\\", "{",    "}",          "[",       "]",        ",",    ":",      "null", "1e999",
      "-0",  "0",  "\xff", "\xed\xa0\x80", "\\ud800", "\\u0000",  "%",    "%7",     "&",    "=",
      "<a>", "</", "<![CDATA[", "&#",     "token",   "\"token\"", "\x00", "\xf0\x9f\x98\x80"};
    for (auto n = 1 + random_() % 4; n > 0; --n) {
      auto at = random_() % (text.size() + 1);
      switch (random_() % 5) {
        case 0:
          if (at < text.size())
            text[at] = static_cast<char>(random_());
          break;
        case 1: text.erase(at, random_() % 16); break;
        case 2: text.insert(at, pieces[random_() % pieces.size()]); break;
        case 3: text.insert(at, text.substr(random_() % (text.size() + 1), random_() % 32)); break;
        default: text.resize(at); break;
      }
    }
    return text;
  }

private:
  std::mt19937_64 random_;
};

bool is_json(const std::string& text) {
  return nlohmann::json::accept(text);
}

void check(const result<webhook_outcome>& outcome, int round) {
  if (!outcome)
    return;
  bool good = true;
  if (auto* delivery = std::get_if<webhook_delivery>(&*outcome)) {
    nlohmann::json message = delivery->draft.message;
    good = is_json(delivery->draft.data) && is_json(delivery->draft.payload)
           && !delivery->delivery_id.empty() && delivery->delivery_id.size() <= 256
           && message.dump(-1, ' ', false, nlohmann::json::error_handler_t::ignore)
                == message.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)
           && delivery->draft.message.size() < 1000 && delivery->draft.data.size() < 8000;
  } else if (auto* answer = std::get_if<webhook_answer>(&*outcome)) {
    good = answer->body.empty() || is_json(answer->body);
  }
  if (!good)
    CAF_FAIL("round " << round << " gives a bad event");
}

template <class Read>
void fuzz(std::uint64_t seed, test_request request, Read read) {
  mutator mutate{seed};
  auto original = request.body();
  for (int round = 0; round < rounds; ++round) {
    request.body() = mutate(original);
    check(read(request.view()), round);
  }
}

} // namespace

CAF_TEST(changed GitHub deliveries are taken or refused) {
  test_request request{R"({"ref":"refs/heads/main","created":false,"deleted":false,
    "commits":[{"id":"1","message":"\u00e4\ud83d\ude00"}],"action":"closed","number":7,
    "pull_request":{"number":7,"title":"T\u0000t","merged":true,"user":{"login":"bob"}},
    "issue":{"number":7,"title":"\ud83d\ude00","labels":[{"name":"x"}]},
    "repository":{"full_name":"octo/repo","stargazers_count":42},"sender":{"login":"alice"}})"};
  request.set("X-GitHub-Delivery", "1");
  std::uint64_t seed = 1;
  for (const auto* event : {"push", "pull_request", "issues", "unknown"}) {
    request.set("X-GitHub-Event", event);
    fuzz(seed++, request, [](const webhook_request& r) { return read_github(r); });
  }
}

CAF_TEST(changed GitHub forms are taken or refused) {
  test_request request{"a=1&payload=%7B%22ref%22%3A%22refs%2Fheads%2Fmain%22%2C%22commits%22%3A%5B"
                       "%5D%2C%22sender%22%3A%7B%22login%22%3A%22a+b%22%7D%7D&z=%20"};
  request.set("X-GitHub-Event", "push")
    .set("X-GitHub-Delivery", "1")
    .set("Content-Type", "application/x-www-form-urlencoded");
  fuzz(10, request, [](const webhook_request& r) { return read_github(r); });
}

CAF_TEST(changed Slack deliveries are taken or refused and never show a token) {
  test_request request{R"({"token":"sec" ,"team_id":"T1","event":{"type":"message","channel":"C1",
    "user":{"id":"U1"},"text":"\ud83d\ude00 hi \\ \"","token":"inner"},"type":"event_callback",
    "event_id":"Ev1","event_time":1700000000})"};
  fuzz(20, request, [](const webhook_request& r) {
    auto outcome = read_slack(r);
    if (outcome)
      if (auto* delivery = std::get_if<webhook_delivery>(&*outcome)) {
        auto payload = nlohmann::json::parse(delivery->draft.payload, nullptr, false);
        if (payload.contains("token") && payload["token"] != "")
          CAF_FAIL("a token is kept");
      }
    return outcome;
  });
}

CAF_TEST(changed Gmail envelopes and notices are taken or forgotten) {
  auto vector = golden("gmail-pubsub-envelope");
  fuzz(30, test_request{vector["inputs"]["envelope"].dump()},
       [](const webhook_request& r) { return read_gmail(r); });
  fuzz(31, test_request{R"({"emailAddress":"user@example.com","historyId":1234567890})"},
       [](const webhook_request& r) {
         test_request envelope{R"({"message":{"messageId":"1","data":")" + to_base64(r.body)
                               + "\"}}"};
         return read_gmail(envelope.view());
       });
}

CAF_TEST(changed deliveries of the other platforms are taken or refused) {
  fuzz(40, test_request{R"({"version":1,"type":1,"event":{"type":"APPLICATION_AUTHORIZED",
    "timestamp":"x","data":{"user":{"id":"9","username":"\u00e4"}}}})"},
       [](const webhook_request& r) { return read_discord(r); });
  fuzz(41, test_request{R"({"type":"X","notifications":[{"action":"LIKE"}]})"},
       [](const webhook_request& r) { return read_linkedin(r); });
  fuzz(42, test_request{R"({"type":"invoice.paid","data":{"id":"1"},"timestamp":"x"})"},
       [](const webhook_request& r) { return read_generic("p", r); });
}

CAF_TEST(changed feeds are taken or refused) {
  fuzz(50, test_request{R"(<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"
    xmlns:yt="http://www.youtube.com/xml/schemas/2015"><!-- x --><entry><yt:videoId>V</yt:videoId>
    <title>a &amp; b &#228; <![CDATA[<>]]></title><link rel="alternate" href="x&amp;y"/><author>
    <name>N</name></author><updated>2026</updated></entry></feed>)"},
       [](const webhook_request& r) { return read_youtube(r); });
}

CAF_TEST(changed database webhooks are taken or refused) {
  mutator mutate{60};
  std::string original = R"({"type":"UPDATE","table":"submissions","schema":"public","record":
    {"id":42,"artist_id":"ann","status":"approved"},"old_record":{"id":42,"status":"pending"}})";
  for (int round = 0; round < rounds; ++round) {
    test_request request{mutate(original)};
    auto update = read_submission(request, at_second(1));
    if (update && (!is_json(update->draft.data) || update->rooms.empty()))
      CAF_FAIL("round " << round << " gives a bad event");
  }
}

CAF_TEST(changed queries are answered or refused) {
  mutator mutate{70};
  for (int round = 0; round < rounds; ++round)
    static_cast<void>(answer_websub(
      mutate("hub.mode=subscribe&hub.topic=https%3A%2F%2Fx&hub.challenge=abc&hub.lease_seconds=1"),
      [](std::string_view, std::string_view) { return true; }));
}
