#include "sim/server.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <optional>
#include <ostream>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include "sim/control.hpp"
#include "sim/text.hpp"

namespace lapwing::sim {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t body_bytes_max = 8 * 1024 * 1024;
constexpr std::size_t header_bytes_max = 64 * 1024;
constexpr std::size_t deliveries_at_once = 64;
constexpr seconds idle_timeout{75};

timestamp wall_now() { return system_wall_clock{}.now(); }

struct address {
  std::string host;
  std::string port;
};

/// "127.0.0.1:8088", "[::1]:8088", "localhost:8088".
std::optional<address> parse_address(std::string_view text) {
  auto colon = text.rfind(':');
  if (colon == std::string_view::npos)
    return std::nullopt;
  auto host = text.substr(0, colon);
  auto port = parse_integer(text.substr(colon + 1));
  if (host.starts_with('[') && host.ends_with(']'))
    host = host.substr(1, host.size() - 2);
  if (!port || *port < 0 || *port > 65535 || host.empty())
    return std::nullopt;
  return address{std::string{host}, std::to_string(*port)};
}

bool is_loopback(std::string_view host) {
  if (host == "localhost")
    return true;
  error_code failure;
  auto parsed = asio::ip::make_address(host, failure);
  return !failure && parsed.is_loopback();
}

class node_simulator;

/// One connection of a client.
class session : public std::enable_shared_from_this<session> {
public:
  session(tcp::socket socket, node_simulator& owner)
    : stream_(std::move(socket)), timer_(stream_.get_executor()), owner_(owner) {}

  void read();

private:
  void serve();
  void write(http_response answer, bool head);
  void write_half(http_response answer);
  void close() {
    error_code ignored;
    stream_.socket().close(ignored);
  }

  beast::tcp_stream stream_;
  asio::steady_timer timer_;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  http::response<http::string_body> response_;
  std::string half_;
  node_simulator& owner_;
};

/// One delivery on its way to a callback.
class courier : public std::enable_shared_from_this<courier> {
public:
  courier(asio::io_context& io, node_simulator& owner, sim_delivery what)
    : stream_(io), owner_(owner), what_(std::move(what)) {}

  void run();

private:
  void finish(result<http_response> answer);
  void lost(const char* why) { finish(error{errc::upstream_unavailable, why}); }

  beast::tcp_stream stream_;
  beast::flat_buffer buffer_;
  http::request<http::string_body> request_;
  http::response_parser<http::string_body> parser_;
  node_simulator& owner_;
  sim_delivery what_;
};

class node_simulator final : public simulator {
public:
  explicit node_simulator(world_options options)
    : acceptor_(io_), timer_(io_), world_(std::move(options)) {}

  error_code listen(const address& where) {
    error_code failure;
    auto ip = asio::ip::make_address(where.host == "localhost" ? "127.0.0.1" : where.host, failure);
    if (failure)
      return failure;
    tcp::endpoint endpoint{ip, static_cast<std::uint16_t>(*parse_integer(where.port))};
    acceptor_.open(endpoint.protocol(), failure);
    if (!failure)
      acceptor_.set_option(asio::socket_base::reuse_address{true}, failure);
    if (!failure)
      acceptor_.bind(endpoint, failure);
    if (!failure)
      acceptor_.listen(asio::socket_base::max_listen_connections, failure);
    if (failure)
      return failure;
    auto port = std::to_string(acceptor_.local_endpoint().port());
    base_url_ = "http://" + (ip.is_v6() ? '[' + ip.to_string() + ']' : ip.to_string()) + ':' + port;
    world_.change_options().base_url = base_url_;
    return {};
  }

  const std::string& base_url() const noexcept override { return base_url_; }
  world& inside() noexcept override { return world_; }

  void run() override {
    accept();
    schedule();
    io_.run();
  }

  void stop() override {
    asio::post(io_, [this] { io_.stop(); });
  }

  asio::io_context& io() { return io_; }

  /// The answer to a request as it came in.
  sim_answer serve(http_request request) {
    world_.advance(wall_now());
    if (request.url.starts_with("/_")) {
      sim_answer out;
      out.response = control(world_, request);
      schedule();
      return out;
    }
    request.url = "https:/" + request.url;
    auto out = world_.answer(request);
    schedule();
    return out;
  }

  void delivered(std::uint64_t id, const result<http_response>& answer) {
    --under_way_;
    world_.advance(wall_now());
    world_.report(id, answer);
    schedule();
  }

private:
  void accept() {
    acceptor_.async_accept([this](error_code failure, tcp::socket socket) {
      if (!failure) {
        socket.set_option(tcp::no_delay{true}, failure);
        std::make_shared<session>(std::move(socket), *this)->read();
      }
      if (acceptor_.is_open())
        accept();
    });
  }

