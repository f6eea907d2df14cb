// What a server must not take, each with its documented answer, and the node goes on.
#define CAF_SUITE http_refusals

#include <memory>

#include <poll.h>

#include "tests/support/caf_test.hpp"

#include "tests/net/http/served.hpp"

using namespace lapwing;
using namespace lapwing::test;

namespace {

struct refusal {
  const char* what;
  std::string request;
  unsigned status;
  bool closes;
};

std::string post(std::string_view lines, std::string_view body = {}) {
  return "POST /api/sse/send HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
         + std::string{lines} + "\r\n" + std::string{body};
}

} // namespace

CAF_TEST(shapes that could smuggle a request are refused) {
  served s;
  const refusal table[] = {
    {"CL and TE", post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400,
     true},
    {"TE and CL", post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"), 400,
     true},
    {"two different CL", post("Content-Length: 5\r\nContent-Length: 6\r\n", "abcdef"), 400, true},
    {"two equal CL", post("Content-Length: 5\r\nContent-Length: 5\r\n", "abcde"), 400, true},
    {"a list as CL", post("Content-Length: 5, 5\r\n", "abcde"), 400, true},
    {"a signed CL", post("Content-Length: +5\r\n", "abcde"), 400, true},
    {"a negative CL", post("Content-Length: -1\r\n"), 400, true},
    {"a hexadecimal CL", post("Content-Length: 0x5\r\n", "abcde"), 400, true},
    {"an endless CL", post("Content-Length: 99999999999999999999999\r\n"), 400, true},
    {"TE gzip", post("Transfer-Encoding: gzip\r\n"), 501, true},
    {"TE gzip then chunked", post("Transfer-Encoding: gzip, chunked\r\n"), 501, true},
    {"TE identity", post("Transfer-Encoding: identity\r\n"), 501, true},
    {"TE with a tab", post("Transfer-Encoding: \x0b" "chunked\r\n"), 400, true},
    {"two TE", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 400, true},
    {"TE in 1.0", "POST /x HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400, true},
    {"a folded line", post("X-A: b\r\n c\r\nContent-Length: 0\r\n"), 400, true},
    {"a space before the colon", post("Content-Length : 5\r\n", "abcde"), 400, true},
    {"a line without colon", post("Content-Length\r\n"), 400, true},
    {"an empty name", post(": x\r\n"), 400, true},
    {"no Host", "GET /livez HTTP/1.1\r\n\r\n", 400, true},
    {"two Hosts", "GET /livez HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400, true},
    {"a Host with a path", "GET /livez HTTP/1.1\r\nHost: a/b\r\n\r\n", 400, true},
    {"a bare LF", "GET /livez HTTP/1.1\nHost: a\n\n", 400, true},
    {"one bare LF", "GET /livez HTTP/1.1\r\nHost: a\nX: y\r\n\r\n", 400, true},
    {"a bare CR", "GET /livez HTTP/1.1\r\nHost: a\rX: y\r\n\r\n", 400, true},
    {"a zero byte", std::string{"GET /livez HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n", 38}, 400, true},
    {"a control byte", "GET /livez HTTP/1.1\r\nHost: a\r\nX: \x01\r\n\r\n", 400, true},
    {"a space in the target", "GET /liv ez HTTP/1.1\r\nHost: a\r\n\r\n", 505, true},
    {"a target that is no path", "GET livez HTTP/1.1\r\nHost: a\r\n\r\n", 400, true},
    {"version 2.0", "GET /livez HTTP/2.0\r\nHost: a\r\n\r\n", 505, true},
    {"version 1.2", "GET /livez HTTP/1.2\r\nHost: a\r\n\r\n", 505, true},
    {"no version", "GET /livez\r\n\r\n", 400, true},
    {"the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, true},
    {"a TLS hello", std::string{"\x16\x03\x01\x00\xa5\x01\x00\r\n\r\n", 11}, 400, true},
    {"a chunk size with 0x", post("Transfer-Encoding: chunked\r\n", "0x5\r\nabcde\r\n0\r\n\r\n"), 400,
     true},
    {"a chunk without CRLF", post("Transfer-Encoding: chunked\r\n", "5\r\nabcdeX0\r\n\r\n"), 400, true},
    {"an endless chunk size",
     post("Transfer-Encoding: chunked\r\n", "fffffffffffffffff\r\nabc\r\n"), 400, true},
  };
  for (auto& r : table) {
    CAF_MESSAGE(r.what);
    client c{s.port};
    c.send(r.request);
    auto answer = c.read_answer();
    CAF_CHECK_EQUAL(answer.status, r.status);
    CAF_CHECK_EQUAL(answer.header("Connection") == "close", r.closes);
    if (r.closes)
      CAF_CHECK(c.ended());
  }
  CAF_CHECK(s.engine->published().empty());
  CAF_CHECK_EQUAL(client{s.port}.ask("GET", "/livez").status, 200u);
}

CAF_TEST(absolute form targets are understood) {
  served s;
  CAF_CHECK_EQUAL(client{s.port}.ask("GET", "http://localhost/livez").status, 200u);
  CAF_CHECK_EQUAL(client{s.port}.ask("GET", "http://localhost").status, 200u);
}

CAF_TEST(bodies are bounded early and late) {
  auto values = served::development();
  values.limits.body = 1000;
  values.limits.body_github = 2000;
  served s{values};
  {
    client c{s.port}; // By Content-Length, before any body byte came.
    c.send(post("Content-Length: 1001\r\n"));
    auto answer = c.read_answer();
    CAF_CHECK_EQUAL(answer.status, 413u);
    CAF_CHECK(answer.body.find("payload_too_large") != std::string::npos);
  }
  {
    client c{s.port};
    c.send(post("Transfer-Encoding: chunked\r\n", "3e9\r\n"));
    CAF_CHECK_EQUAL(c.read_answer().status, 413u);
  }
  {
    client c{s.port}; // Chunks that are small one by one.
    std::string body;
    for (int i = 0; i < 11; ++i)
      body += "64\r\n" + std::string(100, 'x') + "\r\n";
    c.send(post("Transfer-Encoding: chunked\r\n", body));
    CAF_CHECK_EQUAL(c.read_answer().status, 413u);
  }
  {
    client c{s.port}; // GitHub's deliveries may be longer.
    auto answer = c.ask("POST", "/api/webhooks/github/ann", {}, std::string(1500, 'x'));
    CAF_CHECK_EQUAL(answer.status, 401u);
    answer = c.ask("POST", "/api/webhooks/github/ann", {}, std::string(2001, 'x'));
    CAF_CHECK_EQUAL(answer.status, 413u);
  }
}

CAF_TEST(a client that still sends reads its 413) {
  auto values = served::development();
  values.limits.body = 1000;
  served s{values};
  client c{s.port};
  std::string body(8 * 1024 * 1024, 'x');
  c.send(post("Content-Length: " + std::to_string(body.size()) + "\r\n"));
  c.send(body);
  CAF_CHECK_EQUAL(c.read_answer().status, 413u);
  CAF_CHECK(c.ended());
}

CAF_TEST(bodies of the whole node are bounded) {
  auto values = served::development();
  values.limits.inflight_bytes = 5000;
  served s{values};
  auto begin = [&] {
    auto made = std::make_unique<client>(s.port);
    made->send(post("Content-Length: 4000\r\n", std::string(3999, ' ')));
    return made;
  };
  auto is_answered = [](const client& one) {
    pollfd waits{one.socket(), POLLIN, 0};
    return ::poll(&waits, 1, 0) > 0;
  };
  auto first = begin();
  // The first body is counted once the server has read it; that it has is seen by the refusal.
  for (;;) {
    if (is_answered(*first))
      first = begin(); // It was read while a second one was held, and was the one too many.
    client second{s.port};
    second.send(post("Content-Length: 2000\r\n"));
    second.send(std::string(2000, ' '));
    auto answer = second.read_answer();
    if (answer.status == 400)
      continue;
    CAF_CHECK_EQUAL(answer.status, 503u);
    CAF_CHECK(!answer.header("Retry-After").empty());
    break;
  }
  first->send(" ");
  CAF_CHECK_EQUAL(first->read_answer().status, 400u);
}

CAF_TEST(heads are bounded) {
  auto values = served::development();
  values.limits.header = 4096;
  served s{values};
  {
    client c{s.port};
    c.send("GET /" + std::string(5000, 'a'));
    CAF_CHECK_EQUAL(c.read_answer().status, 414u);
  }
  {
    client c{s.port};
    c.send("GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(5000, 'a'));
    CAF_CHECK_EQUAL(c.read_answer().status, 431u);
  }
  {
    client c{s.port};
    std::string many = "GET / HTTP/1.1\r\nHost: a\r\n";
    for (int i = 0; i < 120; ++i)
      many += "A: b\r\n";
    c.send(many + "\r\n");
    CAF_CHECK_EQUAL(c.read_answer().status, 431u);
  }
}

CAF_TEST(missing length and wrong type have their own answers) {
  served s;
  client c{s.port};
  CAF_CHECK_EQUAL(c.ask(post("")).status, 411u);
  auto form = c.ask("POST", "/api/sse/send", "Content-Type: application/x-www-form-urlencoded\r\n",
                    "a=b");
  CAF_CHECK_EQUAL(form.status, 415u);
  auto zipped = client{s.port}.ask("POST", "/api/sse/send",
                                   "Content-Type: application/json\r\nContent-Encoding: gzip\r\n",
                                   "abc");
  CAF_CHECK_EQUAL(zipped.status, 415u);
  CAF_CHECK_EQUAL(client{s.port}.ask("GET", "/livez", "Expect: miracles\r\n").status, 417u);
  auto json = client{s.port}.ask("POST", "/api/sse/send", "Content-Type: application/json\r\n",
                                 "{\"a\":");
  CAF_CHECK_EQUAL(json.status, 400u);
  CAF_CHECK(json.body.find("malformed_json") != std::string::npos);
}

CAF_TEST(slow heads and slow bodies are cut off) {
  auto values = served::development();
  values.http.header_timeout = 80ms;
  values.http.body_timeout = 80ms;
  served s{values};
  {
    client c{s.port};
    c.send("GET /livez HTT");
    CAF_CHECK_EQUAL(c.read_answer().status, 408u);
    CAF_CHECK(c.ended());
  }
  {
    client c{s.port};
    c.send(post("Content-Length: 10\r\n", "abc"));
    CAF_CHECK_EQUAL(c.read_answer().status, 408u);
    CAF_CHECK(c.ended());
  }
  {
    client c{s.port}; // Says nothing at all.
    CAF_CHECK(c.ended());
  }
}

CAF_TEST(idle connections are closed) {
  auto values = served::development();
  values.http.idle_timeout = 80ms;
  served s{values};
  client c{s.port};
  CAF_CHECK_EQUAL(c.ask("GET", "/livez").status, 200u);
  CAF_CHECK(c.ended());
}

CAF_TEST(connections over a cap are told to come later) {
  auto values = served::development();
  values.limits.connections_total = 2;
  served s{values};
  client one{s.port};
  CAF_CHECK_EQUAL(one.ask("GET", "/livez").status, 200u);
  client two{s.port};
  CAF_CHECK_EQUAL(two.ask("GET", "/livez").status, 200u);
  client three{s.port};
  auto answer = three.read_answer();
  CAF_CHECK_EQUAL(answer.status, 503u);
  CAF_CHECK_EQUAL(answer.header("Retry-After"), "5");
  CAF_CHECK(three.ended());
}

CAF_TEST(connections of one address are capped and the cap can be changed) {
  auto values = served::development();
  values.limits.connections_per_address = 1;
  served s{values, 1};
  client one{s.port};
  CAF_CHECK_EQUAL(one.ask("GET", "/livez").status, 200u);
  CAF_CHECK_EQUAL(client{s.port}.read_answer().status, 503u);
  values.limits.connections_per_address = 2;
  CAF_REQUIRE(s.server->reload(values).has_value());
  CAF_CHECK_EQUAL(client{s.port}.ask("GET", "/livez").status, 200u);
}

CAF_TEST(an engine that is late or down is no fault of the client) {
  served s;
  s.engine->publish_failure = errc::store_unavailable;
  auto body = R"({"userId":"ann","event":{"type":"x"}})";
  auto answer = client{s.port}.ask("POST", "/api/sse/send", "Content-Type: application/json\r\n",
                                   body);
  CAF_CHECK_EQUAL(answer.status, 503u);
  CAF_CHECK_EQUAL(answer.header("Retry-After"), "2");
  s.engine->publish_failure = errc::request_timeout;
  CAF_CHECK_EQUAL(client{s.port}
                    .ask("POST", "/api/sse/send", "Content-Type: application/json\r\n", body)
                    .status,
                  503u);
}
