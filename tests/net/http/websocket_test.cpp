// WebSockets over real sockets: handshake, auth, commands, violations, moving between threads.
#define CAF_SUITE http_websocket

#include "tests/support/caf_test.hpp"

#include "net/stream/websocket_frame.hpp"
#include "tests/net/http/served.hpp"

using namespace lapwing;
using namespace lapwing::test;

namespace {

std::string upgrade(std::string_view target, std::string_view lines = {}) {
  return "GET " + std::string{target}
         + " HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
           "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
         + std::string{lines} + "\r\n";
}

/// A client's frame: masked with a fixed key.
std::string frame(std::string_view payload, unsigned first_byte = 0x81) {
  std::string out;
  out += static_cast<char>(first_byte);
  if (payload.size() < 126) {
    out += static_cast<char>(0x80 | payload.size());
  } else {
    out += static_cast<char>(0xfe);
    out += static_cast<char>(payload.size() >> 8);
    out += static_cast<char>(payload.size() & 0xff);
  }
  std::string_view key{"\x11\x22\x33\x44", 4};
  out += key;
  for (std::size_t i = 0; i < payload.size(); ++i)
    out += static_cast<char>(payload[i] ^ key[i % 4]);
  return out;
}

struct received {
  unsigned opcode = 0;
  std::string payload;
  unsigned close_code() const {
    return payload.size() < 2 ? 0u
                              : static_cast<unsigned>(static_cast<unsigned char>(payload[0]) << 8
                                                      | static_cast<unsigned char>(payload[1]));
  }
};

received read_frame(client& c) {
  auto head = c.read_bytes(2);
  received r;
  r.opcode = static_cast<unsigned char>(head[0]) & 0x0f;
  std::size_t length = static_cast<unsigned char>(head[1]);
  if (length == 126) {
    auto more = c.read_bytes(2);
    length = static_cast<std::size_t>(static_cast<unsigned char>(more[0])) << 8
             | static_cast<unsigned char>(more[1]);
  }
  r.payload = c.read_bytes(length);
  return r;
}

constexpr std::string_view auth_ann = R"({"type":"auth","userId":"ann"})";

} // namespace

CAF_TEST(the handshake answers with the key of the standard) {
  served s;
  client c{s.port};
  c.send(upgrade("/ws"));
  auto head = c.read_until("\r\n\r\n");
  CAF_CHECK(head.starts_with("HTTP/1.1 101 Switching Protocols\r\n"));
  CAF_CHECK(head.find("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n")
            != std::string::npos);
  CAF_CHECK(head.find("Sec-WebSocket-Extensions") == std::string::npos);
}

CAF_TEST(bad handshakes are refused) {
  served s;
  auto no_upgrade = client{s.port}.ask("GET", "/ws");
  CAF_CHECK_EQUAL(no_upgrade.status, 426u);
  CAF_CHECK_EQUAL(no_upgrade.header("Sec-WebSocket-Version"), "13");
  auto with = [](std::string text, std::string_view from, std::string_view to) {
    text.replace(text.find(from), from.size(), to);
    return text;
  };
  CAF_CHECK_EQUAL(client{s.port}.ask(with(upgrade("/ws"), "Version: 13", "Version: 8")).status,
                  426u);
  CAF_CHECK_EQUAL(client{s.port}.ask(with(upgrade("/ws"), "dGhlIHN", "dGhl")).status, 400u);
  CAF_CHECK_EQUAL(client{s.port}.ask(upgrade("/ws", "Origin: http://evil.example\r\n")).status,
                  403u);
}

CAF_TEST(the first message opens the stream with everything it says) {
  served s;
  client c{s.port};
  c.send(upgrade("/ws"));
  c.read_until("\r\n\r\n");
  c.send(frame(R"({"type":"auth","userId":"ann","lastEventId":"u5","types":["a"],)"
               R"("platforms":["github"],"rooms":["admin"],"payload":"full"})"));
  auto hello = read_frame(c);
  CAF_CHECK_EQUAL(hello.opcode, 1u);
  CAF_CHECK_EQUAL(hello.payload, R"({"type":"connected","userId":"ann"})");
  auto request = s.engine->streams().at(0);
  CAF_CHECK_EQUAL(request.last_event_id.value(), "u5");
  CAF_CHECK_EQUAL(request.filter.types.at(0), "a");
  CAF_CHECK_EQUAL(request.rooms.at(0).str(), "admin");
  CAF_CHECK_EQUAL(request.transport, "websocket");
}

