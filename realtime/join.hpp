// What a client asks for in phx_join.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "realtime/changes.hpp"

namespace lapwing::realtime {

/// Entries beyond these are an invalid config. Guess: clients bind a handful.
inline constexpr std::size_t change_entries_max = 100;
inline constexpr std::size_t presence_key_bytes_max = 1024;

struct replay_request {
  bool valid = false;  ///< `since` or `after` is there, and what is there is as it should be.
  std::int64_t since_ms = 0;
  std::optional<std::int64_t> limit;  ///< At least 1; nothing: all that are kept.
  std::optional<std::uint64_t> after; ///< Lapwing: the `meta.id` that the client had last.
};

struct join_request {
  bool is_private = false;
  bool ack = false;
  bool self = false;
  bool presence = true; ///< Lapwing: absent means on.
  std::string presence_key; ///< Empty: make one up.
  bool replication_ready = false;
  std::optional<replay_request> replay;
  std::vector<change_entry> changes; ///< Numbered.
  std::optional<std::string> token;  ///< `access_token`, or `user_token` of old clients.
  /// Parts of the config that were not what they should be and were passed over.
  std::vector<std::string> passed_over;
};

/// `payload` is valid JSON. A bad config never fails a join: what can be read counts.
join_request read_join(std::string_view payload);

} // namespace lapwing::realtime
