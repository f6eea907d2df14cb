// What is refused by its text alone, before anything is opened.
#define CAF_SUITE outbound_request_check
#include "tests/support/caf_test.hpp"

#include <string>

#include "net/outbound/request_check.hpp"

using namespace lapwing;
using namespace lapwing::net;

namespace {

std::string target(const std::string& url) {
  http_request request;
  request.url = url;
  auto checked = target_of(request, {});
  if (checked)
    return *checked;
  CAF_CHECK(checked.error().code == errc::upstream_refused);
  CAF_CHECK_EQUAL(checked.error().detail.find("secret"), std::string::npos);
  return "refused";
}

bool is_refused(const http_request& request) {
  return !target_of(request, {});
}

http_request with_header(std::string name, std::string value) {
  http_request request;
  request.url = "https://api.example.com/";
  request.headers.emplace_back(std::move(name), std::move(value));
  return request;
}

} // namespace

CAF_TEST(the key of a host is its scheme and name and port) {
  CAF_CHECK_EQUAL(target("https://API.Example.com/a?b=c"), "https://api.example.com:443");
  CAF_CHECK_EQUAL(target("http://api.example.com"), "http://api.example.com:80");
  CAF_CHECK_EQUAL(target("https://api.example.com:8443/"), "https://api.example.com:8443");
  CAF_CHECK_EQUAL(target("https://[2606:4700::1]/x"), "https://[2606:4700::1]:443");
  CAF_CHECK_EQUAL(target("http://0x7f.1/"), "http://127.0.0.1:80");
}

CAF_TEST(only http and https without user information are asked) {
  for (const char* url :
       {"", "/path", "api.example.com", "ftp://api.example.com/", "file:///etc/passwd",
        "gopher://api.example.com/", "javascript:alert(1)", "https://", "https:///x",
        "https://secret@api.example.com/", "https://me:secret@api.example.com/",
        "https://@api.example.com/", "https://:secret@api.example.com/",
        "https://api.example.com:99999/", "https://api.exa mple.com/",
        "https://api.example.com/\r\nX: y", "https://api.example.com/a b\x7f"})
    CAF_CHECK_EQUAL(target(url), "refused");
  CAF_CHECK_EQUAL(target(std::string{"https://a.example\0.evil/", 24}), "refused");
  CAF_CHECK_EQUAL(target("https://a.example/" + std::string(20'000, 'x')), "refused");
}

CAF_TEST(headers that would break the framing are refused) {
  CAF_CHECK(!is_refused(with_header("Authorization", "Bearer x")));
  CAF_CHECK(!is_refused(with_header("X-Empty", "")));
  CAF_CHECK(!is_refused(with_header("X-Text", "caf\xc3\xa9\ttab")));
  CAF_CHECK(is_refused(with_header("X", "a\r\nY: b")));
  CAF_CHECK(is_refused(with_header("X", "a\nb")));
  CAF_CHECK(is_refused(with_header("X", std::string{"a\0b", 3})));
  CAF_CHECK(is_refused(with_header("X\r\nY", "a")));
  CAF_CHECK(is_refused(with_header("X:", "a")));
  CAF_CHECK(is_refused(with_header("", "a")));
  CAF_CHECK(is_refused(with_header("content-length", "0")));
  CAF_CHECK(is_refused(with_header("Transfer-Encoding", "chunked")));
  CAF_CHECK(is_refused(with_header("HOST", "other.example")));
  CAF_CHECK(!is_refused(with_header("Host-Name", "other.example")));
}

CAF_TEST(methods and sizes are bounded) {
  http_request request;
  request.url = "https://api.example.com/";
  for (const char* method : {"", "get", "GET /", "CONNECT", "AVERYVERYLONGNAME", "G\r\n"}) {
    request.method = method;
    CAF_CHECK(is_refused(request));
  }
  for (const char* method : {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}) {
    request.method = method;
    CAF_CHECK(!is_refused(request));
  }
  request.body.assign(1024 * 1024, 'x');
  CAF_CHECK(!is_refused(request));
  request.body += 'x';
  CAF_CHECK(is_refused(request));
  request.body.clear();
  CAF_CHECK(is_refused(with_header("X", std::string(65 * 1024, 'x'))));
  for (int i = 0; i < 129; ++i)
    request.headers.emplace_back("X", "y");
  CAF_CHECK(is_refused(request));
}
