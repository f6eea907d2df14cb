// The port to a database whose tables are live: what changed, and who may see it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
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

/// What a subject may know of a change.
struct sight {
  bool forbidden = false;  ///< The role may not read the table's key at all.
  bool old_shown = false;  ///< It might have seen the old row.
  std::string record;      ///< The row as it is now, a JSON object; empty: not for these eyes.
  /// Names of the columns that the role may read.
  std::shared_ptr<const std::vector<std::string>> readable;
};

struct table_rules {
  bool row_security = false;
  std::vector<std::string> primary_key; ///< Names; empty: there is none.
};

struct sights {
  std::vector<std::vector<sight>> of;  ///< By subject, then by change as asked.
  std::vector<table_rules> rules;      ///< By change as asked.
};

struct sight_question {
  change_batch_ptr keep; ///< What `changes` point into.
  std::vector<const row_change*> changes;
  std::vector<subject> subjects;
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
  /// Who may see what, as things are now. The same rules.
  virtual void look(sight_question what, std::function<void(result<sights>)> done) = 0;
};

} // namespace lapwing::realtime
