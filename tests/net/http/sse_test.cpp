// Server-sent events over real sockets.
#define CAF_SUITE http_sse

#include "tests/support/caf_test.hpp"

#include "tests/net/http/served.hpp"

using namespace lapwing;
using namespace lapwing::test;

namespace {

std::string stream_request_for(std::string_view user, std::string_view lines = {},
                               std::string_view query = {}) {
  return "GET /api/sse/stream?userId=" + std::string{user} + std::string{query}
         + " HTTP/1.1\r\nHost: localhost\r\n" + std::string{lines} + "\r\n";
}

std::string send_body(std::string_view user, std::string_view event) {
  return R"({"userId":")" + std::string{user} + R"(","event":)" + std::string{event} + "}";
}

} // namespace

CAF_TEST(a stream begins with its connected message and then has named events) {
  served s;
  client c{s.port};
  c.send(stream_request_for("ann"));
  auto head = c.read_until("\r\n\r\n");
  CAF_CHECK(head.starts_with("HTTP/1.1 200 OK\r\n"));
  CAF_CHECK(head.find("Content-Type: text/event-stream\r\n") != std::string::npos);
  CAF_CHECK_EQUAL(c.read_until("\n\n"), "retry: 2000\n\n");
  CAF_CHECK_EQUAL(c.read_until("\n\n"), "id: u0\ndata: {\"type\":\"connected\",\"userId\":\"ann\"}\n\n");
  client sender{s.port};
  auto sent = sender.ask("POST", "/api/sse/send", "Content-Type: application/json\r\n",
                         send_body("ann", R"({"type":"note","message":"hello"})"));
  CAF_CHECK_EQUAL(sent.status, 202u);
  CAF_CHECK_EQUAL(sent.body, R"({"id":"u1","sessions":1})");
  auto event = c.read_until("\n\n");
  CAF_CHECK(event.starts_with("event: note\nid: u1\ndata: {\"id\":\"u1\",\"type\":\"note\""));
}

CAF_TEST(streams of many users all reach their home threads) {
  served s{served::development(), 3};
  std::vector<std::unique_ptr<client>> clients;
  for (int i = 0; i < 30; ++i) {
    clients.push_back(std::make_unique<client>(s.port));
    clients.back()->send(stream_request_for("user" + std::to_string(i)));
  }
  for (int i = 0; i < 30; ++i) {
    auto hello = clients[static_cast<std::size_t>(i)]->read_until("connected");
    CAF_CHECK(hello.find("200 OK") != std::string::npos);
  }
  client sender{s.port};
  for (int i = 0; i < 30; ++i)
    sender.ask("POST", "/api/sse/send", "Content-Type: application/json\r\n",
               send_body("user" + std::to_string(i), R"({"type":"note"})"));
  for (auto& c : clients)
    c->read_until("event: note\n");
}

CAF_TEST(the resume point and the filters reach the session) {
  served s;
  client c{s.port};
  c.send(stream_request_for("ann", "Last-Event-ID: u7\r\n",
                            "&lastEventId=u3&types=a,b&platforms=github&rooms=x%3Ay&payload=full"));
  c.read_until("connected");
  auto request = s.engine->streams().at(0);
  CAF_CHECK_EQUAL(request.last_event_id.value(), "u7");
  CAF_CHECK_EQUAL(request.filter.types.size(), 2u);
  CAF_CHECK_EQUAL(request.filter.platforms.at(0), "github");
  CAF_CHECK_EQUAL(request.rooms.at(0).str(), "x:y");
  CAF_CHECK(request.filter.full_payload);
  CAF_CHECK_EQUAL(request.transport, "sse");
  CAF_CHECK(request.peer.starts_with("127.0.0.1:"));
}

CAF_TEST(cloudevents are sent on request) {
  served s;
  client c{s.port};
  c.send(stream_request_for("ann", "Accept: application/cloudevents+json\r\n"));
  c.read_until("\"specversion\":\"1.0\"");
  CAF_CHECK_EQUAL(std::string{s.engine->streams().at(0).codec->name()}, "sse-cloudevents");
}

