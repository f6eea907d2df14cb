// A small world to ask: requests with a token, forms, an application's credentials.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "sim/text.hpp"
#include "sim/world.hpp"

namespace lapwing::sim::testing {

using namespace std::chrono_literals;

struct fixture {
  explicit fixture(world_options options = quiet()) : at(std::move(options)) {
    at.add_user("alice");
    at.add_user("bob");
  }

  /// Nothing happens unless make_items() makes it happen.
  static world_options quiet() {
    world_options out;
    out.items_per_hour = 0;
    return out;
  }

  http_response get(std::string_view url, std::string_view token = {}, http_headers more = {}) {
    return send("GET", url, token, {}, std::move(more));
  }
  http_response send(std::string_view method, std::string_view url, std::string_view token,
                     std::string body = {}, http_headers more = {}) {
    http_request request;
    request.method = method;
    request.url = url;
    request.headers = std::move(more);
    if (!token.empty())
      request.headers.emplace_back("Authorization", "Bearer " + std::string{token});
    request.body = std::move(body);
    return at.handle(request);
  }
  http_response form(std::string_view url, std::string body, http_headers more = {}) {
    more.emplace_back("Content-Type", "application/x-www-form-urlencoded");
    return send("POST", url, {}, std::move(body), std::move(more));
  }

  void pass(std::chrono::milliseconds time) { at.advance(at.now() + time); }

  world at;
};

/// The value of a parameter of an address.
inline std::string parameter_of(std::string_view url, std::string_view name) {
  auto question = url.find('?');
  if (question == std::string_view::npos)
    return {};
  return std::string{parameters{url.substr(question + 1)}.get(name)};
}

inline std::string basic(std::string_view id, std::string_view secret) {
  return "Basic " + base64(std::string{id} + ':' + std::string{secret});
}

} // namespace lapwing::sim::testing
