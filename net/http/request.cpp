#include "net/http/request.hpp"

#include <algorithm>
#include <cstring>

#include <boost/asio/buffer.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/error.hpp>

namespace lapwing::net {
namespace {

namespace http = boost::beast::http;
using boost::beast::iequals;

int hex_value(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  c = static_cast<char>(c | 0x20);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

std::string_view std_view(boost::beast::string_view text) {
  return {text.data(), text.size()};
}

/// RFC 9110 7.2 and RFC 3986 3.2: no spaces, user info or path.
bool valid_host(std::string_view host) {
  return host.find_first_of(" \t/\\@?#,") == std::string_view::npos;
}

} // namespace

std::string_view request_head::header(field id) const noexcept {
  for (auto& line : headers)
    if (line.id == id)
      return line.value;
  return {};
}

std::string_view request_head::header(std::string_view name) const noexcept {
  for (auto& line : headers)
    if (line.name.size() == name.size() && iequals(line.name, name))
      return line.value;
  return {};
}

std::size_t request_head::count(field id) const noexcept {
  return static_cast<std::size_t>(std::count_if(headers.begin(), headers.end(),
                                                [&](auto& line) { return line.id == id; }));
}

std::optional<std::string> request_head::parameter(std::string_view name) const {
  auto rest = query;
  while (!rest.empty()) {
    auto pair = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
    auto equals = pair.find('=');
    if (pair.substr(0, equals) == name)
      return equals == std::string_view::npos ? std::string{}
                                              : percent_decoded(pair.substr(equals + 1), true);
  }
  return std::nullopt;
}

std::optional<std::string> percent_decoded(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      int high = i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
      int low = high >= 0 ? hex_value(text[i + 2]) : -1;
      if (low < 0)
        return std::nullopt;
      c = static_cast<char>(high * 16 + low);
      i += 2;
    } else if (c == '+' && plus_is_space) {
      c = ' ';
    }
    if (c == '\0')
      return std::nullopt;
    out += c;
  }
  return out;
}

result<std::size_t> find_head_end(std::string_view bytes) {
  auto bad = [](const char* why) { return error{errc::bad_request, why}; };
  std::size_t line = 0;
  for (;;) {
    auto* found = static_cast<const char*>(
      std::memchr(bytes.data() + line, '\n', bytes.size() - line));
    auto end = found ? static_cast<std::size_t>(found - bytes.data()) : bytes.size();
    auto* zero = std::memchr(bytes.data() + line, '\0', end - line);
    if (zero)
      return bad("a zero byte in the head");
    if (!found)
      return std::size_t{0};
    if (end == line || bytes[end - 1] != '\r')
      return bad("lines end with CR LF");
    if (end - line == 1)
      return end + 1;
    if (line != 0 && (bytes[line] == ' ' || bytes[line] == '\t'))
      return bad("folded header lines are not taken");
    line = end + 1;
  }
}

request_reader::request_reader() {
  // Our own limits, which differ from route to route, are stricter.
  basic_parser::body_limit(boost::none);
  basic_parser::header_limit(0xffffffff);
}

std::optional<error> request_reader::read_head(std::string_view block) {
  error_code ec;
  auto used = basic_parser::put(boost::asio::const_buffer{block.data(), block.size()}, ec);
  if (refusal_)
    return refusal_;
  if (ec == http::error::bad_version)
    return error{errc::http_version_not_supported, "HTTP/1.0 and HTTP/1.1 are spoken here"};
  if (ec || used != block.size())
    return error{errc::bad_request, "the head is not HTTP"};
  return std::nullopt;
}

void request_reader::refuse(errc code, const char* detail, error_code& ec) {
  if (!refusal_)
    refusal_ = error{code, detail};
  ec = http::error::bad_value;
}

void request_reader::on_request_impl(verb method, string_view, string_view target, int version,
                                     error_code& ec) {
  if (target.size() > target_bytes_max)
    return refuse(errc::uri_too_long, "the request target is too long", ec);
  head_.method = method;
  head_.version = static_cast<unsigned>(version);
  head_.target = std_view(target);
  auto rest = head_.target;
  if (!rest.starts_with('/') && rest != "*") { // Absolute form (RFC 9112 3.2.2).
    auto scheme = rest.find("://");
    if (scheme == std::string_view::npos
        || !(iequals(rest.substr(0, scheme), "http") || iequals(rest.substr(0, scheme), "https")))
      return refuse(errc::bad_request, "the request target is no path", ec);
    auto path = rest.find_first_of("/?", scheme + 3);
    rest = path == std::string_view::npos ? std::string_view{"/"} : rest.substr(path);
    if (rest.starts_with('?'))
      return refuse(errc::bad_request, "the request target is no path", ec);
  }
  auto question = rest.find('?');
  head_.path = rest.substr(0, question);
  if (question != std::string_view::npos)
    head_.query = rest.substr(question + 1);
  head_.headers.reserve(16);
}

