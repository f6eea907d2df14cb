#include "config/mistake.hpp"

#include <algorithm>
#include <numeric>

namespace lapwing {
namespace {

/// Levenshtein: letters added, dropped or changed.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, change});
    }
  }
  return row.back();
}

std::string_view last_part(std::string_view path) {
  const auto dot = path.rfind('.');
  return dot == path.npos ? path : path.substr(dot + 1);
}

constexpr std::size_t compared_bytes_max = 128;

} // namespace

std::string to_string(const config_mistake& mistake) {
  std::string out = mistake.where;
  for (const auto* part : {&mistake.key, &mistake.problem}) {
    if (!out.empty() && !part->empty())
      out += ": ";
    out += *part;
  }
  if (!mistake.remedy.empty())
    out += "; " + mistake.remedy;
  return out;
}

std::string_view nearest(std::string_view typed, const std::vector<std::string_view>& candidates) {
  if (typed.size() > compared_bytes_max)
    return {};
  std::string_view best;
  std::size_t best_distance = std::max<std::size_t>(2, typed.size() / 5) + 1;
  for (const auto candidate : candidates)
    if (const auto d = distance(typed, candidate); d < best_distance) {
      best = candidate;
      best_distance = d;
    }
  if (!best.empty())
    return best;
  // The right name in the wrong section.
  const auto same_name = std::ranges::find(candidates, last_part(typed), last_part);
  return same_name == candidates.end() ? std::string_view{} : *same_name;
}

} // namespace lapwing
