// A small HTTP server that does as a test says, on the test's own io_context: no thread, no timer.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

namespace lapwing::testing {

struct served_request {
  std::string method;
  std::string target;
  std::string head; ///< Everything up to the empty line.
  std::string body;
  std::size_t connection = 0; ///< Which one, from 0.

  bool has(std::string_view text) const { return head.find(text) != head.npos; }
};

struct served_reply {
  std::string bytes;  ///< As they go out.
  bool close = false; ///< After them. Otherwise the connection waits for another request.
};

inline served_reply answer(std::string_view body, std::string_view headers = {},
                           std::string_view status = "200 OK") {
  std::string text{"HTTP/1.1 "};
  text.append(status).append("\r\n").append(headers);
  text.append("Content-Length: ").append(std::to_string(body.size())).append("\r\n\r\n");
  return {text.append(body), false};
}

/// `Stream` is a TCP socket, or TLS over one.
template <class Stream>
class served_connection : public std::enable_shared_from_this<served_connection<Stream>> {
public:
  using handler = std::function<served_reply(const served_request&)>;

  served_connection(Stream stream, std::size_t index, const handler& handle)
    : stream_(std::move(stream)), index_(index), handle_(handle) {}

  Stream& stream() { return stream_; }

  void read() {
    stream_.async_read_some(boost::asio::buffer(chunk_),
                            [self = this->shared_from_this()](auto failure, std::size_t count) {
                              if (failure)
                                return;
                              self->seen_.append(self->chunk_, count);
                              self->serve();
                            });
  }

private:
  void serve() {
    auto end = seen_.find("\r\n\r\n");
    if (end == seen_.npos)
      return read();
    served_request request;
    request.head = seen_.substr(0, end + 2);
    auto length = length_of(request.head);
    if (seen_.size() < end + 4 + length)
      return read();
    request.body = seen_.substr(end + 4, length);
    seen_.erase(0, end + 4 + length);
    auto space = request.head.find(' ');
    request.method = request.head.substr(0, space);
    request.target = request.head.substr(space + 1, request.head.find(' ', space + 1) - space - 1);
    request.connection = index_;
    auto reply = handle_(request);
    out_ = std::move(reply.bytes);
    boost::asio::async_write(
      stream_, boost::asio::buffer(out_),
      [self = this->shared_from_this(), close = reply.close](auto failure, std::size_t) {
        if (!failure && !close)
          self->read();
        else
          self->stream_.lowest_layer().close();
      });
  }

  static std::size_t length_of(const std::string& head) {
    constexpr std::string_view name = "\r\nContent-Length: ";
    auto at = head.find(name);
    std::size_t length = 0;
    if (at != head.npos)
      std::from_chars(head.data() + at + name.size(), head.data() + head.size(), length);
    return length;
  }

  Stream stream_;
  std::size_t index_;
  const handler& handle_;
  char chunk_[4096];
  std::string seen_;
  std::string out_;
};

class scripted_server {
public:
  using tcp = boost::asio::ip::tcp;

  explicit scripted_server(boost::asio::io_context& io)
    : acceptor_(io, {boost::asio::ip::address_v4::loopback(), 0}) {
    accept();
  }

  /// What the server does with a request.
  std::function<served_reply(const served_request&)> handle
    = [](const served_request&) { return answer("ok"); };

  std::size_t connections() const { return connections_; }
  const std::vector<served_request>& requests() const { return requests_; }
  std::string url(std::string_view path = "/") const {
    return "http://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port())
           + std::string{path};
  }
  void stop_accepting() { acceptor_.close(); }

private:
  void accept() {
    acceptor_.async_accept([this](auto failure, tcp::socket socket) {
      if (failure)
        return;
      auto added = std::make_shared<served_connection<tcp::socket>>(std::move(socket),
                                                                    connections_++, noting_);
      added->read();
      accept();
    });
  }

  served_connection<tcp::socket>::handler noting_ = [this](const served_request& request) {
    requests_.push_back(request);
    return handle(request);
  };
  tcp::acceptor acceptor_;
  std::size_t connections_ = 0;
  std::vector<served_request> requests_;
};

} // namespace lapwing::testing