CAF_TEST(what follows the auth message in the same packet survives the move to another thread) {
  served s{served::development(), 4};
  for (int user = 0; user < 12; ++user) {
    client c{s.port};
    std::string burst = upgrade("/ws");
    burst += frame(R"({"type":"auth","userId":"user)" + std::to_string(user) + "\"}");
    for (int i = 0; i < 20; ++i)
      burst += frame(R"({"type":"ping"})");
    auto half = frame(R"({"type":"ping"})");
    c.send(burst + half.substr(0, 5));
    c.read_until("\r\n\r\n");
    CAF_CHECK(read_frame(c).payload.find("connected") != std::string::npos);
    for (int i = 0; i < 20; ++i)
      CAF_CHECK_EQUAL(read_frame(c).payload, R"({"type":"pong"})");
    c.send(half.substr(5));
    CAF_CHECK_EQUAL(read_frame(c).payload, R"({"type":"pong"})");
  }
}

CAF_TEST(frames may come byte by byte) {
  served s;
  client c{s.port};
  c.send(upgrade("/ws"));
  c.read_until("\r\n\r\n");
  for (char byte : frame(auth_ann) + frame(R"({"type":"pi)", 0x01) + frame("", 0x89)
                     + frame(R"(ng"})", 0x80))
    c.send({&byte, 1});
  CAF_CHECK(read_frame(c).payload.find("connected") != std::string::npos);
  CAF_CHECK_EQUAL(read_frame(c).opcode, 10u);
  CAF_CHECK_EQUAL(read_frame(c).payload, R"({"type":"pong"})");
}

CAF_TEST(violations are closed with the code of the standard) {
  served s;
  const struct {
    const char* what;
    std::string bytes;
    unsigned code;
  } table[] = {
    {"unmasked", std::string{"\x81\x02hi", 4}, 1002},
    {"reserved bit", frame("hi", 0xc1), 1002},
    {"bad opcode", frame("hi", 0x83), 1002},
    {"bad control opcode", frame("hi", 0x8b), 1002},
    {"fragmented control", frame("hi", 0x09), 1002},
    {"long control", frame(std::string(126, 'x'), 0x89), 1002},
    {"continuation of nothing", frame("hi", 0x80), 1002},
    {"message in a message", frame("a", 0x01) + frame("b", 0x81), 1002},
    {"text that is no UTF-8", frame("\xff\xfe"), 1007},
    {"half a character at the end of a fragment", frame("\xe2\x82", 0x01) + frame("x", 0x80), 1007},
    {"too long", std::string{"\x81\xff\x00\x00\x00\x00\x01\x00\x00\x00", 10} + "abcd", 1009},
    {"close with one byte", frame("x", 0x88), 1002},
    {"close with a bad code", frame(std::string_view{"\x03\xed", 2}, 0x88), 1002},
    {"close with a bad reason", frame(std::string_view{"\x03\xe8\xff", 3}, 0x88), 1007},
    {"a normal close", frame(std::string_view{"\x03\xe8", 2}, 0x88), 1000},
    {"an own code", frame(std::string_view{"\x0f\xa0", 2}, 0x88), 4000},
    {"a close without code", frame("", 0x88), 1000},
  };
  std::size_t streams = 0;
  for (bool open : {true, false})
    for (auto& row : table) {
      CAF_MESSAGE(row.what);
      client c{s.port};
      c.send(upgrade("/ws"));
      c.read_until("\r\n\r\n");
      if (open) {
        c.send(frame(auth_ann));
        read_frame(c);
        ++streams;
      }
      c.send(row.bytes);
      auto answer = read_frame(c);
      CAF_CHECK_EQUAL(answer.opcode, 8u);
      CAF_CHECK_EQUAL(answer.close_code(), row.code);
      CAF_CHECK(c.ended());
    }
  s.engine->wait_for_closed(streams);
}

