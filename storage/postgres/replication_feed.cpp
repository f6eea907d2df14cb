#include "storage/postgres/replication_feed.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <spdlog/spdlog.h>

#include "realtime/transactions.hpp"
#include "storage/postgres/settings.hpp"
#include "storage/postgres/sight_sql.hpp"

namespace lapwing::postgres {
namespace {

using namespace std::chrono_literals;
using namespace realtime;

/// Changes (and batches) that somebody is not done with: more wait in the database. Guess.
constexpr std::size_t flying_max = 8192;
constexpr std::size_t batch_changes_max = 500;
constexpr auto word_interval = 500ms;
constexpr auto place_interval = 100ms;
constexpr auto retry_after = 500ms;
/// A connection of ours that broke may keep the slot for a moment.
constexpr auto busy_patience = 2s;
constexpr auto look_interval = 2s;
/// Of what the slot may hold back: an alarm, and giving it up.
constexpr std::uint64_t alarm_factor = 2;
constexpr std::uint64_t give_up_factor = 4;
constexpr auto longest_wait = 200ms;

} // namespace

struct replication_feed::in_flight {
  explicit in_flight(int descriptor) : wake(descriptor) {}
  ~in_flight() { ::close(wake); }
  std::atomic<std::size_t> count{0};
  const int wake; ///< Closed with the last batch: they may outlive the feed.
};

result<std::unique_ptr<replication_feed>> replication_feed::open(replication_options options) {
  auto parameters = connection_parameters(options.url);
  if (!parameters)
    return parameters.error();
  return std::unique_ptr<replication_feed>{
    new replication_feed{std::move(options), std::move(*parameters)}};
}

replication_feed::replication_feed(replication_options options, std::string parameters)
    : options_(std::move(options)), parameters_(std::move(parameters)),
      sight_(parameters_, options_.publication),
      link_(parameters_, "-c statement_timeout=10000"), // A stop does not wait for locks.
      wake_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  flying_ = std::make_shared<in_flight>(wake_);
}

replication_feed::~replication_feed() {
  stop();
}

void replication_feed::start(std::vector<listener> listeners) {
  listeners_ = std::move(listeners);
  thread_ = std::thread{[this] { run(); }};
}

void replication_feed::stop() {
  stopping_ = true;
  ::eventfd_write(wake_, 1);
  if (thread_.joinable())
    thread_.join();
  sight_.stop();
}

void replication_feed::describe(std::string role,
                                std::function<void(result<std::vector<table_facts>>)> done) {
  if (!wanted_.exchange(true))
    ::eventfd_write(wake_, 1);
  sight_.describe(std::move(role), std::move(done));
}

void replication_feed::look(sight_question what, std::function<void(result<sights>)> done) {
  sight_.look(std::move(what), std::move(done));
}

slot_state replication_feed::slot() const {
  std::lock_guard guard{state_mutex_};
  return state_;
}

void replication_feed::run() {
  bool said = false;
  while (!stopping_) {
    auto wanted = is_wanted();
    if (wanted && !*wanted) {
      said = false;
      pollfd watched{wake_, POLLIN, 0};
      ::poll(&watched, 1, -1);
      eventfd_t ignored = 0;
      ::eventfd_read(wake_, &ignored);
      continue;
    }
    auto ended = wanted ? prepare() : result<void>{wanted.error()};
    if (ended) {
      said = false;
      ended = stream();
    }
    if (stopping_)
      break;
    ours_ = false;
    look_at_slot();
    if (!ended && ended.error().code == errc::too_many_sessions)
      say_elsewhere();
    else if (!ended && !std::exchange(said, true))
      spdlog::warn("realtime: changes are not streamed: {}", ended.error().detail);
    if (!wait_before_retry())
      break;
  }
  if (ours_)
    note_state(true);
}

void replication_feed::say_elsewhere() {
  auto now = clock::now();
  if (busy_since_ == clock::time_point{})
    busy_since_ = now;
  if (stood_by_ || now - busy_since_ < busy_patience)
    return;
  stood_by_ = true;
  spdlog::info("realtime: another node streams the changes; this one waits for its end");
  auto batch = std::make_shared<change_batch>();
  batch->number = ++batches_;
  batch->elsewhere = true;
  for (const auto& each : listeners_)
    each(batch, nullptr);
}

/// What monitoring is told, and whether the slot has to be given up.
void replication_feed::look_at_slot() {
  auto now = clock::now();
  if (now < next_look_)
    return;
  next_look_ = now + look_interval;
  auto found = link_.run("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::bigint::text,"
                         " wal_status FROM pg_replication_slots WHERE slot_name = $1",
                         {slot_});
  std::lock_guard guard{state_mutex_};
  state_.ours = ours_;
  state_.known = found && !found->empty();
  if (!state_.known)
    return;
  const auto& row = found->front();
  state_.held_bytes = row[0] ? std::stoull(*row[0]) : 0;
  bool failing = row[1] == "unreserved" || row[1] == "lost";
  bool alarm = failing || state_.held_bytes > alarm_factor * options_.slot_bytes_max;
  if (alarm && !state_.alarm)
    spdlog::error("realtime: slot {} holds back {} MiB of the database's log{}", slot_,
                  state_.held_bytes >> 20U, failing ? "; the server is giving it up" : "");
  else if (!alarm && state_.alarm)
    spdlog::info("realtime: slot {} is well again", slot_);
  state_.alarm = alarm;
  give_up_ = give_up_ || (ours_ && state_.held_bytes > give_up_factor * options_.slot_bytes_max);
}

