// What `lapwing admin` makes of a node's answers.
#define CAF_SUITE app_admin_view

#include "tests/support/caf_test.hpp"

#include "app/admin_view.hpp"
#include "app/text_table.hpp"

using namespace lapwing;

CAF_TEST(nodes are a table whose columns line up) {
  const auto text = render_admin("nodes", R"({"nodes":[
    {"id":"n1","address":"127.0.0.1:3001","version":"0.1.0","uptimeSeconds":7265,"threads":2,
     "users":10,"sessions":1234,"rooms":3,"ready":true},
    {"id":"n2-longer","address":"127.0.0.1:3002","version":"0.1.0","uptimeSeconds":5,"threads":2,
     "users":1,"sessions":0,"rooms":0,"ready":false}]})");
  CAF_CHECK_EQUAL(
      text.value_or(""),
      "node       address         version     up  threads  users  sessions  rooms  ready\n"
      "n1         127.0.0.1:3001  0.1.0    2h 1m        2     10      1234      3  yes\n"
      "n2-longer  127.0.0.1:3002  0.1.0       5s        2      1         0      0  no\n");
}

CAF_TEST(a user is a head and two tables) {
  const auto text = render_admin("user", R"({"user":"ann","home":1,
    "log":{"newest":42,"trimmed":2},"supervisor":{"mailbox":0,"processed":99,"busyMs":1.25},
    "platforms":[{"platform":"github","state":"connected","method":"webhook",
      "lastWebhook":"2026-11-21T09:00:00.000Z","deliveries":7,"duplicates":1,"lastError":null}],
    "sessions":[{"id":"00000000000000a1","transport":"sse","peer":"127.0.0.1:5","state":"live",
      "cursor":"u42","queuedBytes":0,"connectedSeconds":61,"rooms":["admin","news"]}]})");
  CAF_CHECK_EQUAL(
      text.value_or(""),
      "user         ann\n"
      "home thread  1\n"
      "log          newest 42, trimmed up to 2\n"
      "supervisor   mailbox 0, processed 99, busy 1.2 ms\n"
      "\n"
      "platform  state      method   last webhook              deliveries  duplicates  last error\n"
      "github    connected  webhook  2026-11-21T09:00:00.000Z           7           1  -\n"
      "\n"
      "session           transport  peer         state  cursor  queued  connected  rooms\n"
      "00000000000000a1  sse        127.0.0.1:5  live   u42          0      1m 1s  admin,news\n");
}

CAF_TEST(an empty list says so) {
  CAF_CHECK_EQUAL(render_admin("sessions", R"({"sessions":[]})").value_or(""), "no open streams\n");
  CAF_CHECK_EQUAL(render_admin("rooms", "{}").value_or(""), "no rooms with members\n");
}

CAF_TEST(a shortened list says so) {
  const auto text = render_admin("users", R"({"users":[{"user":"ann"}],"truncated":true})");
  CAF_CHECK_EQUAL(text.value_or(""), "user  sessions  newest  platforms  home\n"
                                     "ann          -       -  -             -\n"
                                     "... and more; --json shows the same part\n");
}

CAF_TEST(answers of other programs are no tables) {
  for (const char* wrong : {"", "<html>", "[1]", "null", "{\"nodes\":"})
    CAF_CHECK(!render_admin("nodes", wrong));
  // A newer node may send other types and more fields: nothing is lost but the table.
  CAF_CHECK_EQUAL(
      render_admin("rooms", R"({"rooms":[5,{"room":{"a":1},"members":"x"}]})").value_or(""),
      "room     members  newest\n"
      "-              -       -\n"
      "{\"a\":1}        x       -\n");
}

CAF_TEST(what a client calls itself cannot steer the terminal) {
  const auto text = render_admin("rooms", "{\"rooms\":[{\"room\":\"a\\u001b[2Jb\\n\\u009bc\"}]}");
  CAF_CHECK(text.value_or("").find("a?[2Jb??c ") != std::string::npos);
}

CAF_TEST(the outbox is a line and what was given up) {
  CAF_CHECK_EQUAL(
      render_admin("mails", R"({"waiting":3,"dead":1,"underWay":2,"trouble":"refused_401",
        "letters":[{"id":7,"user":"ann","attempts":20,"cause":"refused_503",
        "created":"2026-11-21T09:00:00.000Z","ended":"2026-11-21T19:00:00.000Z"}],
        "truncated":false})").value_or(""),
      "waiting 3, under way 2, dead 1, trouble: refused_401\n"
      "mail  user  attempts  cause        created                   given up\n"
      "   7  ann         20  refused_503  2026-11-21T09:00:00.000Z  2026-11-21T19:00:00.000Z\n");
  CAF_CHECK_EQUAL(
      render_admin("mails", R"({"waiting":0,"dead":0,"underWay":0,"trouble":"","letters":[]})")
        .value_or(""),
      "waiting 0, under way 0, dead 0\nno dead letters\n");
  CAF_CHECK_EQUAL(render_admin("resend-mail", R"({"ok":true,"mails":1})").value_or(""),
                  "done, mails 1\n");
}

CAF_TEST(commands answer in a line) {
  CAF_CHECK_EQUAL(render_admin("log-level", R"({"ok":true,"level":"debug"})").value_or(""),
                  "done, level debug\n");
}

CAF_TEST(a problem document is shown by code and detail) {
  CAF_CHECK_EQUAL(problem_text(R"({"status":403,"code":"forbidden","detail":"role admin"})"),
                  "forbidden: role admin");
  CAF_CHECK_EQUAL(problem_text(R"({"code":"forbidden"})"), "forbidden");
  CAF_CHECK_EQUAL(problem_text("<html>"), "");
}

CAF_TEST(ages have at most two parts) {
  CAF_CHECK_EQUAL(format_age(0), "0s");
  CAF_CHECK_EQUAL(format_age(185), "3m 5s");
  CAF_CHECK_EQUAL(format_age(7200), "2h 0m");
  CAF_CHECK_EQUAL(format_age(86400 * 12 + 4 * 3600), "12d 4h");
}

CAF_TEST(columns line up for names that are not ASCII) {
  text_table table{{"name", "n"}};
  table.align_column(1, text_table::align::right);
  table.add({"J\xc3\xbcrgen", "7"});
  table.add({"Ann", "12"});
  CAF_CHECK_EQUAL(table.render(), "name     n\nJ\xc3\xbcrgen   7\nAnn     12\n");
}