CAF_TEST(a session that refuses before it begins is a problem document) {
  served s;
  s.engine->stream_failure = errc::too_many_sessions;
  client c{s.port};
  c.send(stream_request_for("ann", "X-Request-Id: r-1\r\n"));
  auto answer = c.read_answer();
  CAF_CHECK_EQUAL(answer.status, 429u);
  CAF_CHECK_EQUAL(answer.header("X-Request-Id"), "r-1");
  CAF_CHECK(answer.body.find("too_many_sessions") != std::string::npos);
  CAF_CHECK(c.ended());
  s.engine->wait_for_closed(1);
}

CAF_TEST(a session learns that its client went) {
  served s;
  {
    client c{s.port};
    c.send(stream_request_for("ann"));
    c.read_until("connected");
  }
  s.engine->wait_for_closed(1);
}

CAF_TEST(a slow client is cut off with a reason and does not grow without bound) {
  auto values = served::development();
  values.limits.session_queue = 64 * 1024;
  served s{values};
  client c{s.port, 4096};
  c.send(stream_request_for("ann"));
  c.read_until("connected");
  std::atomic<bool> refused{false};
  std::atomic<std::size_t> most{0};
  std::string event = "event: x\ndata: " + std::string(1000, 'x') + "\n\n";
  s.engine->for_each_sink("ann", [&](client_sink& sink) {
    for (int i = 0; i < 100'000 && !refused; ++i) {
      refused = !sink.write(event);
      most = std::max(most.load(), sink.queued_bytes());
    }
  });
  auto rest = c.read_to_end();
  CAF_CHECK(refused.load());
  CAF_CHECK(most.load() <= 66 * 1024);
  CAF_CHECK(rest.ends_with(": closed: slow_consumer\n\n"));
  s.engine->wait_for_closed(1);
}

CAF_TEST(a session hears when its queue is empty again) {
  auto values = served::development();
  values.limits.session_queue = 8 * 1024 * 1024;
  served s{values};
  client c{s.port, 4096};
  c.send(stream_request_for("ann"));
  c.read_until("connected");
  std::string big(6 * 1024 * 1024, 'x');
  s.engine->for_each_sink("ann", [&](client_sink& sink) {
    sink.write(big);
    sink.write("END");
  });
  c.read_until("END");
  s.engine->wait_for_drained(1);
}

CAF_TEST(one event longer than the queue still arrives) {
  served s;
  client c{s.port, 4096};
  c.send(stream_request_for("ann"));
  c.read_until("connected");
  std::string big(6 * 1024 * 1024, 'x');
  s.engine->for_each_sink("ann", [&](client_sink& sink) { sink.write(big + "END"); });
  CAF_CHECK(c.read_until("END").size() > big.size());
}

CAF_TEST(an operator can close a stream) {
  served s;
  client c{s.port};
  c.send(stream_request_for("ann"));
  c.read_until("connected");
  s.engine->for_each_sink("ann", [](client_sink& sink) { sink.close({errc::session_closed, {}}); });
  CAF_CHECK(c.read_to_end().ends_with(": closed: session_closed\n\n"));
  s.engine->wait_for_closed(1);
}

CAF_TEST(a draining node tells its streams and takes no more) {
  served s;
  client c{s.port};
  c.send(stream_request_for("ann"));
  c.read_until("connected");
  client idle{s.port};
  idle.ask("GET", "/livez");
  s.server->drain();
  auto last = c.read_to_end();
  CAF_CHECK(last.find("retry: ") != std::string::npos);
  CAF_CHECK(last.ends_with(": closed: shutting_down\n\n"));
  CAF_CHECK(idle.ended());
  CAF_CHECK_EQUAL(s.engine->streams().size(), 1u);
}
