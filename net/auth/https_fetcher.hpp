// Small GETs of public documents (key sets) with libcurl, on a thread of its own.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/error.hpp"
#include "net/auth/remote_jwks.hpp"

namespace lapwing {

struct https_fetcher_rules {
  std::chrono::milliseconds connect_timeout = std::chrono::seconds{5};
  std::chrono::milliseconds timeout = std::chrono::seconds{10};
  std::size_t body_bytes_max = 1024 * 1024;
  std::size_t queue_max = 64;
  std::string ca_file; ///< PEM; empty: the system's.
};

/// https with verified certificates, http only to loopback; no redirects; one fetch at a time.
/// Failures are errc::upstream_unavailable (queue full, network, status other than 200, too large)
/// or errc::bad_request (an address we do not take).
class https_fetcher {
public:
  explicit https_fetcher(https_fetcher_rules rules = {});
  /// Cancels the fetch under way; everybody still waiting is told errc::shutting_down.
  ~https_fetcher();
  https_fetcher(const https_fetcher&) = delete;
  https_fetcher& operator=(const https_fetcher&) = delete;

  /// `done` runs on the fetcher's thread, or at once when refused.
  void fetch(std::string url, std::function<void(result<fetched_text>)> done);

  /// For remote_jwks. The fetcher must outlive the function's calls.
  fetch_function port();

private:
  struct implementation;
  std::unique_ptr<implementation> implementation_;
};

/// Freshness left of an answer with these header values (empty: absent). Zero for no-store and
/// no-cache.
std::optional<std::chrono::seconds> freshness_of(std::string_view cache_control,
                                                 std::string_view age);

/// Whether a fetch may go there: https, or http to 127.0.0.0/8, [::1] or localhost; no user info.
bool fetchable_url(const std::string& url);

} // namespace lapwing
