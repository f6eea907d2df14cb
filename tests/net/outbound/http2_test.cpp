// HTTP/2 (RFC 9113) as the client speaks it, against a server that writes its frames by hand and
// reads no more of the client's than it must.
#define CAF_SUITE outbound_http2
#include "tests/support/caf_test.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>

#include "tests/net/outbound/asking.hpp"
#include "tests/net/outbound/tls_identity.hpp"

using namespace lapwing;
using namespace lapwing::testing;
using lapwing::net::outbound_client;

namespace {

namespace ssl = boost::asio::ssl;
using tcp = boost::asio::ip::tcp;

enum frame_type : std::uint8_t { data = 0, headers = 1, settings = 4, ping = 6 };
constexpr std::uint8_t end_stream = 1;
constexpr std::uint8_t ack = 1;
constexpr std::uint8_t end_headers = 4;

std::string frame(frame_type type, std::uint8_t flags, std::uint32_t stream,
                  std::string_view payload = {}) {
  std::string out;
  for (int shift : {16, 8, 0})
    out += static_cast<char>((payload.size() >> shift) & 0xff);
  out += static_cast<char>(type);
  out += static_cast<char>(flags);
  for (int shift : {24, 16, 8, 0})
    out += static_cast<char>((stream >> shift) & 0xff);
  return out.append(payload);
}

/// What a test decides: how many requests must have come before any is answered, and after how many
/// the connection is closed without an answer.
struct plan {
  std::size_t hold_until = 0;
  std::size_t close_at = 1'000'000;
};

class http2_server {
public:
  http2_server(boost::asio::io_context& io, const identity& who)
    : context_(ssl::context::tls_server),
      acceptor_(io, {boost::asio::ip::address_v4::loopback(), 0}) {
    context_.use_certificate_chain(boost::asio::buffer(who.certificate));
    context_.use_private_key(boost::asio::buffer(who.key), ssl::context::pem);
    SSL_CTX_set_alpn_select_cb(
      context_.native_handle(),
      [](SSL*, const unsigned char** out, unsigned char* size, const unsigned char*, unsigned,
         void*) {
        *out = reinterpret_cast<const unsigned char*>("h2");
        *size = 2;
        return SSL_TLSEXT_ERR_OK;
      },
      nullptr);
    accept();
  }

  std::string url() const {
    return "https://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()) + "/";
  }

  plan todo;
  std::size_t connections = 0;
  std::size_t requests = 0;
  std::size_t body_bytes = 0;

private:
  struct session : std::enable_shared_from_this<session> {
    session(http2_server& on, tcp::socket socket)
      : server(on), stream(std::move(socket), on.context_) {}

    void start() {
      stream.async_handshake(ssl::stream<tcp::socket>::server,
                             [self = shared_from_this()](auto failure) {
                               if (failure)
                                 return;
                               self->send(frame(settings, 0, 0));
                               self->read();
                             });
    }

    void read() {
      stream.async_read_some(boost::asio::buffer(chunk),
                             [self = shared_from_this()](auto failure, std::size_t count) {
                               if (failure)
                                 return;
                               self->seen.append(self->chunk, count);
                               if (self->take())
                                 self->read();
                               else
                                 self->stream.lowest_layer().close();
                             });
    }

    bool take() {
      constexpr std::string_view preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
      if (!greeted && seen.size() >= preface.size()) {
        CAF_CHECK(seen.starts_with(preface));
        seen.erase(0, preface.size());
        greeted = true;
      }
      while (greeted && seen.size() >= 9) {
        auto byte = [this](std::size_t at) {
          return static_cast<std::uint32_t>(static_cast<unsigned char>(seen[at]));
        };
        auto length = byte(0) << 16 | byte(1) << 8 | byte(2);
        if (seen.size() < 9 + length)
          break;
        auto id = byte(5) << 24 | byte(6) << 16 | byte(7) << 8 | byte(8);
        auto flags = static_cast<std::uint8_t>(byte(4));
        auto type = byte(3);
        auto payload = seen.substr(9, length);
        seen.erase(0, 9 + length);
        if (type == data)
          server.body_bytes += length;
        if (type == settings && (flags & ack) == 0)
          send(frame(settings, ack, 0));
        else if (type == ping && (flags & ack) == 0)
          send(frame(ping, ack, 0, payload));
        else if ((type == headers || type == data) && (flags & end_stream) != 0
                 && !take_request(id))
          return false;
      }
      return true;
    }

