// Requests for the tests, without any HTTP.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <strings.h>

#include "net/auth/encoding.hpp"
#include "net/auth/hmac.hpp"
#include "net/webhook/outcome.hpp"
#include "net/webhook/request.hpp"

namespace lapwing::testing {

/// A request with headers of its own; outlives the view() of it.
class test_request {
public:
  test_request() = default;
  explicit test_request(std::string body) : body_(std::move(body)) {}

  test_request& set(std::string name, std::string value) {
    for (auto& header : headers_)
      if (header.first == name) {
        header.second = std::move(value);
        return *this;
      }
    headers_.emplace_back(std::move(name), std::move(value));
    return *this;
  }
  test_request& remove(std::string_view name) {
    std::erase_if(headers_, [&](const auto& header) { return header.first == name; });
    return *this;
  }
  std::string& body() { return body_; }

  std::string_view operator()(std::string_view name) const {
    for (const auto& [key, value] : headers_)
      if (key.size() == name.size() && ::strncasecmp(key.data(), name.data(), name.size()) == 0)
        return value;
    return {};
  }
  webhook_request view() const { return {webhook_headers{*this}, body_}; }
  operator webhook_request() const { return view(); }

private:
  std::vector<std::pair<std::string, std::string>> headers_;
  std::string body_;
};

inline std::string hmac_hex(const std::string& secret, std::string_view text) {
  return to_hex(bytes_of(hmac_sha256_key{secret}.digest({text})));
}

/// "deliver", "answer 200", "ignore" or the code of the failure.
inline std::string kind_of(const result<webhook_outcome>& outcome) {
  if (!outcome)
    return to_string(outcome.error().code);
  if (auto* answer = std::get_if<webhook_answer>(&*outcome))
    return "answer " + std::to_string(answer->status);
  return std::holds_alternative<webhook_delivery>(*outcome) ? "deliver" : "ignore";
}

/// Of an outcome that is a delivery; an empty one otherwise, so that the checks after it fail.
inline webhook_delivery delivery_of(const result<webhook_outcome>& outcome) {
  if (outcome)
    if (auto* delivery = std::get_if<webhook_delivery>(&*outcome))
      return *delivery;
  return {};
}

inline webhook_answer answer_of(const result<webhook_outcome>& outcome) {
  if (outcome)
    if (auto* answer = std::get_if<webhook_answer>(&*outcome))
      return *answer;
  return {0, {}, {}};
}

} // namespace lapwing::testing