bool replication_feed::wait_before_retry() {
  pollfd watched{wake_, POLLIN, 0};
  ::poll(&watched, 1, static_cast<int>(std::chrono::milliseconds{retry_after}.count()));
  eventfd_t ignored = 0;
  ::eventfd_read(wake_, &ignored);
  return !stopping_;
}

result<bool> replication_feed::is_wanted() {
  auto found = link_.run(
    "SELECT 'lapwing_realtime_' || d.oid, s.slot_name FROM pg_database d"
    " LEFT JOIN pg_replication_slots s ON s.slot_name = 'lapwing_realtime_' || d.oid"
    " WHERE d.datname = current_database()");
  if (!found)
    return found.error();
  slot_ = (*found)[0][0].value_or("");
  return wanted_ || (*found)[0][1].has_value();
}

result<void> replication_feed::make_schema() {
  // Nodes that start together would hinder each other.
  auto made = link_.run((std::string{"BEGIN; SELECT pg_advisory_xact_lock(hashtext('lapwing_realtime'));"}
                         + sight_sql + "; COMMIT").c_str());
  if (!made) {
    link_.run("ROLLBACK");
    return made.error();
  }
  auto found = link_.run("SELECT FROM pg_publication WHERE pubname = $1", {options_.publication});
  if (!found)
    return found.error();
  if (found->empty()) {
    std::string name;
    for (char c : options_.publication)
      name += c == '"' ? std::string{"\"\""} : std::string{c};
    if (auto made_one = link_.run(("CREATE PUBLICATION \"" + name + '"').c_str()); !made_one)
      return made_one.error();
  }
  schema_made_ = true;
  return {};
}

result<void> replication_feed::prepare() {
  if (!schema_made_)
    if (auto made = make_schema(); !made)
      return made.error();
  auto slot = link_.run("SELECT wal_status, active::text FROM pg_replication_slots"
                        " WHERE slot_name = $1",
                        {slot_});
  if (!slot)
    return slot.error();
  if (!slot->empty() && (*slot)[0][1] == "true")
    return error{errc::too_many_sessions, "somebody else has the slot"};
  if (!slot->empty() && ((*slot)[0][0] == "lost" || give_up_)) {
    spdlog::error("realtime: {}; changes are missing",
                  give_up_ ? "the slot held back too much and is given up"
                           : "the server has given up the slot");
    if (auto dropped = link_.run("SELECT pg_drop_replication_slot($1)", {slot_}); !dropped)
      return dropped.error();
    slot->clear();
    lost_ = true;
    give_up_ = false;
  }
  if (slot->empty()) {
    auto made = link_.run("SELECT lsn FROM pg_create_logical_replication_slot($1, 'pgoutput')",
                          {slot_});
    if (!made)
      return made.error();
    reached_ = parse_lsn((*made)[0][0].value_or("")).value_or(0);
  }
  return {};
}

result<void> replication_feed::take_over() {
  auto found = link_.run("SELECT pg_current_wal_lsn()::text, confirmed_flush_lsn::text"
                         " FROM pg_replication_slots WHERE slot_name = $1",
                         {slot_});
  if (!found)
    return found.error();
  if (found->empty())
    return error{errc::store_unavailable, "the slot is gone"};
  if (prepared_once_) {
    // Others may have read on while it was theirs.
    lost_ = lost_ || parse_lsn((*found)[0][1].value_or("")).value_or(0) > reached_;
    return {};
  }
  history_ = parse_lsn((*found)[0][0].value_or("")).value_or(0);
  auto left = link_.run("SELECT reached::text, clean::text FROM lapwing_realtime.state"
                        " WHERE at > now() - ($1::bigint * interval '1 millisecond')",
                        {std::to_string(options_.resume_window.count())});
  if (!left)
    return left.error();
  if (!left->empty() && ((*left)[0][1] == "false" || stood_by_) && !lost_)
    resume_at_ = parse_lsn((*left)[0][0].value_or("")).value_or(0);
  prepared_once_ = true;
  return {};
}

/// For the node after this one: how far we are, and whether we end well.
void replication_feed::note_state(bool clean) {
  if (reached_ == 0 || (!clean && noted_ == reached_))
    return;
  auto noted = link_.run("INSERT INTO lapwing_realtime.state (reached, clean) VALUES ($1, $2)"
                         " ON CONFLICT (one) DO UPDATE SET reached = excluded.reached,"
                         " clean = excluded.clean, at = now()",
                         {to_text(reached_), clean ? "true" : "false"});
  if (noted)
    noted_ = reached_;
}

