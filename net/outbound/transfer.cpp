#include "net/outbound/transfer.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <sys/socket.h>

#include "net/outbound/address_class.hpp"

namespace lapwing::net {
namespace {

bool same_name(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && curl_strnequal(a.data(), b.data(), a.size()) != 0;
}

std::string_view trimmed(std::string_view text) noexcept {
  auto from = text.find_first_not_of(" \t\r\n");
  if (from == text.npos)
    return {};
  return text.substr(from, text.find_last_not_of(" \t\r\n") - from + 1);
}

bool has_header(const http_headers& headers, std::string_view name) noexcept {
  return std::any_of(headers.begin(), headers.end(),
                     [&](const auto& header) { return same_name(header.first, name); });
}

/// Whether every coding in the list is one we asked for: curl would unfold others, too, with more
/// memory than we mean to give.
bool is_wanted_coding(std::string_view list) noexcept {
  while (!list.empty()) {
    auto comma = list.find(',');
    auto coding = trimmed(list.substr(0, comma));
    list = comma == list.npos ? std::string_view{} : list.substr(comma + 1);
    if (!coding.empty() && !same_name(coding, "gzip") && !same_name(coding, "x-gzip")
        && !same_name(coding, "identity"))
      return false;
  }
  return true;
}

/// "HTTP/1.1 200 OK" and "HTTP/2 200".
int status_of(std::string_view line) noexcept {
  auto space = line.find(' ');
  if (space == line.npos || line.size() < space + 4)
    return 0;
  int status = 0;
  for (char c : line.substr(space + 1, 3)) {
    if (c < '0' || c > '9')
      return 0;
    status = status * 10 + (c - '0');
  }
  return status;
}

bool is_idempotent(const std::string& method) noexcept { // RFC 9110 9.2.2
  return method != "POST" && method != "PATCH";
}

outbound_failure failure_of(CURLcode verdict) noexcept {
  switch (verdict) {
    case CURLE_OPERATION_TIMEDOUT: return outbound_failure::timeout;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION: return outbound_failure::connect;
    default: return outbound_failure::broken;
  }
}

transfer::ending failed(outbound_failure what, errc code, std::string detail) {
  return {error{code, std::move(detail)}, what};
}

} // namespace

transfer::transfer(const outbound_rules& rules, outbound_metrics& metrics, http_request request)
  : rules_(rules), metrics_(metrics), request_(std::move(request)) {}

transfer* transfer::of(CURL* handle) noexcept {
  char* self = nullptr;
  curl_easy_getinfo(handle, CURLINFO_PRIVATE, &self);
  return reinterpret_cast<transfer*>(self);
}

CURL* transfer::prepare(std::chrono::milliseconds left) {
  handle_.reset(curl_easy_init());
  if (!handle_)
    return nullptr;
  set(CURLOPT_PRIVATE, static_cast<void*>(this));
  set_safety(left);
  set_request();
  if (!add_header("Expect:")) // An answer to "100-continue" would cost a second of waiting.
    return nullptr;
  for (const auto& [name, value] : request_.headers)
    if (!add_header(value.empty() ? name + ';' : name + ": " + value))
      return nullptr;
  set(CURLOPT_HTTPHEADER, headers_.get());
  set(CURLOPT_HEADERFUNCTION, &transfer::on_header);
  set(CURLOPT_HEADERDATA, static_cast<void*>(this));
  set(CURLOPT_WRITEFUNCTION, &transfer::on_body);
  set(CURLOPT_WRITEDATA, static_cast<void*>(this));
  return handle_.get();
}

void transfer::set_safety(std::chrono::milliseconds left) {
  set(CURLOPT_NOSIGNAL, 1L); // No SIGALRM for name look-ups: we are not the only thread.
  set(CURLOPT_QUICK_EXIT, 1L); // A look-up given up is left to its thread, not waited for.
  set(CURLOPT_PROTOCOLS_STR, "https,http");
  set(CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_PROXY, ""); // The environment has no say, and a proxy would hide the address.
  set(CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  set(CURLOPT_OPENSOCKETFUNCTION, &transfer::on_socket);
  set(CURLOPT_OPENSOCKETDATA, static_cast<void*>(this));
  set(CURLOPT_SSL_VERIFYPEER, 1L);
  set(CURLOPT_SSL_VERIFYHOST, 2L);
  set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  if (!rules_.ca_file.empty()) {
    set(CURLOPT_CAINFO, rules_.ca_file.c_str());
    set(CURLOPT_CAPATH, static_cast<char*>(nullptr)); // Instead of the system's, not besides.
  }
  set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
  // Rather wait for TLS to tell whether a connection just begun can be shared than open one more.
  // Without TLS it would mean to wait for the first answer.
  if (same_name(std::string_view{request_.url}.substr(0, 6), "https:"))
    set(CURLOPT_PIPEWAIT, 1L);
  set(CURLOPT_ACCEPT_ENCODING, "gzip");
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(rules_.connect_timeout.count()));
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(std::max<std::int64_t>(left.count(), 1)));
  set(CURLOPT_LOW_SPEED_LIMIT, rules_.slow_bytes_per_second);
  set(CURLOPT_LOW_SPEED_TIME, static_cast<long>(rules_.slow_time.count()));
  set(CURLOPT_MAXAGE_CONN, static_cast<long>(rules_.idle_max.count()));
}

