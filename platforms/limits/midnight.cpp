#include "platforms/limits/midnight.hpp"

#include <algorithm>
#include <iterator>

namespace lapwing {
namespace {

using namespace std::chrono;

struct zone_rule {
  std::string_view name;
  hours offset; ///< In winter.
  bool has_summer;
};

constexpr zone_rule zones[] = {
  {"America/Los_Angeles", hours{-8}, true}, {"America/Denver", hours{-7}, true},
  {"America/Phoenix", hours{-7}, false},    {"America/Chicago", hours{-6}, true},
  {"America/New_York", hours{-5}, true},    {"UTC", hours{0}, false},
};

const zone_rule* find(std::string_view name) noexcept {
  auto* found = std::find_if(std::begin(zones), std::end(zones),
                             [&](const zone_rule& zone) { return zone.name == name; });
  return found == std::end(zones) ? nullptr : found;
}

/// Summer time lasts from 2:00 on the second Sunday of March to 2:00, which then is 1:00 standard
/// time, on the first Sunday of November (Energy Policy Act of 2005, section 110). `standard` is
/// the zone's winter time.
bool is_summer(local_time<milliseconds> standard) noexcept {
  auto in = year_month_day{floor<days>(standard)}.year();
  local_days begin{in / March / Sunday[2]};
  local_days end{in / November / Sunday[1]};
  return standard >= begin + hours{2} && standard < end + hours{1};
}

} // namespace

bool is_known_zone(std::string_view zone) noexcept {
  return find(zone) != nullptr;
}

timestamp next_midnight(std::string_view zone, timestamp now) {
  auto* known = find(zone);
  const auto& rule = known == nullptr ? zones[0] : *known;
  local_time<milliseconds> standard{now.time_since_epoch() + rule.offset};
  auto shown = rule.has_summer && is_summer(standard) ? standard + hours{1} : standard;
  local_time<milliseconds> midnight{floor<days>(shown) + days{1}};
  // The clock never changes between midnight and 1:00, so the summer of midnight is found as if
  // it were winter time.
  auto in_standard = rule.has_summer && is_summer(midnight) ? midnight - hours{1} : midnight;
  return timestamp{in_standard.time_since_epoch() - rule.offset};
}

} // namespace lapwing
