// The port to a database whose tables are live: what changed, and who may see it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/error.hpp"
#include "realtime/transactions.hpp"

namespace lapwing::realtime {

/// Some changes in commit order, shared by all who look at them.
struct change_batch {
  std::uint64_t number = 0; ///< Counts from 1 since the feed began.
  std::vector<transaction_part> parts;
  lsn reached = 0;   ///< All that committed before this place is in this batch or an earlier one.
  /// What committed up to here was told by the node before this one: it is only for those who come
  /// back. Until `reached` is there nobody can follow.
  lsn history = 0;
  lsn resume_at = 0; ///< Not 0, in the first one only: that node ended badly here.
  bool lost = false; ///< Changes are missing before this batch: nobody can tell which.
  /// Another node has the stream: nothing comes before that one ends. Says nothing else.
  bool elsewhere = false;
};
using change_batch_ptr = std::shared_ptr<const change_batch>;

/// Under which role and claims rows are looked at.
struct subject {
  std::string role;
  std::string claims; ///< JSON.

  friend bool operator==(const subject&, const subject&) = default;
};

/// What is known of a table at the moment, for one role.
struct table_facts {
  table_ptr shape;                ///< Only columns that the role may read.
  std::vector<bool> primary_key;  ///< By column of `shape`.
};

using column_names = std::shared_ptr<const std::vector<std::string>>;

/// What a subject may know of a change.
struct sight {
  bool forbidden = false;  ///< The role may not read the table's key at all.
  bool old_shown = false;  ///< It might have seen the old row.
  std::string_view record; ///< The row as it is now, a JSON object; empty: not for these eyes.
  column_names readable;   ///< Names of the columns that the role may read.
};

struct table_rules {
  bool row_security = false;
  std::vector<std::string> primary_key; ///< Names; empty: there is none.
};

/// Who may see what of the changes of one table. Rows that no policy can tell apart share an image,
/// so that each subject is asked once about all of them.
struct table_sights {
  struct row_place {
    std::string record;    ///< The row as it is now; empty when it is gone.
    std::uint32_t now = 0; ///< Image of the row as it is now; 0: there is none.
    std::uint32_t old = 0; ///< Image of the old row.
  };
  struct role_facts {
    bool forbidden = false;
    column_names readable;
    std::vector<std::string> records; ///< By place, for its `exact` subjects.
  };
  struct seen_images {
    bool exact = false;       ///< A place is its own image; its old row's is places.size() more.
    std::vector<bool> images; ///< From 1.
  };

  table_rules rules;
  std::vector<row_place> places;     ///< The changes of this table in the order of the question.
  std::vector<role_facts> roles;
  std::vector<seen_images> subjects;

  /// Whether the row as it is now, or as it was, is one that the subject sees.
  bool sees_now(std::size_t subject, std::size_t place) const noexcept;
  bool sees_old(std::size_t subject, std::size_t place) const noexcept;
};

struct sights {
  std::vector<table_sights> tables;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> of; ///< Table and place, by change as asked.
  std::vector<std::uint32_t> role_of;                      ///< By subject: index in `roles`.

  const table_sights& table_of(std::size_t change) const { return tables[of[change].first]; }
  const table_rules& rules(std::size_t change) const { return table_of(change).rules; }
  /// Valid as long as this is.
  sight look(std::size_t subject, std::size_t change) const;
};

struct sight_question {
  std::vector<change_batch_ptr> keep; ///< What `changes` point into.
  std::vector<const row_change*> changes;
  std::vector<std::uint32_t> transactions; ///< Those of `changes`.
  std::vector<subject> subjects;
};

/// How the feed's slot stands, for monitoring.
struct slot_state {
  bool known = false;            ///< There is a slot, and the database could be asked.
  bool ours = false;             ///< This node reads it.
  std::uint64_t held_bytes = 0;  ///< Of the database's log, for the slot.
  std::uint64_t resets = 0;      ///< Times that changes were missing and clients were told.
  bool alarm = false;            ///< It holds more than it should, or is about to be given up.
};

class change_feed {
public:
  /// Called with every batch, on a thread of the feed's. Whoever is done with the batch lets go of
  /// `hold`: the feed reads on while few are held.
  using listener = std::function<void(change_batch_ptr batch, std::shared_ptr<void> hold)>;

  virtual ~change_feed() = default;

  /// Begins; once. Each batch goes to all listeners.
  virtual void start(std::vector<listener> listeners) = 0;
  /// Ends: no listener is called any more, and open questions are refused.
  virtual void stop() = 0;

  /// The live tables. Any thread; `done` is called once on any thread. errc::store_unavailable.
  virtual void describe(std::string role,
                        std::function<void(result<std::vector<table_facts>>)> done) = 0;
  /// Any thread.
  virtual slot_state slot() const { return {}; }
  /// Who may see what, as things are now. The same rules.
  virtual void look(sight_question what, std::function<void(result<sights>)> done) = 0;
};

} // namespace lapwing::realtime