void transfer::set_request() {
  const auto& method = request_.method;
  set(CURLOPT_URL, request_.url.c_str());
  set(CURLOPT_USERAGENT, rules_.user_agent.c_str());
  if (method == "HEAD") {
    set(CURLOPT_NOBODY, 1L);
    return;
  }
  if (!is_idempotent(method)) {
    set_body_once();
  } else if (!request_.body.empty() || method == "PUT") {
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
    set(CURLOPT_POSTFIELDS, request_.body.c_str());
  } else {
    set(CURLOPT_HTTPGET, 1L);
  }
  if (method != "GET" || !request_.body.empty())
    set(CURLOPT_CUSTOMREQUEST, method.c_str());
  // curl would call any body a form.
  if (!has_header(request_.headers, "Content-Type"))
    add_header("Content-Type:");
}

void transfer::set_body_once() {
  // curl repeats a request by itself when a kept connection turns out to be closed. It cannot if
  // it would have to read the body twice; without a body it does not if the connection is new.
  set(CURLOPT_POST, 1L);
  set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
  if (request_.body.empty()) {
    set(CURLOPT_POSTFIELDS, "");
    set(CURLOPT_FRESH_CONNECT, 1L);
    return;
  }
  set(CURLOPT_READFUNCTION, &transfer::on_read);
  set(CURLOPT_READDATA, static_cast<void*>(this));
  set(CURLOPT_SEEKFUNCTION, &transfer::on_seek);
}

bool transfer::add_header(const std::string& line) {
  auto* longer = curl_slist_append(headers_.get(), line.c_str());
  if (longer == nullptr)
    return false;
  static_cast<void>(headers_.release());
  headers_.reset(longer);
  return true;
}

transfer::ending transfer::end(CURLcode verdict) {
  if (too_large_)
    return failed(outbound_failure::too_large, errc::payload_too_large,
                  "the answer is larger than allowed");
  if (fault_ != nullptr)
    return failed(outbound_failure::broken, errc::upstream_unavailable, fault_);
  if (sockets_refused_ > 0 && sockets_ == 0)
    return failed(outbound_failure::address, errc::upstream_refused,
                  "the host's address is not one that may be asked");
  if (verdict == CURLE_URL_MALFORMAT) // A name that cannot be put into IDNA, say.
    return failed(outbound_failure::bad_request, errc::upstream_refused,
                  "the address is none that can be asked");
  if (verdict != CURLE_OK)
    return failed(failure_of(verdict), errc::upstream_unavailable,
                  std::string{"no answer: "} + curl_easy_strerror(verdict));
  if (!headers_done_) // curl is content with a header section that breaks off.
    return failed(outbound_failure::broken, errc::upstream_unavailable,
                  "no answer: the connection ended within the headers");
  response_.status = status_;
  unfolded();
  metrics_.body_bytes.fetch_add(response_.body.size(), std::memory_order_relaxed);
  return {std::move(response_), std::nullopt};
}

