// The route table as an OpenAPI 3.1 document.
#include <nlohmann/json.hpp>

#include "net/http/error_table.hpp"
#include "net/http/routes.hpp"

namespace lapwing::net {
namespace {

using json = nlohmann::ordered_json;

/// "/admin/*" has no form in OpenAPI: its rest is shown as one parameter.
std::string openapi_path(std::string_view pattern) {
  std::string path{pattern};
  if (path.ends_with("/*"))
    path.replace(path.size() - 1, 1, "{path}");
  return path;
}

json parameters_of(const std::string& path) {
  json out = json::array();
  for (std::size_t open = path.find('{'); open != std::string::npos;
       open = path.find('{', open + 1)) {
    auto name = path.substr(open + 1, path.find('}', open) - open - 1);
    out.push_back(
      {{"name", name}, {"in", "path"}, {"required", true}, {"schema", {{"type", "string"}}}});
  }
  return out;
}

std::string_view who(access a) {
  switch (a) {
    case access::anyone: return "anyone";
    case access::signature: return "the platform, by its signature";
    case access::user: return "the user, or the role service_role";
    case access::service: return "the role service_role";
    case access::admin: return "the role admin";
    case access::operators: return "operators: loopback or the metrics token, the cron secret";
  }
  return {};
}

json security_of(access a) {
  switch (a) {
    case access::user:
      return json::array({{{"bearer", json::array()}}, {{"token", json::array()}},
                          {{"ticket", json::array()}}});
    case access::service:
    case access::admin:
    case access::operators: return json::array({{{"bearer", json::array()}}});
    default: return json::array();
  }
}

json operation(const route& r, const std::string& path) {
  json op;
  op["summary"] = r.summary;
  op["description"] = "For " + std::string{who(r.who)} + ".";
  if (auto parameters = parameters_of(path); !parameters.empty())
    op["parameters"] = std::move(parameters);
  if (r.body != body_rule::none) {
    bool any = r.body == body_rule::required || r.body == body_rule::optional;
    json schema = any ? json::object() : json{{"type", "object"}};
    op["requestBody"] = {
      {"required", r.body == body_rule::required || r.body == body_rule::json},
      {"content", {{any ? "*/*" : "application/json", {{"schema", std::move(schema)}}}}}};
  }
  op["security"] = security_of(r.who);
  json responses;
  auto rest = r.answers;
  while (!rest.empty()) {
    auto status = rest.substr(0, rest.find(' '));
    rest.remove_prefix(std::min(rest.size(), status.size() + 1));
    json one;
    one["description"] = reason_phrase(static_cast<unsigned>(std::stoul(std::string{status})));
    if (status >= "400")
      one["content"]
        = {{"application/problem+json", {{"schema", {{"$ref", "#/components/schemas/Problem"}}}}}};
    responses[std::string{status}] = std::move(one);
  }
  op["responses"] = std::move(responses);
  return op;
}

json problem_schema() {
  json codes = json::array();
  for (auto& row : error_table())
    if (row.code != errc::none)
      codes.push_back(to_string(row.code));
  json properties;
  for (auto name : {"type", "title", "detail", "request_id"})
    properties[name] = {{"type", "string"}};
  properties["status"] = {{"type", "integer"}};
  properties["code"] = {{"type", "string"}, {"enum", std::move(codes)}};
  return {{"type", "object"},
          {"required", json::array({"type", "title", "status", "code"})},
          {"properties", std::move(properties)}};
}

} // namespace

std::string openapi_document(std::span<const route> routes) {
  json document;
  document["openapi"] = "3.1.0";
  document["info"] = {{"title", "Lapwing"},
                      {"version", "0.1.0"},
                      {"license", {{"name", "Apache-2.0"}, {"identifier", "Apache-2.0"}}}};
  json paths = json::object();
  for (auto& r : routes) {
    auto path = openapi_path(r.pattern);
    std::string method{boost::beast::http::to_string(r.method)};
    for (auto& c : method)
      c = static_cast<char>(c | 0x20);
    paths[path][method] = operation(r, path);
  }
  document["paths"] = std::move(paths);
  document["components"] = {
    {"schemas", {{"Problem", problem_schema()}}},
    {"securitySchemes",
     {{"bearer", {{"type", "http"}, {"scheme", "bearer"}, {"bearerFormat", "JWT"}}},
      {"token", {{"type", "apiKey"}, {"in", "query"}, {"name", "access_token"}}},
      {"ticket", {{"type", "apiKey"}, {"in", "query"}, {"name", "ticket"}}}}}};
  return document.dump();
}

} // namespace lapwing::net