result<void> replication_feed::stream() {
  auto opened = replication_stream::open(parameters_, slot_, options_.publication);
  if (!opened) {
    if (opened.error().code == errc::not_found)
      spdlog::warn("realtime: {}", opened.error().detail);
    return opened.error();
  }
  if (auto taken = take_over(); !taken)
    return taken.error();
  spdlog::info("realtime: streaming changes of publication {}", options_.publication);
  ours_ = true;
  stood_by_ = false;
  busy_since_ = {};
  next_look_ = {};
  return take(*opened);
}

/// Places that were reached within a moment are one, told by its first: a busy database has many.
void replication_feed::note_place() {
  auto now = clock::now();
  if (!places_.empty() && now - places_.back().first < place_interval)
    places_.back().second = reached_;
  else
    places_.emplace_back(now, reached_);
}

bool replication_feed::confirm(replication_stream& to) {
  auto now = clock::now();
  while (!places_.empty()
         && (now - places_.front().first >= options_.resume_window
             || reached_ - places_.front().second > options_.slot_bytes_max)) {
    confirmed_ = std::max(confirmed_, places_.front().second);
    places_.pop_front();
  }
  next_word_ = now + word_interval;
  note_state(false);
  look_at_slot();
  return to.confirm(reached_, confirmed_, !caught_up_);
}

/// Until something came, or somebody is done with a batch.
void replication_feed::rest(replication_stream& from) {
  from.wait(wake_, longest_wait);
  eventfd_t ignored = 0;
  ::eventfd_read(wake_, &ignored);
}

result<void> replication_feed::take(replication_stream& from) {
  transaction_assembler assembler;
  std::vector<transaction_part> parts;
  std::size_t changes = 0;
  const auto known = reached_; // A slot begins again where it was confirmed: long before this.
  auto flush = [&] {
    std::erase_if(parts, [&](const transaction_part& part) { return part.commit_lsn < known; });
    if (!parts.empty() || (!caught_up_ && reached_ >= history_))
      hand_on(std::exchange(parts, {}), false);
    changes = 0;
  };
  hand_on({}, std::exchange(lost_, false)); // Says where the last node ended, and that we are here.
  while (!stopping_) {
    if (clock::now() >= next_word_ && !confirm(from))
      return error{errc::store_unavailable, "the replication connection broke"};
    if (give_up_)
      return error{errc::store_unavailable, "the slot holds back too much of the log"};
    if (flying_->count >= flying_max) { // Whoever is done with one wakes us.
      rest(from);
      if (flying_->count >= flying_max) {
        pollfd watched{wake_, POLLIN, 0};
        ::poll(&watched, 1, static_cast<int>(std::chrono::milliseconds{longest_wait}.count()));
      }
      continue;
    }
    auto message = from.next();
    if (!message)
      return message.error();
    switch (message->what) {
      case replication_stream::event::nothing:
        flush();
        rest(from);
        break;
      case replication_stream::event::keepalive:
        flush();
        // Nothing of ours is before this place: the server need not keep what others wrote.
        if (!assembler.inside() && message->end > reached_) {
          reached_ = message->end;
          note_place();
          flush();
        }
        if (message->answer && !confirm(from))
          return error{errc::store_unavailable, "the replication connection broke"};
        break;
      case replication_stream::event::change: {
        auto before = parts.size();
        if (auto taken = assembler.take(message->payload, parts); !taken)
          return taken.error();
        for (; before < parts.size(); ++before)
          changes += parts[before].changes.size();
        if (changes >= batch_changes_max)
          flush();
        break;
      }
    }
  }
  confirm(from);
  return {};
}

void replication_feed::hand_on(std::vector<transaction_part> parts, bool lost) {
  auto batch = std::make_shared<change_batch>();
  for (const auto& part : parts) {
    lost = lost || part.lost;
    if (part.last && part.end_lsn > reached_) {
      reached_ = part.end_lsn;
      note_place();
    }
  }
  batch->number = ++batches_;
  batch->parts = std::move(parts);
  batch->reached = reached_;
  batch->history = history_;
  batch->resume_at = std::exchange(resume_at_, 0);
  caught_up_ = caught_up_ || reached_ >= history_;
  batch->lost = lost;
  if (lost) {
    std::lock_guard guard{state_mutex_};
    ++state_.resets;
  }
  std::size_t weight = 1;
  for (const auto& part : batch->parts)
    weight += part.changes.size();
  flying_->count += weight;
  std::shared_ptr<void> hold{static_cast<void*>(flying_.get()), [flying = flying_, weight](void*) {
                               flying->count -= weight;
                               ::eventfd_write(flying->wake, 1);
                             }};
  change_batch_ptr shared = std::move(batch);
  for (const auto& each : listeners_)
    each(shared, hold);
}

} // namespace lapwing::postgres
