// One that is told database changes: what it wants of each table, and what it has been told.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "actors/realtime/change_desk.hpp"
#include "realtime/filter.hpp"

namespace lapwing::realtime {

/// What a follower wants of a change: the ids of its entries that match, and the first of them, whose
/// selection counts.
struct wish {
  std::vector<std::uint32_t> ids;
  const change_entry* entry = nullptr;
};

/// A follower's entries for one table in one shape.
class table_interest {
public:
  table_interest(const std::vector<change_entry>& entries, table_ptr of);

  const table_ptr& of() const noexcept { return of_; }
  /// Whether a change of this kind may be wanted at all.
  bool wants(change_kind kind) const noexcept { return !wishes_[index(kind)].ids.empty(); }
  /// Without filters every change of a kind that is wanted is wanted.
  bool filters() const noexcept { return filters_; }
  bool matches(const row_change& change) const;
  /// For a change that matches.
  wish wish_for(const row_change& change) const;
  /// The same for all changes of a kind, while nothing is filtered.
  const wish& wish_for(change_kind kind) const noexcept { return wishes_[index(kind)]; }

private:
  struct one_entry {
    const change_entry* entry = nullptr;
    bound_filter filter;
  };

  static std::size_t index(change_kind kind) noexcept { return static_cast<std::size_t>(kind); }
  static bool fits(const one_entry& entry, const row_change& change);

  table_ptr of_;
  std::vector<one_entry> entries_;
  std::array<wish, 4> wishes_; ///< By kind, whatever the filters say.
  bool filters_ = false;
};

struct following {
  explicit following(follower_ptr follower) : who(std::move(follower)) {}

  follower_ptr who;
  std::uint64_t live_after = 0; ///< Batches up to this one come to it by replay, or not at all.
  lsn reached = 0;              ///< What it has been told of ends here.
  /// Rows that it was shown, by table and key, where an old row cannot be asked about.
  std::unordered_set<std::string> seen;

  /// Valid until the next call for another shape of the same table.
  const table_interest& interest_in(const table_ptr& of);

private:
  std::vector<std::unique_ptr<table_interest>> interests_;
};
using following_ptr = std::shared_ptr<following>;

} // namespace lapwing::realtime
