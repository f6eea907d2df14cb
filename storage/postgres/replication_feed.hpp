// The live tables of a PostgreSQL database: a publication and one replication slot for the whole
// deployment, read by whichever node has it. Nothing is made in the database before somebody first
// asks for changes.
//
// What was read is confirmed only once it is older than the resume window, so that a node that
// starts after a crash reads the last of its predecessor again. A row in the database says how far
// that one had come, and whether it ended well. The slot holds back at most `slot_bytes_max` of the
// server's log on our account: beyond that, older changes are confirmed early. Should it hold back
// four times as much nevertheless (a transaction that does not end, clients that are far too slow),
// the slot is given up and made anew, and clients are told: the database's disk is not ours to fill.
//
// The server lets one connection read a slot. Further nodes on the database look twice a second
// whether it is free, tell their clients meanwhile that changes come elsewhere, and go on where the
// node before them was: their clients, and those of that node that come to them, get what came since.
#pragma once

#include <atomic>
#include <chrono>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "realtime/change_feed.hpp"
#include "storage/postgres/replication_stream.hpp"
#include "storage/postgres/row_sight.hpp"

namespace lapwing::postgres {

struct replication_options {
  std::string url;
  std::string publication = "supabase_realtime";
  std::chrono::milliseconds resume_window{120'000};
  std::uint64_t slot_bytes_max = 1ULL << 30;
};

class replication_feed final : public realtime::change_feed {
public:
  /// errc::not_configured: no such address.
  static result<std::unique_ptr<replication_feed>> open(replication_options options);
  ~replication_feed() override;

  void start(std::vector<listener> listeners) override;
  void stop() override;
  realtime::slot_state slot() const override;
  void describe(std::string role,
                std::function<void(result<std::vector<realtime::table_facts>>)> done) override;
  void look(realtime::sight_question what,
            std::function<void(result<realtime::sights>)> done) override;

private:
  using clock = std::chrono::steady_clock;

  /// Held by every batch that somebody is not done with.
  struct in_flight;

  replication_feed(replication_options options, std::string parameters);

  void run();
  /// Whether somebody has asked for changes, now or before an earlier node ended.
  result<bool> is_wanted();
  /// Publication, slot, schema. errc as text_link::run.
  result<void> prepare();
  result<void> make_schema();
  /// Once the slot is ours: what the node before us left.
  result<void> take_over();
  /// Others have had the slot for a while.
  void say_elsewhere();
  void look_at_slot();
  result<void> stream();
  result<void> take(replication_stream& from);
  void rest(replication_stream& from);
  void hand_on(std::vector<realtime::transaction_part> parts, bool lost);
  void note_place();
  bool confirm(replication_stream& to);
  void note_state(bool clean);
  bool wait_before_retry();

  replication_options options_;
  std::string parameters_;
  std::string slot_; ///< Slots are of the whole server: this one is named after its database.
  row_sight sight_;
  text_link link_;
  std::vector<listener> listeners_;
  std::shared_ptr<in_flight> flying_;

  std::uint64_t batches_ = 0;
  realtime::lsn reached_ = 0;   ///< Of whole transactions that were handed on.
  realtime::lsn confirmed_ = 0;
  realtime::lsn history_ = 0;   ///< Where the log ended when we began.
  bool caught_up_ = false;      ///< And was told so.
  realtime::lsn resume_at_ = 0; ///< For the first batch.
  bool lost_ = false;           ///< For the next batch: the slot had to be made anew.
  bool prepared_once_ = false;
  /// When a place was reached, for the resume window.
  std::deque<std::pair<clock::time_point, realtime::lsn>> places_;
  clock::time_point next_word_{};
  realtime::lsn noted_ = 0;

  bool schema_made_ = false;
  bool ours_ = false;            ///< We stream.
  bool stood_by_ = false;        ///< Another node streamed while we wanted to.
  clock::time_point busy_since_{};
  clock::time_point next_look_{};
  bool give_up_ = false;         ///< The slot holds back too much.
  mutable std::mutex state_mutex_;
  realtime::slot_state state_;

  std::atomic<bool> stopping_{false};
  std::atomic<bool> wanted_{false};
  int wake_ = -1; ///< An eventfd: stop, or somebody is done with a batch.
  std::thread thread_;
};

} // namespace lapwing::postgres