void request_reader::on_field_impl(field id, string_view name, string_view value, error_code& ec) {
  if (head_read_)
    return; // Trailers say nothing we use.
  if (head_.headers.size() == header_lines_max)
    return refuse(errc::headers_too_large, "too many header lines", ec);
  head_.headers.push_back({id, std_view(name), std_view(value)});
  // Shapes that two parsers could read in two ways (RFC 9112 6.1, 6.3, 11.2).
  if (id == field::transfer_encoding) {
    if (head_.version < 11)
      refuse(errc::bad_request, "Transfer-Encoding needs HTTP/1.1", ec);
    else if (!iequals(value, "chunked"))
      refuse(errc::unsupported_transfer_coding, "only chunked is understood", ec);
  } else if (id == field::content_length) {
    if (head_.count(field::content_length) > 1 || value.find(',') != string_view::npos)
      refuse(errc::bad_request, "more than one Content-Length", ec);
  } else if (id == field::host) {
    if (head_.count(field::host) > 1 || !valid_host(std_view(value)))
      refuse(errc::bad_request, "bad Host", ec);
  }
}

void request_reader::on_header_impl(error_code& ec) {
  head_read_ = true;
  if (head_.version >= 11 && head_.count(field::host) != 1)
    refuse(errc::bad_request, "Host is missing", ec);
  else if (head_.count(field::transfer_encoding) > 1)
    refuse(errc::bad_request, "more than one Transfer-Encoding", ec);
}

std::optional<std::uint64_t> request_reader::declared_bytes() const {
  if (!head_read_ || head_.count(field::content_length) == 0)
    return std::nullopt;
  return *basic_parser::content_length();
}

bool request_reader::has_body() const {
  return is_chunked() || declared_bytes().value_or(0) > 0;
}

result<std::size_t> request_reader::feed(std::string_view bytes, std::string& body,
                                         std::size_t bytes_max) {
  body_ = &body;
  bytes_max_ = bytes_max;
  std::size_t used = 0;
  while (!complete() && used < bytes.size()) {
    error_code ec;
    auto n = basic_parser::put(
      boost::asio::const_buffer{bytes.data() + used, bytes.size() - used}, ec);
    used += n;
    if (ec == http::error::need_more)
      break;
    if (refusal_)
      return *refusal_;
    if (ec)
      return error{errc::bad_request, "the body's chunks are broken"};
  }
  // A chunk's size line or the trailers, not yet whole, are given again: they need a bound, too.
  if (!complete() && bytes.size() - used > target_bytes_max)
    return error{errc::headers_too_large, "a chunk line or trailers are too long"};
  return used;
}

std::size_t request_reader::take(string_view bytes, error_code& ec) {
  if (bytes.size() > bytes_max_ - std::min(bytes_max_, body_->size())) {
    refuse(errc::payload_too_large, "the body is too large", ec);
    return 0;
  }
  body_->append(bytes.data(), bytes.size());
  return bytes.size();
}

std::size_t request_reader::on_body_impl(string_view bytes, error_code& ec) {
  return take(bytes, ec);
}

void request_reader::on_chunk_header_impl(std::uint64_t size, string_view, error_code& ec) {
  if (size > bytes_max_ - std::min(bytes_max_, body_->size()))
    refuse(errc::payload_too_large, "the body is too large", ec);
}

std::size_t request_reader::on_chunk_body_impl(std::uint64_t, string_view bytes, error_code& ec) {
  return take(bytes, ec);
}

void request_reader::rebase(std::string_view from, std::string_view to) {
  auto move = [&](std::string_view& view) {
    if (view.data() >= from.data() && view.data() + view.size() <= from.data() + from.size())
      view = to.substr(static_cast<std::size_t>(view.data() - from.data()), view.size());
  };
  move(head_.target);
  move(head_.path);
  move(head_.query);
  for (auto& line : head_.headers) {
    move(line.name);
    move(line.value);
  }
}

} // namespace lapwing::net
