#define CAF_SUITE auth_https_fetcher
#include "tests/support/caf_test.hpp"

#include <arpa/inet.h>
#include <future>
#include <netinet/in.h>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

#include "net/auth/https_fetcher.hpp"
#include "tests/net/auth/helpers.hpp"

using namespace lapwing;
using namespace lapwing::testing;

namespace {

/// Takes one connection, reads the head of the request, answers with the given bytes and closes;
/// an empty answer leaves the client waiting until it hangs up.
class one_answer_server {
public:
  explicit one_answer_server(std::string answer) {
    listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address);
    ::listen(listener_, 1);
    socklen_t size = sizeof address;
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread{[this, text = std::move(answer)] { serve(text); }};
  }
  ~one_answer_server() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/jwks"; }
  std::future<void> asked() { return asked_.get_future(); }

private:
  void serve(const std::string& answer) {
    int peer = ::accept(listener_, nullptr, nullptr);
    if (peer < 0)
      return;
    char buffer[4096];
    std::string head;
    while (head.find("\r\n\r\n") == head.npos) {
      auto count = ::recv(peer, buffer, sizeof buffer, 0);
      if (count <= 0)
        break;
      head.append(buffer, static_cast<std::size_t>(count));
    }
    asked_.set_value();
    if (answer.empty())
      while (::recv(peer, buffer, sizeof buffer, 0) > 0) {}
    ::send(peer, answer.data(), answer.size(), MSG_NOSIGNAL);
    ::close(peer);
  }

  int listener_ = -1;
  int port_ = 0;
  std::promise<void> asked_;
  std::thread thread_;
};

result<fetched_text> fetch(https_fetcher& fetcher, const std::string& url) {
  auto told = std::make_shared<std::promise<result<fetched_text>>>();
  fetcher.fetch(url, [told](result<fetched_text> outcome) { told->set_value(std::move(outcome)); });
  return told->get_future().get();
}

std::string fetch_code(const std::string& answer, https_fetcher_rules rules = {}) {
  one_answer_server server{answer};
  https_fetcher fetcher{rules};
  return code_of(fetch(fetcher, server.url()));
}

} // namespace

CAF_TEST(a document comes with its freshness) {
  one_answer_server server{"HTTP/1.1 200 OK\r\nCache-Control: public, max-age=300\r\nAge: 100\r\n"
                           "Content-Length: 11\r\n\r\n{\"keys\":[]}"};
  https_fetcher fetcher;
  auto outcome = fetch(fetcher, server.url());
  CAF_REQUIRE(outcome);
  CAF_CHECK_EQUAL(outcome->body, "{\"keys\":[]}");
  CAF_CHECK(outcome->max_age == std::chrono::seconds{200});
}

CAF_TEST(redirects and failures and large documents are refused) {
  CAF_CHECK_EQUAL(fetch_code("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n"
                             "Content-Length: 0\r\n\r\n"),
                  "upstream_unavailable");
  CAF_CHECK_EQUAL(fetch_code("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"),
                  "upstream_unavailable");
  CAF_CHECK_EQUAL(fetch_code("no HTTP"), "upstream_unavailable");
  CAF_CHECK_EQUAL(fetch_code("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"),
                  "upstream_unavailable");
  https_fetcher_rules rules;
  rules.body_bytes_max = 10;
  CAF_CHECK_EQUAL(fetch_code("HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{\"keys\":[]}", rules),
                  "upstream_unavailable");
  https_fetcher fetcher;
  CAF_CHECK_EQUAL(code_of(fetch(fetcher, "http://127.0.0.1:1/")), "upstream_unavailable");
  CAF_CHECK_EQUAL(code_of(fetch(fetcher, "http://example.com/")), "bad_request");
}

CAF_TEST(a server that says nothing does not keep us) {
  https_fetcher_rules rules;
  rules.timeout = std::chrono::milliseconds{50};
  CAF_CHECK_EQUAL(fetch_code("", rules), "upstream_unavailable");
}

CAF_TEST(the end of the fetcher tells everybody who waits) {
  one_answer_server server{""};
  auto under_way = server.asked();
  auto first = std::make_shared<std::promise<std::string>>();
  auto second = std::make_shared<std::promise<std::string>>();
  auto refused = std::make_shared<std::promise<std::string>>();
  {
    https_fetcher_rules rules;
    rules.queue_max = 1;
    https_fetcher fetcher{rules};
    auto tell = [](auto promise) {
      return [promise](result<fetched_text> outcome) { promise->set_value(code_of(outcome)); };
    };
    fetcher.fetch(server.url(), tell(first));
    under_way.wait();
    fetcher.fetch(server.url(), tell(second));
    fetcher.fetch(server.url(), tell(refused));
    CAF_CHECK_EQUAL(refused->get_future().get(), "upstream_unavailable");
  }
  CAF_CHECK_EQUAL(first->get_future().get(), "shutting_down");
  CAF_CHECK_EQUAL(second->get_future().get(), "shutting_down");
}
