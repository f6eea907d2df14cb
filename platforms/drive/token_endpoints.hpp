// The token endpoints of a node's platforms, each with its circuit: connections of one client id
// share what any of them learns about it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/time.hpp"
#include "platforms/oauth/token_circuit.hpp"
#include "platforms/spec.hpp"

namespace lapwing {

/// Any thread. One lock for each endpoint, held for nanoseconds.
class token_endpoints {
public:
  /// For the operator; called on whatever thread learned it. `title` is of one of the platforms that
  /// share the endpoint.
  using listener
    = std::function<void(token_circuit::news, const std::string& title, const std::string& code)>;

  token_endpoints(const std::vector<platform_spec>& platforms, listener hears);
  ~token_endpoints();

private:
  struct endpoint;

public:
  /// The right to ask once. One that ends without `answered` was not used.
  class pass {
  public:
    pass() = default;
    pass(pass&& other) noexcept : of_(std::exchange(other.of_, nullptr)) {}
    pass& operator=(pass&& other) noexcept {
      std::swap(of_, other.of_);
      return *this;
    }
    ~pass();

    /// What came: nothing for tokens.
    void answered(const std::optional<token_failure>& failure, timestamp now, double chance);

  private:
    friend class token_endpoints;
    explicit pass(endpoint* of) noexcept : of_(of) {}
    endpoint* of_ = nullptr;
  };

  struct admission {
    std::optional<pass> granted;
    timestamp from{}; ///< When not: not before that.
  };
  admission ask(const platform_spec& platform, timestamp now);

private:
  const listener hears_;
  std::unordered_map<std::string, std::unique_ptr<endpoint>> endpoints_;
};

} // namespace lapwing
