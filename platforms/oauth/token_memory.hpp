// What a later keeper of the same connection should know, kept in connection::refresh_memory: how
// often the refresh failed, when to ask again, what was said. Without it every life would begin
// with a clean sheet, and an outage would be asked about again with each of them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/connection_store.hpp"
#include "core/time.hpp"
#include "platforms/oauth/token_answer.hpp"

namespace lapwing {

struct token_memory {
  std::uint64_t version = 0; ///< Of the tokens; of others it means nothing, but for the warnings.
  std::uint32_t failure_count = 0;
  std::uint8_t unknown_count = 0;
  int warned_days = 0;
  timestamp warned_end{};
  timestamp rest_began{};
  timestamp retry_at{};
  timestamp trouble_since{};
  std::optional<timestamp> refreshed_for_rejection;
  std::optional<token_failure> failure; ///< Its retry_after is part of `retry_at`.
};

/// "" when there is nothing worth knowing. No secret is in it.
std::string to_text(const token_memory& memory);
/// Text that is none of ours is a clean sheet.
token_memory parse_token_memory(std::string_view text);

/// Why the tokens of this row could not be refreshed when it was last tried; nothing: they could, or
/// nobody has tried.
std::optional<token_failure> stored_trouble(const connection& row);

} // namespace lapwing
