#include "net/http/transport.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <utility>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace lapwing::net {
namespace {

transport::outcome failure_of_errno() {
  if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)
    return {transport::status::would_block};
  return {transport::status::failed};
}

transport::outcome failure_of_tls(SSL* tls, int returned) {
  auto why = SSL_get_error(tls, returned);
  ERR_clear_error();
  switch (why) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE: return {transport::status::would_block};
    case SSL_ERROR_ZERO_RETURN: return {transport::status::end};
    default: return {transport::status::failed};
  }
}

} // namespace

transport::transport(int socket, ssl_ptr tls, connection_limits::lease place) noexcept
  : socket_(socket), tls_(std::move(tls)), place_(std::move(place)) {}

transport::transport(transport&& other) noexcept
  : socket_(std::exchange(other.socket_, -1)),
    tls_(std::move(other.tls_)),
    place_(std::move(other.place_)) {}

transport& transport::operator=(transport&& other) noexcept {
  std::swap(socket_, other.socket_);
  std::swap(tls_, other.tls_);
  std::swap(place_, other.place_);
  return *this;
}

transport::~transport() {
  close();
}

void transport::close() noexcept {
  tls_.reset();
  if (socket_ >= 0)
    ::close(std::exchange(socket_, -1));
}

transport::outcome transport::read(std::span<char> into) noexcept {
  if (tls_) {
    int n = SSL_read(tls_.get(), into.data(),
                     static_cast<int>(std::min<std::size_t>(into.size(), INT_MAX)));
    return n > 0 ? outcome{status::ok, static_cast<std::size_t>(n)}
                 : failure_of_tls(tls_.get(), n);
  }
  auto n = ::recv(socket_, into.data(), into.size(), 0);
  if (n > 0)
    return {status::ok, static_cast<std::size_t>(n)};
  return n == 0 ? outcome{status::end} : failure_of_errno();
}

transport::outcome transport::write(std::string_view bytes) noexcept {
  if (bytes.empty())
    return {status::ok};
  if (tls_) {
    int n = SSL_write(tls_.get(), bytes.data(),
                      static_cast<int>(std::min<std::size_t>(bytes.size(), INT_MAX)));
    return n > 0 ? outcome{status::ok, static_cast<std::size_t>(n)}
                 : failure_of_tls(tls_.get(), n);
  }
  auto n = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  return n >= 0 ? outcome{status::ok, static_cast<std::size_t>(n)} : failure_of_errno();
}

void transport::finish_sending() noexcept {
  if (tls_) {
    SSL_shutdown(tls_.get());
    ERR_clear_error();
  }
  ::shutdown(socket_, SHUT_WR);
}

} // namespace lapwing::net