  /// Wakes when the next item or delivery is due.
  void schedule() {
    auto due = world_.next_due();
    if (!due)
      return;
    auto in = std::max(*due - wall_now(), milliseconds{under_way_ < deliveries_at_once ? 0 : 50});
    // An answer may come in between: one timer, moved when something is due earlier.
    timer_.expires_after(in);
    timer_.async_wait([this](error_code failure) {
      if (!failure)
        wake();
    });
  }

  void wake() {
    world_.advance(wall_now());
    if (under_way_ < deliveries_at_once) {
      for (auto& what : world_.take_deliveries()) {
        ++under_way_;
        std::make_shared<courier>(io_, *this, std::move(what))->run();
      }
    }
    schedule();
  }

  asio::io_context io_{1};
  tcp::acceptor acceptor_;
  asio::steady_timer timer_;
  world world_;
  std::string base_url_;
  std::size_t under_way_ = 0;
};

void session::read() {
  parser_.emplace();
  parser_->body_limit(body_bytes_max);
  parser_->header_limit(header_bytes_max);
  stream_.expires_after(idle_timeout);
  http::async_read(stream_, buffer_, *parser_,
                   [self = shared_from_this()](error_code failure, std::size_t) {
                     if (!failure)
                       self->serve();
                   });
}

void session::serve() {
  auto& message = parser_->get();
  http_request request;
  request.method = std::string{message.method_string()};
  request.url = std::string{message.target()};
  for (const auto& field : message)
    request.headers.emplace_back(std::string{field.name_string()}, std::string{field.value()});
  request.body = std::move(message.body());
  bool head = request.method == "HEAD";
  if (head)
    request.method = "GET";
  auto answer = owner_.serve(std::move(request));
  stream_.expires_never();
  switch (answer.way) {
    case transport::silent:
      // Until the client has enough; its end shows as a failed read.
      parser_.emplace();
      http::async_read(stream_, buffer_, *parser_,
                       [self = shared_from_this()](error_code, std::size_t) { self->close(); });
      return;
    case transport::broken:
      if (answer.response.status == 0)
        close();
      else
        write_half(std::move(answer.response));
      return;
    case transport::whole: break;
  }
  if (answer.latency.count() == 0) {
    write(std::move(answer.response), head);
    return;
  }
  timer_.expires_after(answer.latency);
  timer_.async_wait([self = shared_from_this(), head,
                     response = std::move(answer.response)](error_code failure) mutable {
    if (!failure)
      self->write(std::move(response), head);
  });
}

void session::write(http_response answer, bool head) {
  bool keep_alive = parser_->get().keep_alive();
  response_ = {};
  response_.version(11);
  response_.result(static_cast<unsigned>(answer.status));
  for (const auto& [name, value] : answer.headers)
    response_.insert(name, value);
  response_.set(http::field::date, http_date(wall_now()));
  response_.keep_alive(keep_alive);
  bool empty = answer.status == 204 || answer.status == 304;
  if (!empty)
    response_.content_length(answer.body.size());
  if (!empty && !head)
    response_.body() = std::move(answer.body);
  http::async_write(stream_, response_,
                    [self = shared_from_this(), keep_alive](error_code failure, std::size_t) {
                      if (!failure && keep_alive)
                        self->read();
                      else
                        self->close();
                    });
}

void session::write_half(http_response answer) {
  // Announces more than it sends.
  half_ = "HTTP/1.1 " + std::to_string(answer.status) + " Half\r\nContent-Length: "
          + std::to_string(answer.body.size() * 2 + 64) + "\r\n";
  for (const auto& [name, value] : answer.headers)
    half_ += name + ": " + value + "\r\n";
  half_ += "\r\n" + answer.body;
  asio::async_write(stream_, asio::buffer(half_),
                    [self = shared_from_this()](error_code, std::size_t) { self->close(); });
}

void courier::run() {
  std::string_view url = what_.request.url;
  auto authority = url.starts_with("http://") ? url.substr(7) : std::string_view{};
  auto slash = authority.find_first_of("/?");
  auto target = slash == std::string_view::npos ? std::string{"/"}
                                                : std::string{authority.substr(slash)};
  authority = authority.substr(0, slash);
  std::string with_port{authority};
  if (authority.find(':') == std::string_view::npos || authority.ends_with(']'))
    with_port += ":80";
  auto where = parse_address(with_port);
  // A simulator sends nothing off this machine.
  if (!where || !is_loopback(where->host)) {
    asio::post(owner_.io(), [self = shared_from_this()] { self->lost("not a loopback address"); });
    return;
  }
  if (target.starts_with('?'))
    target.insert(0, 1, '/');
  request_.version(11);
  request_.method_string(what_.request.method);
  request_.target(target);
  request_.set(http::field::host, authority);
  for (const auto& [name, value] : what_.request.headers)
    request_.insert(name, value);
  request_.keep_alive(false);
  request_.body() = std::move(what_.request.body);
  if (what_.request.method != "GET")
    request_.content_length(request_.body().size());
  parser_.body_limit(1024 * 1024);
  stream_.expires_after(std::min<milliseconds>(what_.request.timeout, seconds{10}));
  error_code failure;
  auto ip = asio::ip::make_address(where->host == "localhost" ? "127.0.0.1" : where->host, failure);
  tcp::endpoint endpoint{ip, static_cast<std::uint16_t>(*parse_integer(where->port))};
  auto self = shared_from_this();
  stream_.async_connect(endpoint, [self](error_code refused) {
    if (refused)
      return self->lost("no connection");
    http::async_write(self->stream_, self->request_, [self](error_code cut, std::size_t) {
      if (cut)
        return self->lost("the connection ended early");
      http::async_read(self->stream_, self->buffer_, self->parser_,
                       [self](error_code unread, std::size_t) {
                         if (unread)
                           return self->lost("no answer");
                         http_response answer;
                         answer.status = static_cast<int>(self->parser_.get().result_int());
                         for (const auto& field : self->parser_.get())
                           answer.headers.emplace_back(std::string{field.name_string()},
                                                       std::string{field.value()});
                         answer.body = std::move(self->parser_.get().body());
                         self->finish(std::move(answer));
                       });
    });
  });
}

void courier::finish(result<http_response> answer) { owner_.delivered(what_.id, answer); }

struct table_line {
  std::string_view name;
  std::string_view hosts;
};

constexpr std::array<table_line, platform_count> table{
  {{"spotify", "accounts.spotify.com  api.spotify.com"},
   {"youtube", "www.googleapis.com/youtube/v3  pubsubhubbub.appspot.com/subscribe"},
   {"github", "github.com/login/oauth  api.github.com"},
   {"discord", "discord.com/api/v10"},
   {"gmail", "gmail.googleapis.com/gmail/v1"},
   {"calendar", "www.googleapis.com/calendar/v3"},
   {"slack", "slack.com/api"},
   {"linkedin", "www.linkedin.com/oauth/v2  api.linkedin.com/v2"}}};

} // namespace

