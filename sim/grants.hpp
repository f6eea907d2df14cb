// What people agreed to. Tokens are not kept: a token names its grant, its number and its time, and
// carries a mark that only this world can make, so that millions of them cost nothing.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/time.hpp"
#include "sim/options.hpp"
#include "sim/platform.hpp"

namespace lapwing::sim {

enum class token_kind : std::uint8_t { access, refresh };

/// What a token says of itself.
struct token_facts {
  token_kind kind = token_kind::access;
  std::uint32_t grant = 0;
  std::uint32_t serial = 0;
  timestamp issued{};
};

struct grant {
  provider at = provider::github;
  platform where = platform::github; ///< Which of the provider's platforms was asked for.
  std::uint32_t application = 0;
  std::uint32_t person = 0;
  std::vector<std::string> scopes;
  timestamp granted_at{};
  timestamp last_used{};
  std::uint32_t access_serial = 0;     ///< Of the newest access token.
  std::uint32_t access_serial_min = 0; ///< Older ones do not work any more.
  std::uint32_t refresh_serial = 0;    ///< Of the one that works; 0: there is none.
  bool user_token = false;             ///< Slack: a user's, not a bot's.
  bool public_client = false;          ///< Spotify with PKCE and no secret.
  bool revoked = false;
  bool reused = false;                 ///< Revoked because a used refresh token came again.
};

enum class token_state : std::uint8_t { good, unknown, expired, revoked };

class grant_table {
public:
  explicit grant_table(std::uint64_t seed) : seed_(seed) {}

  std::uint32_t add(grant fresh);
  grant& at(std::uint32_t index) { return all_[index]; }
  const grant& at(std::uint32_t index) const { return all_[index]; }
  std::uint32_t count() const noexcept { return static_cast<std::uint32_t>(all_.size()); }

  std::string issue(token_kind kind, std::uint32_t grant_index, std::string_view prefix,
                    timestamp now);
  /// Nothing for a text that this world never gave out.
  std::optional<token_facts> read(std::string_view token) const;

private:
  std::uint64_t mark_of(const token_facts& facts) const noexcept;

  std::uint64_t seed_;
  std::vector<grant> all_;
};

/// How long an access token of that grant lives; nothing: until it is revoked.
std::optional<std::chrono::seconds> access_life(const world_options& options, const grant& which,
                                                bool expiring_tokens);
/// "": this grant gives none.
std::string_view access_prefix(const grant& which, bool expiring_tokens);
std::string_view refresh_prefix(const grant& which);

} // namespace lapwing::sim
