#define CAF_SUITE submission_mail
#include "tests/support/caf_test.hpp"

#include <string>

#include <nlohmann/json.hpp>

#include "core/mail.hpp"
#include "net/webhook/payloads.hpp"
#include "tests/net/auth/helpers.hpp"
#include "tests/net/webhook/requests.hpp"

using namespace lapwing;
using namespace lapwing::testing;
using nlohmann::json;

namespace {

std::optional<outbox_item> item_of(const json& body) {
  const auto text = body.dump();
  auto update = read_submission(test_request{text}, at_second(1000));
  CAF_REQUIRE(update);
  return status_mail(text, *update, at_second(1000));
}

json changed(json record, json old = nullptr, const char* operation = "UPDATE") {
  return {{"type", operation}, {"table", "submissions"}, {"schema", "public"},
          {"record", std::move(record)}, {"old_record", std::move(old)}};
}

json mail_of(const json& body) {
  const auto item = item_of(body);
  return item ? json::parse(item->body) : json{};
}

} // namespace

CAF_TEST(an approved submission is told to its artist) {
  const auto item = item_of(changed({{"id", 42}, {"artist_id", "ann"}, {"status", "approved"},
                                     {"artist_email", "ann@example.com"}, {"title", "Blue \"Moon\""},
                                     {"artist_name", "Ann"}, {"updated_at", "2026-01-01"}},
                                    {{"status", "pending"}}));
  CAF_REQUIRE(item);
  CAF_CHECK_EQUAL(item->kind, "mail");
  CAF_CHECK_EQUAL(item->user.str(), "ann");
  CAF_CHECK(item->key.starts_with("submission-status:UPDATE:"));
  CAF_CHECK(item->queued_at == at_second(1000));
  const auto mail = json::parse(item->body);
  CAF_CHECK_EQUAL(mail["to"], "ann@example.com");
  CAF_CHECK_EQUAL(mail["person"], "ann");
  CAF_CHECK_EQUAL(mail["subject"], "Your submission \"Blue \"Moon\"\" was approved");
  CAF_CHECK_EQUAL(mail["text"], "Hello Ann,\n\nyour submission \"Blue \"Moon\"\" was approved.\n\n"
                                "Congratulations! We will be in touch with you.\n");
}

CAF_TEST(each status has its words and one that is new is named) {
  const auto subject = [](const char* status) {
    return mail_of(changed({{"status", status}, {"email", "a@b.example"}}))["subject"]
      .get<std::string>();
  };
  CAF_CHECK_EQUAL(subject("pending"), "Your submission was received");
  CAF_CHECK_EQUAL(subject("In Review"), "Your submission is being reviewed");
  CAF_CHECK_EQUAL(subject("under-review"), "Your submission is being reviewed");
  CAF_CHECK_EQUAL(subject("ACCEPTED"), "Your submission was approved");
  CAF_CHECK_EQUAL(subject("rejected"), "Your submission was not accepted");
  CAF_CHECK_EQUAL(subject("needs remix"), "Your submission has a new status: needs remix");
}

CAF_TEST(what is no new status is no mail) {
  const json row{{"status", "approved"}, {"email", "a@b.example"}};
  CAF_CHECK(!item_of(changed(row, row)));
  CAF_CHECK(!item_of(changed(nullptr, row, "DELETE")));
  CAF_CHECK(!item_of(changed({{"email", "a@b.example"}})));
  CAF_CHECK(!item_of(changed({{"status", 7}, {"email", "a@b.example"}})));
  CAF_CHECK(!item_of(changed(nullptr, nullptr, "TRUNCATE")));
  CAF_CHECK(item_of(changed(row, nullptr, "INSERT")));
  CAF_CHECK(item_of(changed(row)));
}

CAF_TEST(a row without an address leaves it to be looked up) {
  auto mail = mail_of(changed({{"status", "approved"}, {"user_id", 7}}));
  CAF_CHECK_EQUAL(mail["to"], "");
  CAF_CHECK_EQUAL(mail["person"], "7");
  CAF_CHECK(!item_of(changed({{"status", "approved"}})));
  CAF_CHECK(!item_of(changed({{"status", "approved"}, {"user_id", "a/../b"}})));
}

CAF_TEST(nothing in a row becomes a header or a second recipient) {
  for (const char* address : {"a@b.example\r\nBcc: c@d.example", "a@b.example,c@d.example",
                              "A <a@b.example>", "a@b.example\n"}) {
    CAF_CHECK(!item_of(changed({{"status", "approved"}, {"email", address}})));
    CAF_CHECK_EQUAL(mail_of(changed({{"status", "approved"}, {"artist_email", address},
                                     {"email", "good@b.example"}}))["to"],
                    "good@b.example");
  }
  const auto mail = mail_of(changed({{"status", "x\r\nBcc: c@d.example"}, {"email", "a@b.example"},
                                     {"title", "t\r\nX-Evil: 1\u2028\x01"},
                                     {"artist_name", "n\nBcc: e@f.example"}}));
  const auto subject = mail["subject"].get<std::string>();
  for (const char c : subject)
    CAF_CHECK(static_cast<unsigned char>(c) >= ' ');
  CAF_CHECK(mail["text"].get<std::string>().find("\nBcc") == std::string::npos);
}

CAF_TEST(long texts are cut) {
  const auto mail = mail_of(changed({{"status", std::string(10'000, 's')}, {"email", "a@b.example"},
                                     {"title", std::string(10'000, 't')},
                                     {"artist_name", std::string(10'000, 'n')}}));
  CAF_CHECK(mail["subject"].get<std::string>().size() < 300);
  CAF_CHECK(mail["text"].get<std::string>().size() < 600);
}

CAF_TEST(a copy of a delivery has the same key and another change another) {
  const json row{{"status", "approved"}, {"email", "a@b.example"}, {"updated_at", "2026-01-01"}};
  auto later = row;
  later["updated_at"] = "2026-01-02";
  CAF_CHECK_EQUAL(item_of(changed(row))->key, item_of(changed(row))->key);
  CAF_CHECK(item_of(changed(row))->key != item_of(changed(later))->key);
}