CAF_TEST(a fragmented text with a split character is whole) {
  served s;
  client c{s.port};
  c.send(upgrade("/ws"));
  c.read_until("\r\n\r\n");
  c.send(frame(auth_ann));
  read_frame(c);
  c.send(frame("{\"type\":\"subscribe\",\"types\":[\"a\"],\"x\":\"\xe2\x82", 0x01)
         + frame("\xac\"}", 0x80));
  CAF_CHECK_EQUAL(read_frame(c).payload, R"({"type":"answer"})");
}

CAF_TEST(a client that does not authenticate is closed with 4401) {
  auto values = served::development();
  values.streams.auth_timeout = 80ms;
  served s{values};
  client silent{s.port};
  silent.send(upgrade("/ws"));
  silent.read_until("\r\n\r\n");
  CAF_CHECK_EQUAL(read_frame(silent).close_code(), 4401u);
  CAF_CHECK(silent.ended());
  client other{s.port};
  other.send(upgrade("/ws") + frame(R"({"type":"ping"})"));
  other.read_until("\r\n\r\n");
  CAF_CHECK_EQUAL(read_frame(other).close_code(), 4401u);
}

CAF_TEST(commands reach the session and nonsense is answered) {
  served s;
  client c{s.port};
  c.send(upgrade("/ws") + frame(auth_ann));
  c.read_until("\r\n\r\n");
  read_frame(c);
  c.send(frame(R"({"type":"subscribe","rooms":["r1"],"types":["t"]})"));
  CAF_CHECK_EQUAL(read_frame(c).payload, R"({"type":"answer"})");
  auto command = s.engine->command_at(0);
  auto* subscribe = std::get_if<stream_command::subscribe>(&command);
  CAF_REQUIRE(subscribe != nullptr);
  CAF_CHECK_EQUAL(subscribe->rooms.at(0).str(), "r1");
  for (auto nonsense : {"{", "[]", R"({"type":"dance"})", R"({"type":"subscribe","rooms":"x"})",
                        R"({"type":"subscribe","rooms":["a b"]})"}) {
    c.send(frame(nonsense));
    CAF_CHECK_EQUAL(read_frame(c).payload, R"({"type":"invalid_message"})");
  }
  c.send(frame("x", 0x82));
  CAF_CHECK_EQUAL(read_frame(c).payload, R"({"type":"invalid_message"})");
}

CAF_TEST(server pings are answered by pongs and count as signs of life) {
  served s;
  client c{s.port};
  c.send(upgrade("/ws") + frame(auth_ann));
  c.read_until("\r\n\r\n");
  read_frame(c);
  s.engine->for_each_sink("ann", [](client_sink& sink) { sink.ping(); });
  CAF_CHECK_EQUAL(read_frame(c).opcode, 9u);
  c.send(frame("payload", 0x89));
  auto pong = read_frame(c);
  CAF_CHECK_EQUAL(pong.opcode, 10u);
  CAF_CHECK_EQUAL(pong.payload, "payload");
}

CAF_TEST(the rooms of seed 004 open by their paths) {
  served s;
  client admin{s.port};
  admin.send(upgrade("/ws/admin"));
  admin.read_until("\r\n\r\n");
  CAF_CHECK(read_frame(admin).payload.find("connected") != std::string::npos);
  client artist{s.port};
  artist.send(upgrade("/ws/artist/bob"));
  artist.read_until("\r\n\r\n");
  read_frame(artist);
  auto streams = s.engine->streams();
  CAF_CHECK_EQUAL(streams.at(0).rooms.at(0).str(), "admin");
  CAF_CHECK_EQUAL(streams.at(1).rooms.at(0).str(), "artist:bob");
  CAF_CHECK_EQUAL(streams.at(1).user.str(), "bob");
}

CAF_TEST(a draining node closes with 1012) {
  served s;
  client open{s.port};
  open.send(upgrade("/ws") + frame(auth_ann));
  open.read_until("\r\n\r\n");
  read_frame(open);
  client waiting{s.port};
  waiting.send(upgrade("/ws"));
  waiting.read_until("\r\n\r\n");
  s.server->drain();
  CAF_CHECK_EQUAL(read_frame(open).close_code(), 1012u);
  CAF_CHECK_EQUAL(read_frame(waiting).close_code(), 1012u);
}
