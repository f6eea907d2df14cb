// One request at a time to the simulator or the node, over a connection that stays open.
#pragma once

#include <string>
#include <string_view>

#include "benchmarks/load/endpoint.hpp"
#include "core/error.hpp"

namespace lapwing::poll_bench {

class loopback_http {
public:
  explicit loopback_http(load::endpoint where) : where_(where) {}
  ~loopback_http();
  loopback_http(const loopback_http&) = delete;
  loopback_http& operator=(const loopback_http&) = delete;

  /// The body of a 2xx answer. Blocks, at most a minute. `bearer` may be empty.
  result<std::string> get(std::string_view path);
  result<std::string> post(std::string_view path, std::string_view json,
                           std::string_view bearer = {});

private:
  result<std::string> ask(const std::string& request);
  result<std::string> exchange(const std::string& request);
  bool connect();
  void close() noexcept;

  load::endpoint where_;
  int socket_ = -1;
};

} // namespace lapwing::poll_bench
