#include "realtime/change_feed.hpp"

namespace lapwing::realtime {
namespace {

bool holds(const std::vector<bool>& images, std::size_t image) {
  return image < images.size() && images[image];
}

} // namespace

bool table_sights::sees_now(std::size_t subject, std::size_t place) const noexcept {
  const auto& seen = subjects[subject];
  return holds(seen.images, seen.exact ? place + 1 : places[place].now);
}

bool table_sights::sees_old(std::size_t subject, std::size_t place) const noexcept {
  const auto& seen = subjects[subject];
  return holds(seen.images, seen.exact ? places.size() + place + 1 : places[place].old);
}

sight sights::look(std::size_t subject, std::size_t change) const {
  const auto& table = table_of(change);
  auto place = of[change].second;
  const auto& role = table.roles[role_of[subject]];
  sight made;
  made.forbidden = role.forbidden;
  made.readable = role.readable;
  made.old_shown = table.sees_old(subject, place);
  if (table.sees_now(subject, place))
    made.record = table.subjects[subject].exact ? std::string_view{role.records[place]}
                                                : std::string_view{table.places[place].record};
  return made;
}

} // namespace lapwing::realtime
