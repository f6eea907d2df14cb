// How people are told what a poll brought: the parts of a `new_data` event (CONTRACT 4).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/event.hpp"

namespace lapwing {

/// "3 new recently played on Spotify", "1 new history on Gmail". `data_type` has its underscores
/// as spaces. `title` is the platform's name for people.
std::string new_data_message(std::string_view title, std::string_view data_type, std::size_t count);

/// The `new_data` event of `count` items that were not stored before: count and dataType stand at
/// the top and in `data`, since the seeds use both.
event_draft new_data_event(std::string_view platform, std::string_view title,
                           std::string_view data_type, std::size_t count);

/// New items of one sync by data type, in the order of first appearance.
class sync_summary {
public:
  void add(std::string_view data_type, std::size_t count);
  std::size_t total() const noexcept;
  const std::vector<std::pair<std::string, std::size_t>>& counts() const noexcept {
    return counts_;
  }
  /// `{"recently_played":3,"currently_playing":1}`.
  std::string json() const;

private:
  std::vector<std::pair<std::string, std::size_t>> counts_;
};

} // namespace lapwing