result<std::unique_ptr<simulator>> simulator::start(simulator_options options) {
  auto where = parse_address(options.listen);
  if (!where || !is_loopback(where->host))
    return error{errc::bad_request, "the simulator listens on loopback addresses only, for "
                                    "example 127.0.0.1:8088"};
  options.world.start = wall_now();
  std::vector<fault> faults;
  for (const auto& text : options.faults) {
    auto parsed = parse_fault(text, options.world.start);
    if (!parsed)
      return parsed.error();
    faults.push_back(std::move(*parsed));
  }
  auto out = std::make_unique<node_simulator>(std::move(options.world));
  if (auto failure = out->listen(*where))
    return error{errc::internal, "cannot listen: " + failure.message()};
  for (const auto& user : options.users)
    out->inside().add_user(user);
  for (auto& one : faults)
    out->inside().add_fault(std::move(one));
  return std::unique_ptr<simulator>{std::move(out)};
}

int run_simulator(simulator_options options, std::ostream& out, std::ostream& mistakes) {
  auto running = simulator::start(std::move(options));
  if (!running) {
    mistakes << running.error().detail << '\n';
    return running.error().code == errc::bad_request ? 2 : 1;
  }
  auto& one = static_cast<node_simulator&>(**running);
  asio::signal_set signals{one.io(), SIGINT, SIGTERM};
  signals.async_wait([&one](error_code failure, int) {
    if (!failure)
      one.stop();
  });
  out << "ready " << one.base_url() << '\n';
  for (const auto& line : table) {
    std::string name{line.name};
    name.resize(10, ' ');
    out << name;
    const char* gap = "";
    for (auto host : split(line.hosts, ' ')) {
      out << gap << one.base_url() << '/' << host;
      gap = "  ";
    }
    out << '\n';
  }
  out << "control   " << one.base_url() << "/_control  " << one.base_url() << "/_stats"
      << std::endl;
  one.run();
  return 0;
}

} // namespace lapwing::sim