    bool take_request(std::uint32_t id) {
      if (++server.requests >= server.todo.close_at)
        return false;
      waiting.push_back(id);
      if (server.requests < server.todo.hold_until)
        return true;
      for (auto each : waiting) {
        // 0x88 is ":status: 200" (RFC 7541 appendix A).
        send(frame(headers, end_headers, each, "\x88"));
        send(frame(data, end_stream, each, "over HTTP/2"));
      }
      waiting.clear();
      return true;
    }

    void send(std::string bytes) {
      out += bytes;
      if (writing.empty())
        write();
    }

    void write() {
      writing.swap(out);
      out.clear();
      boost::asio::async_write(stream, boost::asio::buffer(writing),
                               [self = shared_from_this()](auto failure, std::size_t) {
                                 self->writing.clear();
                                 if (!failure && !self->out.empty())
                                   self->write();
                               });
    }

    http2_server& server;
    ssl::stream<tcp::socket> stream;
    char chunk[4096];
    std::string seen;
    std::string out;
    std::string writing;
    std::vector<std::uint32_t> waiting;
    bool greeted = false;
  };

  void accept() {
    acceptor_.async_accept([this](auto failure, tcp::socket socket) {
      if (failure)
        return;
      ++connections;
      std::make_shared<session>(*this, std::move(socket))->start();
      accept();
    });
  }

  ssl::context context_;
  tcp::acceptor acceptor_;
};

struct world {
  world() : world(identity{"IP:127.0.0.1"}) {}
  explicit world(const identity& who)
    : server(io, who), trusted(who.certificate), client(io, rules(trusted.path)) {}

  static net::outbound_rules rules(const std::string& ca_file) {
    auto chosen = loopback_rules();
    chosen.ca_file = ca_file;
    return chosen;
  }

  asked_ptr run(http_request request) {
    auto one = ask(client, std::move(request));
    CAF_CHECK(finish(io, {one}));
    return one;
  }

  boost::asio::io_context io;
  http2_server server;
  certificate_file trusted;
  outbound_client client;
};

} // namespace

CAF_TEST(HTTP 2 is spoken where the server offers it and its connection is kept) {
  world w;
  for (int i = 0; i < 3; ++i)
    CAF_CHECK_EQUAL(w.run(get(w.server.url()))->body(), "over HTTP/2");
  auto large = w.run(post(w.server.url(), std::string(50'000, 'b')));
  CAF_CHECK_EQUAL(large->status(), 200);
  CAF_CHECK_EQUAL(w.server.body_bytes, 50'000u);
  CAF_CHECK_EQUAL(w.server.connections, 1u);
}

CAF_TEST(many at once share one connection) {
  world w;
  w.server.todo.hold_until = 30; // All must have come before the first is answered.
  std::vector<asked_ptr> all;
  for (int i = 0; i < 30; ++i)
    all.push_back(ask(w.client, get(w.server.url())));
  CAF_REQUIRE(finish(w.io, all));
  for (const auto& one : all)
    CAF_CHECK_EQUAL(one->body(), "over HTTP/2");
  CAF_CHECK_EQUAL(w.server.connections, 1u);
}

CAF_TEST(a post is sent once also over a kept connection that closes) {
  for (const char* body : {"", "refresh_token=x"}) {
    world w;
    CAF_CHECK_EQUAL(w.run(get(w.server.url()))->status(), 200);
    w.server.todo.close_at = 2;
    CAF_CHECK(w.run(post(w.server.url(), body))->code() == errc::upstream_unavailable);
    CAF_CHECK_EQUAL(w.server.requests, 2u);
  }
}
