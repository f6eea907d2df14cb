// Everything counted: what the node asked for, what it got, and what it should not have done.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "sim/platform.hpp"

namespace lapwing::sim {

struct endpoint_stats {
  std::uint64_t calls = 0;
  std::uint64_t good = 0;         ///< 2xx and 3xx other than 304.
  std::uint64_t not_modified = 0; ///< 304.
  std::uint64_t limited = 0;      ///< 429, and 403 for a quota.
  std::uint64_t refused = 0;      ///< Other 4xx, and failures that come with 200.
  std::uint64_t broken = 0;       ///< 5xx, and answers that never arrived whole.
};

struct platform_stats {
  std::uint64_t calls = 0;          ///< Of the API; not the OAuth ones.
  std::uint64_t consents = 0;
  std::uint64_t codes_exchanged = 0;
  std::uint64_t refreshes = 0;
  std::uint64_t refreshes_refused = 0;
  std::uint64_t reuse_detected = 0; ///< Families revoked because a used refresh token came again.
  std::uint64_t invalid_tokens = 0; ///< Calls with a wrong, expired or revoked access token.
  std::uint64_t revocations = 0;
  std::uint64_t deliveries = 0;     ///< Attempts, copies included.
  std::uint64_t accepted = 0;
  std::uint64_t failed = 0;
  std::uint64_t lost = 0;           ///< By a fault: never sent.
};

struct statistics {
  std::array<platform_stats, platform_count> platforms;
  std::map<std::pair<platform, std::string_view>, endpoint_stats> endpoints;
  std::uint64_t unknown_addresses = 0;

  platform_stats& of(platform where) { return platforms[index_of(where)]; }
  const platform_stats& of(platform where) const { return platforms[index_of(where)]; }
  /// Zero for one that was never called.
  endpoint_stats of(platform where, std::string_view endpoint) const {
    auto found = endpoints.find({where, endpoint});
    return found == endpoints.end() ? endpoint_stats{} : found->second;
  }
};

} // namespace lapwing::sim
