#include "benchmarks/load/load_run.hpp"

#include <sys/prctl.h>

#include <algorithm>

#include <fmt/format.h>

#include "benchmarks/load/clock.hpp"
#include "benchmarks/load/user_setup.hpp"

namespace lapwing::load {
namespace {

constexpr auto step = std::chrono::milliseconds{5};
/// Deliveries that have not moved for this long will not come.
constexpr double silence_seconds = 3;
constexpr double users_seconds_max = 60;
constexpr double connect_seconds_max = 120;

/// Timers of this thread may be late by a microsecond instead of the usual 50 (prctl(2)).
void sharpen_timers() { prctl(PR_SET_TIMERSLACK, 1000UL, 0UL, 0UL, 0UL); }

/// What a person who sees this answer can do about it.
std::string advice(const std::string& why) {
  if (why.find("429") != std::string::npos)
    return " (start the node with LAPWING_LIMITS__API_REQUESTS=0 and "
           "LAPWING_LIMITS__WEBHOOK_REQUESTS=0)";
  if (why.find("401") != std::string::npos)
    return " (--secret, --token or --jwt-secret does not fit the node's)";
  if (why.find("404") != std::string::npos)
    return " (the node knows no such user: --jwt-secret or --token lets this command make them)";
  return {};
}

} // namespace

load_run::load_run(run_context context, run_plan plan)
  : context_(std::move(context)), plan_(std::move(plan)) {
  const auto& options = context_.options;
  const auto publishers = plan_.maker ? options.publishers : std::size_t{1};
  for (std::size_t i = 0; i < options.threads; ++i) {
    shards_.push_back(std::make_unique<shard>());
    auto& made = *shards_.back();
    stream_group_plan group;
    group.node = options.target;
    group.how = options.how;
    group.first = i;
    group.step = options.threads;
    group.total = plan_.streams;
    group.burst = options.burst;
    group.publishers = publishers;
    group.marks = plan_.maker ? plan_.maker->form() : mark_form::text;
    group.salt = context_.salt;
    group.resumable = plan_.resumable;
    made.streams = std::make_unique<stream_group>(
      made.loop, group,
      [this](std::size_t index, std::string_view last_event_id) {
        return open_stream(context_.options.how, context_.options.target, context_.who,
                           plan_.users[index % plan_.users.size()], plan_.room, last_event_id);
      },
      measured_);
    made.loop.add_ticker(*made.streams);
  }
  if (plan_.maker) {
    publishing sending;
    sending.connections = publishers;
    sending.channels = plan_.room.empty() ? plan_.users.size() : 1;
    sending.rate = options.rate;
    sending.window = options.window;
    sending.requests_max = options.requests_max;
    sending.salt = context_.salt;
    auto& loop = shards_.front()->loop;
    publishers_ = std::make_unique<publisher_group>(
      loop, options.target, sending, *plan_.maker, measured_,
      [this](std::size_t channel) { return streams_on(channel); }, [this] { return delivered(); });
    loop.add_ticker(*publishers_);
  }
  for (const auto& made : shards_)
    made->thread = std::thread{[&loop = made->loop] {
      sharpen_timers();
      loop.run();
    }};
}

load_run::~load_run() { finish(); }

bool load_run::make_users_known() {
  if (!context_.who.authenticated())
    return true;
  auto& loop = shards_.front()->loop;
  // Lives as long as the loop may call it.
  user_setup setup{loop, context_.options.target, context_.who, plan_.users};
  loop.post_and_wait([&] { loop.add_ticker(setup); });
  const bool in_time = wait(
    users_seconds_max, [&] { return setup.failed() || setup.done() == plan_.users.size(); },
    [&] { return fmt::format("naming users: {} of {}", setup.done(), plan_.users.size()); });
  loop.post_and_wait([&] { loop.remove_ticker(setup); });
  if (setup.failed())
    setup_failure_ = "users could not be made: " + setup.why() + advice(setup.why());
  else if (!in_time && !interrupted())
    setup_failure_ = "users could not be made in time";
  return setup_failure_.empty() && !interrupted();
}

bool load_run::connect() {
  const auto begin = monotonic_ns();
  for (const auto& made : shards_)
    made->loop.post([&made] { made->streams->start(); });
  const auto settled = [this] {
    return opened() + sum(&stream_group::refused) + sum(&stream_group::ended) >= plan_.streams;
  };
  wait(connect_seconds_max, settled,
       [this] { return fmt::format("connecting: {} of {}", opened(), plan_.streams); });
  connect_seconds_ = seconds_of(monotonic_ns() - begin);
  connected_ = opened();
  return connected_ == plan_.streams;
}

void load_run::rest(double seconds) {
  wait(seconds, [] { return false; },
       [this] { return fmt::format("{} streams open, resting", opened()); });
}

void load_run::begin_publishing() {
  const bool warm_up = context_.options.warmup > 0;
  if (!warm_up)
    open_window();
  shards_.front()->loop.post_and_wait([this] { publishers_->start(monotonic_ns()); });
  if (!warm_up)
    return;
  wait(context_.options.warmup, [this] { return publishers_->finished(); },
       [this] { return fmt::format("warming up: {} sent", publishers_->acknowledged()); });
  open_window();
}

void load_run::measure(double seconds) {
  const auto begin = monotonic_ns();
  const auto finished = [this] { return publishers_->finished(); };
  auto sent_before = publishers_->acknowledged();
  auto delivered_before = delivered();
  auto time_before = begin;
  wait(seconds > 0 ? seconds : 24 * 3600.0, finished, [&] {
    const auto now = monotonic_ns();
    const auto sent_now = publishers_->acknowledged();
    const auto delivered_now = delivered();
    const auto passed = std::max(seconds_of(now - time_before), 1e-3);
    auto text = fmt::format("{:.0f} s: {:.0f} sends/s, {:.0f} deliveries/s, {} failed",
                            seconds_of(now - begin),
                            static_cast<double>(sent_now - sent_before) / passed,
                            static_cast<double>(delivered_now - delivered_before) / passed,
                            publishers_->failures());
    if (passed > 1) {
      sent_before = sent_now;
      delivered_before = delivered_now;
      time_before = now;
    }
    return text;
  });
}

void load_run::end_publishing() {
  close_window();
  shards_.front()->loop.post_and_wait([this] { publishers_->stop(); });
}

void load_run::drain() {
  auto last = delivered();
  auto moved_at = monotonic_ns();
  wait(
    context_.options.drain,
    [&] {
      const auto now = monotonic_ns();
      if (const auto current = delivered(); current != last) {
        last = current;
        moved_at = now;
      }
      const bool answered = publishers_->in_flight() == 0;
      return answered
             && (plan_.streams == 0 || last >= publishers_->deliveries_due()
                 || seconds_of(now - moved_at) > silence_seconds);
    },
    [this] {
      return fmt::format("draining: {} of {} delivered", delivered(),
                         publishers_->deliveries_due());
    });
}

void load_run::cut_and_recover() {
  const auto& options = context_.options;
  ++cuts_;
  for (const auto& made : shards_)
    made->loop.post_and_wait([&made] { made->streams->cut_all(); });
  wait(options.outage, [] { return false; },
       [this] { return fmt::format("all {} streams cut, staying away", plan_.streams); });
  std::vector<std::uint32_t> acknowledged(plan_.room.empty() ? plan_.users.size() : 1);
  shards_.front()->loop.post_and_wait([&] {
    for (std::size_t channel = 0; channel < acknowledged.size(); ++channel)
      acknowledged[channel] = publishers_->acknowledged_on(channel);
  });
  const auto now = monotonic_ns();
  for (const auto& made : shards_)
    made->loop.post_and_wait([&] {
      made->streams->open_again(
        now, [&](std::size_t stream) { return acknowledged[channel_of(stream)]; });
    });
  wait(options.drain, [this] { return sum(&stream_group::recovered) == plan_.streams; },
       [this] {
         return fmt::format("recovering: {} of {} streams", sum(&stream_group::recovered),
                            plan_.streams);
       });
  not_recovered_ += plan_.streams - sum(&stream_group::recovered);
}

void load_run::finish() {
  if (shards_.empty() || !shards_.front()->thread.joinable())
    return;
  close_window();
  if (publishers_)
    shards_.front()->loop.post_and_wait([this] { publishers_->abandon(); });
  for (const auto& made : shards_)
    made->loop.stop();
  for (const auto& made : shards_)
    made->thread.join();
}

void load_run::add_connecting(run_result& out) const {
  if (plan_.streams == 0)
    return;
  out.add("streams", "streams opened", unit::count, static_cast<double>(connected_));
  if (connect_seconds_ > 0)
    out.add("connects_per_second", "streams opened a second", unit::per_second,
            static_cast<double>(connected_) / connect_seconds_);
  out.add("open", "connect to `connected`", merged(&stream_group::open_latency));
}

void load_run::add_deliveries(run_result& out) const {
  const auto count = static_cast<double>(delivered_in_window());
  if (measured_seconds_ > 0)
    out.add("deliveries_per_second", "deliveries a second", unit::per_second,
            count / measured_seconds_);
  if (node_cpu_ && *node_cpu_ > 0)
    out.add("deliveries_per_node_cpu_second", "deliveries a node CPU second", unit::per_cpu_second,
            count / *node_cpu_);
  // Of streams that were cut on purpose it would tell the length of the cut.
  if (!plan_.resumable)
    out.add("delivery", "send to stream", merged(&stream_group::latency));
}

void load_run::add_publishing(run_result& out) const {
  const auto count = static_cast<double>(publishers_->acknowledged_in_window());
  out.add("sends", "sends acknowledged", unit::count,
          static_cast<double>(publishers_->acknowledged()));
  if (measured_seconds_ > 0)
    out.add("sends_per_second", "acknowledged a second", unit::per_second,
            count / measured_seconds_);
  if (node_cpu_ && *node_cpu_ > 0)
    out.add("sends_per_node_cpu_second", "acknowledged a node CPU second", unit::per_cpu_second,
            count / *node_cpu_);
  out.add("acknowledge", "send to answer", publishers_->latency());
  if (context_.options.rate > 0 && publishers_->schedule_lag_max() > ns_per_second / 10)
    out.notes.push_back(fmt::format(
      "sends started up to {:.0f} ms behind the schedule: all publishers were waiting for answers",
      seconds_of(publishers_->schedule_lag_max()) * 1e3));
  if (publishers_->gave_up())
    out.notes.emplace_back("so many sends failed in a row that sending was given up");
  if (publishers_->stalls() > 0)
    out.notes.push_back(fmt::format("the window stood still {} times for a second: deliveries "
                                    "did not come",
                                    publishers_->stalls()));
}

void load_run::add_cost(run_result& out) const {
  if (measured_seconds_ <= 0)
    return;
  out.add("measured_seconds", "measured", unit::seconds, measured_seconds_);
  if (node_cpu_) {
    out.add("node_cpu_seconds", "node CPU", unit::seconds, *node_cpu_);
    out.add("node_cpu_cores", "node CPU, cores", unit::cores, *node_cpu_ / measured_seconds_);
  } else {
    out.notes.emplace_back("the node's process was not found (--pid): its CPU is not known");
  }
  const auto own = own_cpu_ / measured_seconds_;
  out.add("client_cpu_cores", "this client's CPU, cores", unit::cores, own);
  // In a moment nothing can be told.
  if (measured_seconds_ > 0.5 && own > 0.9 * static_cast<double>(context_.options.threads))
    out.notes.emplace_back("this client was busy all the time: the node may be faster than shown "
                           "(--threads)");
}

void load_run::add_checks(run_result& out) const {
  const auto forbidden = [&](const char* key, const char* label, std::uint64_t count,
                             const std::string& why = {}) {
    out.add(key, label, unit::count, static_cast<double>(count));
    if (count > 0)
      out.failures.push_back(fmt::format("{}: {}{}", label, count,
                                         why.empty() ? std::string{} : "; first: " + why));
  };
  if (!setup_failure_.empty())
    out.failures.push_back(setup_failure_);
  if (plan_.streams > 0) {
    std::string why;
    for (const auto& made : shards_)
      if (why.empty())
        why = made->streams->first_failure();
    why += advice(why);
    if (!interrupted() && setup_failure_.empty())
      forbidden("streams_not_opened", "streams not opened", plan_.streams - connected_, why);
    forbidden("streams_ended", "streams ended by the node", sum(&stream_group::ended), why);
  }
  if (!publishers_)
    return;
  const auto& failure = publishers_->first_failure();
  // An interrupted run leaves its last sends unanswered.
  if (!interrupted())
    forbidden("failed_sends", "sends failed", publishers_->failures(), failure + advice(failure));
  forbidden("false_duplicates", "new deliveries called duplicate",
            publishers_->duplicates_reported());
  if (plan_.streams == 0)
    return;
  if (!interrupted() && publishers_->failures() == publishers_->failed().size())
    forbidden("lost", "deliveries lost", count_lost());
  std::uint64_t duplicates = 0;
  std::uint64_t out_of_order = 0;
  std::uint64_t resets = 0;
  for (const auto& made : shards_) {
    duplicates += made->streams->check().duplicates();
    out_of_order += made->streams->check().out_of_order();
    resets += made->streams->resets();
  }
  forbidden("duplicates", "deliveries doubled", duplicates);
  forbidden("out_of_order", "deliveries out of order", out_of_order);
  if (plan_.resumable)
    forbidden("resets", "streams reset", resets);
}

void load_run::add_recovery(run_result& out) const {
  out.add("cuts", "times all streams were cut", unit::count, static_cast<double>(cuts_));
  out.add("reopen", "reconnect to `connected`", merged(&stream_group::reopen_latency));
  out.add("recovery", "herd's start to caught up", merged(&stream_group::recovery_latency));
  out.add("reconnects_refused", "reconnects refused", unit::count,
          static_cast<double>(sum(&stream_group::refused)));
  if (!interrupted()) {
    out.add("not_recovered", "streams not recovered in time", unit::count,
            static_cast<double>(not_recovered_));
    if (not_recovered_ > 0)
      out.failures.push_back(fmt::format("streams not recovered in time: {}", not_recovered_));
  }
}

std::size_t load_run::opened() const noexcept { return sum(&stream_group::opened); }

std::size_t load_run::streams_on(std::size_t channel) const noexcept {
  if (!plan_.room.empty())
    return plan_.streams;
  const auto users = plan_.users.size();
  return plan_.streams / users + (channel < plan_.streams % users ? 1 : 0);
}

std::size_t load_run::channel_of(std::size_t stream) const noexcept {
  return plan_.room.empty() ? stream % plan_.users.size() : 0;
}

std::uint64_t load_run::delivered() const noexcept {
  std::uint64_t total = 0;
  for (const auto& made : shards_)
    total += made->streams->delivered();
  return total;
}

std::uint64_t load_run::delivered_in_window() const noexcept {
  std::uint64_t total = 0;
  for (const auto& made : shards_)
    total += made->streams->delivered_in_window();
  return total;
}

std::size_t load_run::sum(std::size_t (stream_group::*count)() const noexcept) const noexcept {
  std::size_t total = 0;
  for (const auto& made : shards_)
    total += (*made->streams.*count)();
  return total;
}

histogram load_run::merged(const histogram& (stream_group::*of)() const noexcept) const {
  histogram total;
  for (const auto& made : shards_)
    total.merge((*made->streams.*of)());
  return total;
}

bool load_run::wait(double seconds, const std::function<bool()>& done,
                    const std::function<std::string()>& text) {
  const auto end = monotonic_ns() + static_cast<std::uint64_t>(seconds * 1e9);
  while (!interrupted()) {
    if (done())
      return true;
    const auto now = monotonic_ns();
    if (now >= end)
      return false;
    if (context_.shown.due(now))
      context_.shown.update(now, text());
    std::this_thread::sleep_for(
      std::min<std::chrono::nanoseconds>(step, std::chrono::nanoseconds{end - now}));
  }
  return false;
}

std::uint64_t load_run::count_lost() const {
  const auto channels = plan_.room.empty() ? plan_.users.size() : 1;
  std::vector<std::uint64_t> sent(channels);
  for (std::size_t channel = 0; channel < channels; ++channel)
    for (std::size_t publisher = 0; publisher < context_.options.publishers; ++publisher)
      sent[channel] += publishers_->sent(publisher, channel);
  std::uint64_t missing = 0;
  for (const auto& made : shards_) {
    const auto& streams = *made->streams;
    for (std::size_t local = 0; local < streams.size(); ++local) {
      if (!streams.alive(local))
        continue;
      const auto channel = channel_of(streams.index_of(local));
      missing += sent[channel] - streams.check().unique_on(local);
      // A send that failed may have been stored all the same; it must not, but it may be missing.
      for (const auto& failed : publishers_->failed())
        if (failed.channel == channel
            && !streams.check().has(local, failed.publisher, failed.number))
          --missing;
    }
  }
  return missing;
}

void load_run::open_window() {
  node_cpu_begin_ = cpu_seconds(context_.node_pid);
  own_cpu_begin_ = own_cpu_seconds();
  window_begin_ = monotonic_ns();
  measured_.open(window_begin_);
  window_open_ = true;
}

void load_run::close_window() {
  if (!window_open_)
    return;
  window_open_ = false;
  const auto now = monotonic_ns();
  measured_.close(now);
  measured_seconds_ = seconds_of(now - window_begin_);
  own_cpu_ = own_cpu_seconds() - own_cpu_begin_;
  if (const auto end = cpu_seconds(context_.node_pid); end && node_cpu_begin_)
    node_cpu_ = *end - *node_cpu_begin_;
}

} // namespace lapwing::load
