// What poll_progress.cursor holds: the provider's cursor itself, or a small JSON object where more
// is needed (known keys, a chain of pages that a poll left unfinished).
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lapwing {

struct cursor_state {
  static constexpr std::size_t known_max = 8;

  std::string value;              ///< What the endpoint's `cursor_param` gets; "" nothing.
  /// Keys of the newest items, newest first. Several, since any of them may be deleted there.
  std::vector<std::string> known;

  // A chain of pages under way; `page` is empty when there is none.
  std::string page;               ///< Token or URL of the next page.
  std::string pending;            ///< Becomes `value` when the chain has ended.
  std::vector<std::string> head;  ///< Newest keys of the chain.
  bool first = false;             ///< The chain is a first sync: bounded.
  bool resync = false;            ///< The chain is a full resync.
  std::size_t kept = 0;           ///< Items of the chain so far.

  friend bool operator==(const cursor_state&, const cursor_state&) = default;
};

/// Never "": that means that nothing was read yet.
std::string encoded(const cursor_state& state);
/// Nothing for "", and for a damaged object: both are read from the start. Text that does not
/// begin with "{" is a provider's cursor.
std::optional<cursor_state> decoded_cursor(std::string_view text);

/// Which of two cursors is newer: numbers by value with any count of digits ("1355517523.000005"),
/// RFC 3339 times by time, all others as text. Negative: `a` is older.
int compare_cursors(std::string_view a, std::string_view b);

/// An RFC 3339 time made earlier by whole seconds; any other text as it is.
std::string overlapped(std::string_view cursor, std::chrono::seconds by);

} // namespace lapwing
