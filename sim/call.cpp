#include "sim/call.hpp"

namespace lapwing::sim {
namespace {

http_response answer_of(int status, const char* content_type, std::string body) {
  http_response out;
  out.status = status;
  out.headers.emplace_back("Content-Type", content_type);
  out.body = std::move(body);
  return out;
}

} // namespace

std::string_view call::header(std::string_view name) const noexcept {
  for (const auto& [key, value] : request->headers)
    if (equal_ignoring_case(key, name))
      return value;
  return {};
}

bool call::has_form() const noexcept {
  return header("Content-Type").starts_with("application/x-www-form-urlencoded");
}

bool parse_call(const http_request& request, call& into) {
  std::string_view url = request.url;
  if (url.starts_with("https://"))
    url.remove_prefix(8);
  else if (url.starts_with("http://"))
    url.remove_prefix(7);
  else
    return false;
  url = url.substr(0, url.find('#'));
  auto question = url.find('?');
  auto before_query = url.substr(0, question);
  auto slash = before_query.find('/');
  into.request = &request;
  into.method = request.method;
  into.host = before_query.substr(0, slash);
  into.path = slash == std::string_view::npos ? std::string_view{"/"} : before_query.substr(slash);
  if (question != std::string_view::npos)
    into.query = parameters{url.substr(question + 1)};
  if (!request.body.empty() && into.has_form())
    into.form = parameters{request.body};
  auto authorization = into.header("Authorization");
  if (authorization.size() > 7 && equal_ignoring_case(authorization.substr(0, 7), "Bearer "))
    into.token = authorization.substr(7);
  return !into.host.empty() && into.host.find('@') == std::string_view::npos;
}

http_response json_answer(int status, std::string body) {
  return answer_of(status, "application/json; charset=utf-8", std::move(body));
}

http_response text_answer(int status, std::string body) {
  return answer_of(status, "text/plain; charset=utf-8", std::move(body));
}

http_response empty_answer(int status) {
  http_response out;
  out.status = status;
  return out;
}

http_response redirect_answer(std::string location) {
  http_response out;
  out.status = 302;
  out.headers.emplace_back("Location", std::move(location));
  return out;
}

} // namespace lapwing::sim
