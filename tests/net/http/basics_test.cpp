// HTTP/1.1 as clients see it: answers, errors, keep-alive, pipelining, bodies.
#define CAF_SUITE http_basics

#include "tests/support/caf_test.hpp"

#include "tests/net/http/served.hpp"

using namespace lapwing;
using namespace lapwing::test;

namespace {

constexpr std::string_view get_health = "GET /api/sse/health HTTP/1.1\r\nHost: a\r\n\r\n";

} // namespace

CAF_TEST(the seeds health routes answer exactly) {
  served s;
  client c{s.port};
  auto sse = c.ask("GET", "/api/sse/health");
  CAF_CHECK_EQUAL(sse.status, 200u);
  CAF_CHECK_EQUAL(sse.body, R"({"status":"ok","service":"sse","connections":3})");
  auto webhooks = c.ask("GET", "/api/webhooks/health").body;
  CAF_CHECK(webhooks.starts_with(
    R"({"status":"ok","service":"webhook-receiver","endpoints":{"github":"/api/webhooks/github/:userId","gmail":"/api/webhooks/gmail","slack":"/api/webhooks/slack/:userId"})"));
}

CAF_TEST(a connection serves many requests) {
  served s;
  client c{s.port};
  for (int i = 0; i < 20; ++i)
    CAF_CHECK_EQUAL(c.ask(get_health).status, 200u);
  CAF_CHECK_EQUAL(s.server->connections(), 1u);
}

CAF_TEST(pipelined requests are answered in order) {
  served s;
  for (bool later : {false, true}) {
    s.engine->answers_later = later;
    client c{s.port};
    std::string burst;
    for (int i = 0; i < 50; ++i)
      burst += "GET /admin/thing/" + std::to_string(i) + " HTTP/1.1\r\nHost: a\r\n\r\n";
    c.send(burst);
    for (int i = 0; i < 50; ++i)
      CAF_CHECK_EQUAL(c.read_answer().body, "{\"path\":\"thing/" + std::to_string(i) + "\"}");
  }
}

CAF_TEST(requests may come byte by byte) {
  served s;
  client c{s.port};
  std::string_view request
    = "POST /api/sse/send HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
      "Transfer-Encoding: chunked\r\n\r\n1c\r\n{\"userId\":\"ann\",\"event\":{\"ty\r\n11\r\n"
      "pe\":\"a\",\"n\":[1]}}\r\n0\r\nTrailer: x\r\n\r\n";
  for (char byte : request)
    c.send({&byte, 1});
  auto answer = c.read_answer();
  CAF_CHECK_EQUAL(answer.status, 202u);
  CAF_CHECK_EQUAL(answer.body, R"({"id":"u1","sessions":0})");
  auto published = s.engine->published();
  CAF_REQUIRE_EQUAL(published.size(), 1u);
  CAF_CHECK_EQUAL(published[0].draft.extras, R"("n":[1])");
  CAF_CHECK_EQUAL(c.ask(get_health).status, 200u);
}

CAF_TEST(head requests have the headers only) {
  served s;
  client c{s.port};
  auto answer = c.ask("HEAD", "/api/sse/health");
  CAF_CHECK_EQUAL(answer.status, 200u);
  CAF_CHECK_EQUAL(answer.header("Content-Length"), "47");
  CAF_CHECK_EQUAL(c.ask(get_health).status, 200u);
}

CAF_TEST(unknown paths and methods are told apart) {
  served s;
  client c{s.port};
  auto unknown = c.ask("GET", "/nothing/here");
  CAF_CHECK_EQUAL(unknown.status, 404u);
  CAF_CHECK_EQUAL(unknown.header("Content-Type"), "application/problem+json");
  CAF_CHECK(unknown.body.find(R"("code":"not_found")") != std::string::npos);
  auto method = c.ask("DELETE", "/api/sse/send");
  CAF_CHECK_EQUAL(method.status, 405u);
  CAF_CHECK_EQUAL(method.header("Allow"), "POST, OPTIONS");
  auto head = c.ask("PUT", "/api/sse/health");
  CAF_CHECK_EQUAL(head.header("Allow"), "GET, HEAD, OPTIONS");
}

CAF_TEST(request ids are taken over when they are sane) {
  served s;
  client c{s.port};
  CAF_CHECK_EQUAL(c.ask("GET", "/livez", "X-Request-Id: abc-1\r\n").header("X-Request-Id"),
                  "abc-1");
  auto made = c.ask("GET", "/livez", "X-Request-Id: <b>\r\n").header("X-Request-Id");
  CAF_CHECK(made != "<b>");
  CAF_CHECK(!made.empty());
  auto problem = c.ask("GET", "/x", "X-Request-Id: abc-2\r\n").body;
  CAF_CHECK(problem.find(R"("request_id":"abc-2")") != std::string::npos);
}

CAF_TEST(a client that expects 100 is told to continue) {
  served s;
  client c{s.port};
  c.send("POST /api/sse/broadcast HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
         "Expect: 100-continue\r\nContent-Length: 24\r\n\r\n");
  CAF_CHECK_EQUAL(c.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  c.send(R"({"event":{"type":"abc"}})");
  CAF_CHECK_EQUAL(c.read_answer().status, 202u);
}

CAF_TEST(options answers a preflight of an allowed origin only) {
  served s;
  client c{s.port};
  auto allowed = c.ask("OPTIONS", "/api/sse/send",
                       "Origin: http://localhost:5173\r\nAccess-Control-Request-Method: POST\r\n");
  CAF_CHECK_EQUAL(allowed.status, 204u);
  CAF_CHECK_EQUAL(allowed.header("Access-Control-Allow-Origin"), "http://localhost:5173");
  CAF_CHECK_EQUAL(allowed.header("Access-Control-Allow-Methods"), "POST, OPTIONS");
  auto other = c.ask("OPTIONS", "/api/sse/send",
                     "Origin: http://evil.example\r\nAccess-Control-Request-Method: POST\r\n");
  CAF_CHECK_EQUAL(other.header("Access-Control-Allow-Origin"), "");
  auto simple = c.ask("GET", "/livez", "Origin: http://localhost\r\n");
  CAF_CHECK_EQUAL(simple.header("Access-Control-Allow-Origin"), "http://localhost");
}

CAF_TEST(http 1.0 clients get one answer unless they ask to stay) {
  served s;
  client once{s.port};
  once.send("GET /livez HTTP/1.0\r\n\r\n");
  CAF_CHECK_EQUAL(once.read_answer().status, 200u);
  CAF_CHECK(once.ended());
  client stays{s.port};
  stays.send("GET /livez HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  CAF_CHECK_EQUAL(stays.read_answer().header("Connection"), "keep-alive");
  stays.send("GET /livez HTTP/1.0\r\n\r\n");
  CAF_CHECK_EQUAL(stays.read_answer().status, 200u);
}
