// TLS as the client speaks it: certificates are verified, and HTTP/2 is offered.
#define CAF_SUITE outbound_tls
#include "tests/support/caf_test.hpp"

#include <memory>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ssl.hpp>

#include "tests/net/outbound/asking.hpp"
#include "tests/net/outbound/scripted_server.hpp"
#include "tests/net/outbound/tls_identity.hpp"

using namespace lapwing;
using namespace lapwing::testing;
using lapwing::net::outbound_client;
using lapwing::net::outbound_failure;

namespace {

namespace ssl = boost::asio::ssl;
using tcp = boost::asio::ip::tcp;

class tls_server {
public:
  tls_server(boost::asio::io_context& io, const identity& who)
    : context_(ssl::context::tls_server),
      acceptor_(io, {boost::asio::ip::address_v4::loopback(), 0}) {
    context_.use_certificate_chain(boost::asio::buffer(who.certificate));
    context_.use_private_key(boost::asio::buffer(who.key), ssl::context::pem);
    SSL_CTX_set_alpn_select_cb(context_.native_handle(), &tls_server::note_offer, this);
    accept();
  }

  std::string url() const {
    return "https://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()) + "/";
  }

  std::string offered; ///< ALPN, as it came.
  std::size_t requests = 0;
  std::size_t handshakes = 0;

private:
  using stream = ssl::stream<tcp::socket>;

  static int note_offer(SSL*, const unsigned char** out, unsigned char* out_size,
                        const unsigned char* in, unsigned in_size, void* self) {
    static_cast<tls_server*>(self)->offered.assign(reinterpret_cast<const char*>(in), in_size);
    static constexpr unsigned char chosen[] = "http/1.1";
    *out = chosen;
    *out_size = sizeof chosen - 1;
    return SSL_TLSEXT_ERR_OK;
  }

  void accept() {
    acceptor_.async_accept([this](auto failure, tcp::socket socket) {
      if (failure)
        return;
      auto added = std::make_shared<served_connection<stream>>(
        stream{std::move(socket), context_}, 0, handle_);
      added->stream().async_handshake(stream::server, [this, added](auto refused) {
        if (refused)
          return;
        ++handshakes;
        added->read();
      });
      accept();
    });
  }

  served_connection<stream>::handler handle_ = [this](const served_request&) {
    ++requests;
    return answer("over TLS");
  };
  ssl::context context_;
  tcp::acceptor acceptor_;
};

struct world {
  world(const identity& who, const std::string& trusted)
    : server(io, who), client(io, rules(trusted)) {}

  static net::outbound_rules rules(const std::string& trusted) {
    auto chosen = loopback_rules();
    chosen.ca_file = trusted;
    return chosen;
  }

  asked_ptr run() {
    auto one = ask(client, get(server.url()));
    CAF_CHECK(finish(io, {one}));
    return one;
  }

  boost::asio::io_context io;
  tls_server server;
  outbound_client client;
};

} // namespace

CAF_TEST(a certificate of a trusted authority is taken and the connection kept) {
  identity who{"IP:127.0.0.1"};
  certificate_file trusted{who.certificate};
  world w{who, trusted.path};
  for (int i = 0; i < 3; ++i)
    CAF_CHECK_EQUAL(w.run()->body(), "over TLS");
  CAF_CHECK_EQUAL(w.server.requests, 3u);
  CAF_CHECK_EQUAL(w.server.handshakes, 1u);
  CAF_CHECK_EQUAL(w.server.offered, std::string{"\x02h2\x08http/1.1"});
}

CAF_TEST(a certificate that nobody vouches for is refused) {
  identity who{"IP:127.0.0.1"};
  world w{who, ""};
  CAF_CHECK(w.run()->code() == errc::upstream_unavailable);
  CAF_CHECK_EQUAL(w.client.metrics().failed(outbound_failure::connect), 1u);
  CAF_CHECK_EQUAL(w.server.requests, 0u);
}

CAF_TEST(a certificate of another host is refused) {
  identity who{"DNS:elsewhere.example,IP:127.0.0.2"};
  certificate_file trusted{who.certificate};
  world w{who, trusted.path};
  CAF_CHECK(w.run()->code() == errc::upstream_unavailable);
  CAF_CHECK_EQUAL(w.client.metrics().failed(outbound_failure::connect), 1u);
  CAF_CHECK_EQUAL(w.server.requests, 0u);
}

CAF_TEST(many at once to a server without HTTP/2 share a few connections) {
  identity who{"IP:127.0.0.1"};
  certificate_file trusted{who.certificate};
  world w{who, trusted.path};
  std::vector<asked_ptr> all;
  for (int i = 0; i < 100; ++i)
    all.push_back(ask(w.client, get(w.server.url())));
  CAF_REQUIRE(finish(w.io, all));
  for (const auto& one : all)
    CAF_CHECK_EQUAL(one->body(), "over TLS");
  CAF_CHECK(w.server.handshakes <= net::outbound_rules{}.under_way_per_host_max);
}
