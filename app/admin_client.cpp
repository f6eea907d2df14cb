#include "app/admin_client.hpp"

#include <memory>

#include <curl/curl.h>
#include <fmt/format.h>

#include "app/admin_view.hpp"
#include "config/values.hpp"

namespace lapwing {
namespace {

constexpr std::size_t body_bytes_max = 64 * 1024 * 1024;
constexpr long connect_timeout_ms = 3000;
constexpr long total_timeout_ms = 15000;

struct curl_deleter {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

/// Called by curl with each piece; another count than it gave stops the transfer.
std::size_t append_piece(char* data, std::size_t size, std::size_t count, void* body_pointer) {
  auto& body = *static_cast<std::string*>(body_pointer);
  if (body.size() + size * count > body_bytes_max)
    return 0;
  body.append(data, size * count);
  return size * count;
}

std::string explain(CURLcode code, const std::string& node) {
  switch (code) {
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
      return fmt::format(
          "cannot reach a node at {} ({}); is it running, and is --node its address?", quoted(node),
          curl_easy_strerror(code));
    case CURLE_OPERATION_TIMEDOUT:
      return fmt::format("the node at {} did not answer within {} s", quoted(node),
                         total_timeout_ms / 1000);
    case CURLE_PEER_FAILED_VERIFICATION:
      return fmt::format("the certificate of {} is not trusted; give its CA with --ca",
                         quoted(node));
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
      return fmt::format(
          "{} closed the connection without an answer; does it speak TLS (https://)?",
          quoted(node));
    case CURLE_WRITE_ERROR: return "the answer is longer than 64 MiB";
    default: return fmt::format("asking {}: {}", quoted(node), curl_easy_strerror(code));
  }
}

std::string explain(long status, const std::string& body) {
  const auto problem = problem_text(body);
  const auto said = problem.empty() ? std::string{} : " (" + problem + ")";
  if (status == 401)
    return fmt::format(
        "the node wants a token of role admin{}; make one with `lapwing token --user "
        "operator --role admin` and give it as LAPWING_ADMIN_TOKEN",
        said);
  if (status == 403)
    return fmt::format("this token may not do that{}; it needs role admin", said);
  if (status == 404)
    return fmt::format("there is no such thing on this node{}", said);
  return fmt::format("the node answered {}{}", status, said);
}

} // namespace

admin_client::admin_client(std::string node, std::string token, std::string ca_file)
    : node_(std::move(node)), token_(std::move(token)), ca_file_(std::move(ca_file)) {
  while (node_.ends_with('/'))
    node_.pop_back();
}

std::variant<std::string, admin_failure> admin_client::get(const std::string& path) const {
  return ask(path, false);
}

std::variant<std::string, admin_failure> admin_client::post(const std::string& path) const {
  return ask(path, true);
}

std::variant<std::string, admin_failure> admin_client::ask(const std::string& path,
                                                           bool post) const {
  const std::unique_ptr<CURL, curl_deleter> handle{curl_easy_init()};
  if (!handle)
    return admin_failure{"libcurl does not start"};
  std::unique_ptr<curl_slist, curl_deleter> headers{
      curl_slist_append(nullptr, "Accept: application/json")};
  const auto add_header = [&](const std::string& line) {
    if (auto* longer = curl_slist_append(headers.get(), line.c_str())) {
      headers.release(); // It is part of `longer` now.
      headers.reset(longer);
    }
  };
  if (!token_.empty())
    add_header("Authorization: Bearer " + token_);
  std::string body;
  auto* curl = handle.get();
  curl_easy_setopt(curl, CURLOPT_URL, fmt::format("{}/admin/{}", node_, path).c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_PROXY, ""); // A node is asked directly, whatever http_proxy says.
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, connect_timeout_ms);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, total_timeout_ms);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, append_piece);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &body);
  if (!ca_file_.empty())
    curl_easy_setopt(curl, CURLOPT_CAINFO, ca_file_.c_str());
  if (post)
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, "");
  if (const auto code = curl_easy_perform(curl); code != CURLE_OK)
    return admin_failure{explain(code, node_)};
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  if (status < 200 || status > 299)
    return admin_failure{explain(status, body)};
  return body;
}

} // namespace lapwing
