// How `lapwing admin` asks a node, against a server that plays one answer.
#define CAF_SUITE app_admin_client

#include "tests/support/caf_test.hpp"

#include <thread>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app/admin_client.hpp"

using namespace lapwing;

namespace {

/// Takes one connection on a free port, reads a request's head, answers, closes.
class one_answer {
public:
  explicit one_answer(std::string answer) : answer_(std::move(answer)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    CAF_REQUIRE_EQUAL(::bind(listener_, generic, size), 0);
    CAF_REQUIRE_EQUAL(::listen(listener_, 1), 0);
    CAF_REQUIRE_EQUAL(::getsockname(listener_, generic, &size), 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread{[this] { serve(); }};
  }

  ~one_answer() {
    join();
    ::close(listener_);
  }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

  /// What came in, once the answer went out.
  const std::string& request() {
    join();
    return request_;
  }

private:
  void join() {
    if (thread_.joinable())
      thread_.join();
  }

  void serve() {
    const int connection = ::accept(listener_, nullptr, nullptr);
    char piece[1024];
    while (request_.find("\r\n\r\n") == std::string::npos) {
      const auto count = ::recv(connection, piece, sizeof piece, 0);
      if (count <= 0)
        break;
      request_.append(piece, static_cast<std::size_t>(count));
    }
    ::send(connection, answer_.data(), answer_.size(), MSG_NOSIGNAL);
    ::close(connection);
  }

  std::string answer_;
  std::string request_;
  int listener_ = -1;
  int port_ = 0;
  std::thread thread_;
};

std::string with_status(const std::string& status, const std::string& body) {
  return "HTTP/1.1 " + status + "\r\nConnection: close\r\nContent-Length: "
         + std::to_string(body.size()) + "\r\n\r\n" + body;
}

/// What the client says about this answer.
std::string failure_of(const std::string& answer) {
  one_answer server{answer};
  const auto outcome = admin_client{server.url(), "secret-token", ""}.get("nodes");
  const auto* failure = std::get_if<admin_failure>(&outcome);
  return failure ? failure->why : "it was fine";
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != text.npos;
}

} // namespace

CAF_TEST(a question goes to the admin routes with the token) {
  one_answer server{with_status("200 OK", R"({"nodes":[]})")};
  const auto outcome = admin_client{server.url() + "/", "secret-token", ""}.get("user/ann");
  CAF_REQUIRE(std::holds_alternative<std::string>(outcome));
  CAF_CHECK_EQUAL(std::get<std::string>(outcome), R"({"nodes":[]})");
  CAF_CHECK(server.request().starts_with("GET /admin/user/ann HTTP/1.1\r\n"));
  CAF_CHECK(contains(server.request(), "\r\nAuthorization: Bearer secret-token\r\n"));
}

CAF_TEST(a command is a POST without a body) {
  one_answer server{with_status("200 OK", R"({"ok":true})")};
  const auto outcome = admin_client{server.url(), "", ""}.post("log-level/debug");
  CAF_CHECK(std::holds_alternative<std::string>(outcome));
  CAF_CHECK(server.request().starts_with("POST /admin/log-level/debug HTTP/1.1\r\n"));
  CAF_CHECK(contains(server.request(), "\r\nContent-Length: 0\r\n"));
  CAF_CHECK(!contains(server.request(), "Authorization"));
}

CAF_TEST(a refusal says what to do and never shows the token) {
  const auto problem = R"({"status":401,"code":"missing_token","detail":"no token came"})";
  for (const auto& [status, words] :
       {std::pair{"401 Unauthorized", "LAPWING_ADMIN_TOKEN"},
        std::pair{"403 Forbidden", "needs role admin"}, std::pair{"404 Not Found", "no such thing"},
        std::pair{"503 Service Unavailable", "answered 503"}}) {
    const auto why = failure_of(with_status(status, problem));
    CAF_CHECK(contains(why, words));
    CAF_CHECK(contains(why, "missing_token: no token came"));
    CAF_CHECK(!contains(why, "secret-token"));
  }
  CAF_CHECK_EQUAL(failure_of(with_status("502 Bad Gateway", "<html>")), "the node answered 502");
}

CAF_TEST(a node that hangs up is told from one that is not there) {
  CAF_CHECK(contains(failure_of(""), "closed the connection without an answer"));
  std::string gone;
  {
    one_answer server{with_status("200 OK", "{}")};
    gone = server.url();
    admin_client{gone, "", ""}.get("nodes");
  }
  const auto outcome = admin_client{gone, "", ""}.get("nodes");
  CAF_REQUIRE(std::holds_alternative<admin_failure>(outcome));
  CAF_CHECK(contains(std::get<admin_failure>(outcome).why, "cannot reach a node at"));
}
