#include "actors/realtime/following.hpp"

#include <algorithm>

namespace lapwing::realtime {
namespace {

void add(wish& to, const change_entry& entry) {
  if (!to.entry)
    to.entry = &entry;
  if (std::find(to.ids.begin(), to.ids.end(), entry.id) == to.ids.end())
    to.ids.push_back(entry.id);
}

} // namespace

table_interest::table_interest(const std::vector<change_entry>& entries, table_ptr of)
  : of_(std::move(of)) {
  for (const auto& entry : entries) {
    bool any = false;
    for (auto kind : {change_kind::insert, change_kind::update, change_kind::remove})
      any = any || entry.wants(kind, *of_);
    if (!any)
      continue;
    auto filter = bound_filter::bind(entry.filter, *of_);
    if (!filter)
      continue; // The table has changed: it matches nothing any more.
    for (auto kind : {change_kind::insert, change_kind::update, change_kind::remove})
      if (entry.wants(kind, *of_))
        add(wishes_[index(kind)], entry);
    filters_ = filters_ || !entry.filter.empty();
    entries_.push_back({&entry, std::move(*filter)});
  }
}

bool table_interest::fits(const one_entry& entry, const row_change& change) {
  bool removed = change.kind == change_kind::remove;
  return entry.entry->wants(change)
         && entry.filter.matches(*change.of, removed ? change.old : change.row,
                                 removed && change.old_is_key);
}

bool table_interest::matches(const row_change& change) const {
  return std::any_of(entries_.begin(), entries_.end(),
                     [&](const one_entry& one) { return fits(one, change); });
}

wish table_interest::wish_for(const row_change& change) const {
  wish made;
  for (const auto& one : entries_)
    if (fits(one, change))
      add(made, *one.entry);
  return made;
}

const table_interest& following::interest_in(const table_ptr& of) {
  auto found = std::find_if(interests_.begin(), interests_.end(),
                            [&](const auto& one) { return one->of()->id == of->id; });
  if (found == interests_.end())
    found = interests_.insert(interests_.end(), nullptr);
  else if ((*found)->of() == of)
    return **found;
  *found = std::make_unique<table_interest>(who->entries, of);
  return **found;
}

} // namespace lapwing::realtime
