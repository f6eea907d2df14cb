// A client and the loop it runs on, for tests.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "net/outbound/outbound_client.hpp"

namespace lapwing::testing {

inline net::outbound_rules loopback_rules() {
  net::outbound_rules rules;
  rules.allow_private_addresses = true;
  return rules;
}

/// What became of a request; filled in by its callback.
struct asked {
  std::optional<result<http_response>> outcome;
  int calls = 0;

  bool done() const { return outcome.has_value(); }
  int status() const { return outcome && *outcome ? (*outcome)->status : 0; }
  std::string body() const { return outcome && *outcome ? (*outcome)->body : std::string{}; }
  errc code() const { return outcome && !*outcome ? outcome->error().code : errc::none; }
};
using asked_ptr = std::shared_ptr<asked>;

inline asked_ptr ask(http_client& client, http_request request) {
  auto noted = std::make_shared<asked>();
  client.send(std::move(request), [noted](result<http_response> outcome) {
    ++noted->calls;
    noted->outcome = std::move(outcome);
  });
  return noted;
}

inline http_request get(std::string url) {
  http_request request;
  request.url = std::move(url);
  return request;
}

inline http_request post(std::string url, std::string body) {
  http_request request;
  request.method = "POST";
  request.url = std::move(url);
  request.body = std::move(body);
  return request;
}

/// Runs the loop until `reached`; false when that takes unreasonably long.
template <class Condition>
bool run_until(boost::asio::io_context& io, Condition reached) {
  auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds{20};
  while (!reached())
    if (io.run_one_until(give_up) == 0)
      return false;
  return true;
}

inline bool finish(boost::asio::io_context& io, const std::vector<asked_ptr>& all) {
  return run_until(io, [&] {
    for (const auto& one : all)
      if (!one->done())
        return false;
    return true;
  });
}

} // namespace lapwing::testing