/// The body is no longer what these two say about it.
void transfer::unfolded() {
  if (!has_header(response_.headers, "Content-Encoding"))
    return;
  std::erase_if(response_.headers, [](const auto& header) {
    return same_name(header.first, "Content-Encoding") || same_name(header.first, "Content-Length");
  });
}

bool transfer::take_header(std::string_view line) {
  header_bytes_ += line.size();
  if (header_bytes_ > rules_.header_bytes_max) {
    too_large_ = true;
    return false;
  }
  if (headers_done_) // Trailers.
    return true;
  if (line.starts_with("HTTP/")) { // An interim answer may come before the real one.
    response_.headers.clear();
    status_ = status_of(line);
    return true;
  }
  if (trimmed(line).empty()) {
    headers_done_ = status_ >= 200;
    return true;
  }
  return take_field(line);
}

bool transfer::take_field(std::string_view line) {
  auto& headers = response_.headers;
  if (line.front() == ' ' || line.front() == '\t') { // RFC 9112 5.2, obs-fold
    if (!headers.empty())
      headers.back().second.append(" ").append(trimmed(line));
    return true;
  }
  auto colon = line.find(':');
  if (colon == line.npos)
    return true;
  if (headers.size() >= rules_.header_count_max) {
    too_large_ = true;
    return false;
  }
  auto name = line.substr(0, colon);
  auto value = trimmed(line.substr(colon + 1));
  if (same_name(name, "Content-Encoding") && !is_wanted_coding(value)) {
    fault_ = "no answer: it has a coding that was not asked for";
    return false;
  }
  if (same_name(name, "Content-Length") && has_header(headers, name)
      && response_.header(name) != value) { // RFC 9112 6.3
    fault_ = "no answer: it has two lengths";
    return false;
  }
  headers.emplace_back(name, value);
  return true;
}

bool transfer::take_body(std::string_view part) {
  if (part.size() > request_.response_bytes_max - response_.body.size()) {
    too_large_ = true;
    return false;
  }
  response_.body.append(part);
  return true;
}

std::size_t transfer::give_body(char* to, std::size_t room) noexcept {
  auto count = std::min(room, request_.body.size() - body_given_);
  std::memcpy(to, request_.body.data() + body_given_, count);
  body_given_ += count;
  return count;
}

curl_socket_t transfer::open_socket(const curl_sockaddr& to) noexcept {
  if (!rules_.allow_private_addresses
      && classify(&to.addr, to.addrlen) != address_class::global) {
    ++sockets_refused_;
    errno = EACCES;
    return CURL_SOCKET_BAD;
  }
  if (to.family != AF_INET && to.family != AF_INET6)
    return CURL_SOCKET_BAD;
  auto opened = ::socket(to.family, to.socktype | SOCK_CLOEXEC, to.protocol);
  if (opened >= 0) {
    ++sockets_;
    metrics_.connections.fetch_add(1, std::memory_order_relaxed);
  }
  return opened;
}

// Any other number than given ends the transfer.
std::size_t transfer::on_header(char* data, std::size_t size, std::size_t count, void* self) {
  return static_cast<transfer*>(self)->take_header({data, size * count}) ? size * count : 0;
}

std::size_t transfer::on_body(char* data, std::size_t size, std::size_t count, void* self) {
  return static_cast<transfer*>(self)->take_body({data, size * count}) ? size * count : 0;
}

std::size_t transfer::on_read(char* data, std::size_t size, std::size_t count, void* self) {
  return static_cast<transfer*>(self)->give_body(data, size * count);
}

int transfer::on_seek(void*, curl_off_t, int) {
  return CURL_SEEKFUNC_FAIL;
}

curl_socket_t transfer::on_socket(void* self, curlsocktype, curl_sockaddr* to) {
  return static_cast<transfer*>(self)->open_socket(*to);
}

} // namespace lapwing::net
