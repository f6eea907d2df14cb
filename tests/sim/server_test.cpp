// The simulator behind a real socket: addresses, deliveries to this machine, broken answers.
#define CAF_SUITE sim_server
#include "tests/support/caf_test.hpp"

#include <future>
#include <sstream>
#include <thread>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <nlohmann/json.hpp>

#include "sim/server.hpp"
#include "sim/text.hpp"

using namespace lapwing;
using namespace lapwing::sim;
using nlohmann::json;

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

/// Status 0 when the connection ended before the answer did.
struct reply {
  int status = 0;
  std::string head;
  std::string body;
};

reply reply_of(const std::string& all) {
  auto blank = all.find("\r\n\r\n");
  if (blank == std::string::npos)
    return {};
  reply out{0, all.substr(0, blank + 2), all.substr(blank + 4)};
  auto length = out.head.find("Content-Length: ");
  std::size_t announced = 0;
  if (length != std::string::npos)
    announced = std::stoul(out.head.substr(length + 16));
  if (out.body.size() == announced)
    out.status = std::stoi(out.head.substr(9, 3));
  return out;
}

struct running {
  explicit running(simulator_options options = {}) {
    auto started = simulator::start(std::move(options));
    CAF_REQUIRE(started.has_value());
    one = std::move(*started);
    port = one->base_url().substr(one->base_url().rfind(':') + 1);
    thread = std::thread{[this] { one->run(); }};
  }
  ~running() {
    one->stop();
    thread.join();
  }

  reply ask(const std::string& method, const std::string& target, const std::string& body = {},
            const std::string& token = {}) {
    asio::io_context io;
    tcp::socket socket{io};
    socket.connect({asio::ip::make_address("127.0.0.1"),
                    static_cast<std::uint16_t>(*parse_integer(port))});
    auto text = method + ' ' + target + " HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n";
    if (!token.empty())
      text += "Authorization: Bearer " + token + "\r\n";
    text += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    asio::write(socket, asio::buffer(text));
    std::string all;
    boost::system::error_code end;
    asio::read(socket, asio::dynamic_buffer(all), end);
    return reply_of(all);
  }
  json control(const json& what) {
    return json::parse(ask("POST", "/_control", what.dump()).body);
  }

  std::unique_ptr<simulator> one;
  std::string port;
  std::thread thread;
};

simulator_options quiet() {
  simulator_options out;
  out.world.items_per_hour = 0;
  out.world.delivery_delay = std::chrono::milliseconds{0};
  out.users = {"alice"};
  return out;
}

} // namespace

CAF_TEST(the first path segment is the host) {
  running in{quiet()};
  auto refused = in.ask("GET", "/api.github.com/user");
  CAF_CHECK_EQUAL(refused.status, 401);
  auto consent = in.ask("GET",
                        "/accounts.spotify.com/authorize?client_id=sim-spotify-id"
                        "&response_type=code&scope=user-read-private&state=x&redirect_uri="
                        "http%3A%2F%2F127.0.0.1%3A3001%2Fback");
  CAF_CHECK_EQUAL(consent.status, 302);
  CAF_CHECK(consent.head.find("Location: http://127.0.0.1:3001/back?code=") != std::string::npos);
  CAF_CHECK_EQUAL(in.ask("GET", "/example.com/").status, 404);
  auto stats = json::parse(in.ask("GET", "/_stats").body);
  CAF_CHECK_EQUAL(stats["platforms"]["spotify"]["consents"].get<int>(), 1);
  CAF_CHECK_EQUAL(stats["unknown_addresses"].get<int>(), 1);
}

CAF_TEST(deliveries go out to this machine by HTTP) {
  asio::io_context io;
  tcp::acceptor acceptor{io, tcp::endpoint{asio::ip::make_address("127.0.0.1"), 0}};
  auto callback = "http://127.0.0.1:" + std::to_string(acceptor.local_endpoint().port()) + "/hook";
  auto received = std::async(std::launch::async, [&] {
    tcp::socket socket = acceptor.accept();
    std::string text;
    asio::read_until(socket, asio::dynamic_buffer(text), "\r\n\r\n");
    asio::write(socket, asio::buffer(std::string{"HTTP/1.1 204 No Content\r\n\r\n"}));
    return text;
  });
  running in{quiet()};
  auto token =
    in.control({{"do", "grant"}, {"platform", "calendar"}, {"user", "alice"}})["access_token"]
      .get<std::string>();
  auto watch = json{{"id", "c1"}, {"type", "web_hook"}, {"address", callback}}.dump();
  CAF_CHECK_EQUAL(
    in.ask("POST", "/www.googleapis.com/calendar/v3/calendars/primary/events/watch", watch, token)
      .status,
    200);
  auto text = received.get();
  CAF_CHECK(text.starts_with("POST /hook HTTP/1.1\r\n"));
  CAF_CHECK(text.find("X-Goog-Resource-State: sync\r\n") != std::string::npos);
}

CAF_TEST(a broken answer breaks the connection and the next one is whole) {
  auto options = quiet();
  options.faults = {"half_answer,count=1", "drop,count=1"};
  running in{options};
  const char* url = "/www.googleapis.com/oauth2/v3/certs";
  CAF_CHECK_EQUAL(in.ask("GET", url).status, 0);
  CAF_CHECK_EQUAL(in.ask("GET", url).status, 0);
  CAF_CHECK_EQUAL(in.ask("GET", url).status, 200);
}

CAF_TEST(mistakes on the command line are told) {
  std::ostringstream out;
  std::ostringstream mistakes;
  simulator_options options;
  options.listen = "0.0.0.0:0";
  CAF_CHECK_EQUAL(run_simulator(options, out, mistakes), 2);
  options.listen = "127.0.0.1:0";
  options.faults = {"explode"};
  CAF_CHECK_EQUAL(run_simulator(options, out, mistakes), 2);
  CAF_CHECK(mistakes.str().find("rate_limit") != std::string::npos);
  CAF_CHECK_EQUAL(out.str(), "");
}
