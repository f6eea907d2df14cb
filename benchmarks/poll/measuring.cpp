#include "benchmarks/poll/measuring.hpp"

#include <algorithm>
#include <chrono>
#include <string>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "benchmarks/load/clock.hpp"
#include "benchmarks/poll/filling.hpp"
#include "benchmarks/poll/loopback_http.hpp"
#include "benchmarks/poll/stage.hpp"

namespace lapwing::poll_bench {
namespace {

using load::monotonic_ns;
using load::ns_per_second;
using load::seconds_of;
using load::unit;
using namespace std::chrono_literals;

/// How long the node gets for everything that is due.
constexpr std::uint64_t patience_ns = 900 * ns_per_second;

double percent(std::size_t part, std::size_t of) {
  return 100.0 * static_cast<double>(part) / static_cast<double>(of);
}

error not_running() {
  return {errc::internal, "the node or the simulator has ended"};
}

class measuring {
public:
  measuring(const measurement& what, stage on)
      : what_(what), options_(what.options), stage_(std::move(on)),
        connections_(what.users * stage_.platforms().size()),
        actors_(what.users + connections_) {}

  result<load::run_result> run() {
    for (auto phase : {&measuring::fill, &measuring::see_rows, &measuring::wake,
                       &measuring::see_active, &measuring::poll})
      if (auto done = (this->*phase)(); !done)
        return done.error();
    return std::move(out_);
  }

private:
  void say(const std::string& text) {
    if (const auto now = monotonic_ns(); what_.shown.due(now))
      what_.shown.update(now, fmt::format("{} users: {}", what_.users, text));
  }
  void said(const std::string& text) {
    what_.shown.line(fmt::format("{} users: {}", what_.users, text));
  }
  void add(std::string key, std::string label, unit in, double value) {
    out_.add(std::move(key), std::move(label), in, value);
  }

  result<bool> fill() {
    loopback_http simulator{stage_.simulator()};
    const auto begin = monotonic_ns();
    const auto users = static_cast<double>(what_.users);
    // Polls are far away: whoever is woken finds nothing to do.
    const filling how{stage_.data_directory(), stage_.encryption_key(), what_.users,
                      stage_.platforms(), system_wall_clock{}.now() + 20h};
    auto filled = fill_store(how, simulator, [this](std::size_t done) {
      say(fmt::format("connecting, {:.0f} %", percent(done, what_.users)));
      return !what_.interrupted.load();
    });
    if (!filled)
      return filled.error();
    said(fmt::format("connected in {:.1f} s", seconds_of(monotonic_ns() - begin)));
    add("users", "users", unit::count, users);
    add("connections", "connections", unit::count, static_cast<double>(connections_));
    add("store_bytes_per_user", "store: bytes a user", unit::bytes,
        static_cast<double>(store_bytes(stage_.data_directory())) / users);
    return stage_.start_node();
  }

  result<bool> see_rows() {
    auto bytes = rest("rows", "rows only");
    if (!bytes)
      return bytes.error();
    rows_bytes_ = *bytes;
    return true;
  }

  result<bool> wake() {
    const auto before = stage_.cost_now();
    if (auto done = do_what_is_due("waking", patience_ns); !done)
      return done.error();
    const auto after = stage_.cost_now();
    const auto seconds = seconds_of(after.at - before.at);
    const auto count = static_cast<double>(connections_);
    said(fmt::format("woken in {:.1f} s", seconds));
    if (const auto alive = stage_.living_actors(); alive != actors_)
      out_.failures.push_back(
        fmt::format("{} actors live instead of {}", alive.value_or(0), actors_));
    add("woken_per_second", "waking: connections a second", unit::per_second, count / seconds);
    add("wake_node_cpu_us", "waking: node CPU a connection, us", unit::count,
        (after.node - before.node) * 1e6 / count);
    return true;
  }

  result<bool> see_active() {
    const auto bytes = rest("active", "active");
    if (!bytes)
      return bytes.error();
    const auto growth = *bytes - rows_bytes_;
    add("bytes_per_user", "active: bytes a user", unit::bytes,
        growth / static_cast<double>(what_.users));
    add("bytes_per_actor", "active: bytes an actor", unit::bytes,
        growth / static_cast<double>(actors_));
    stage_.stop_node();
    return true;
  }

  /// Memory and CPU while nothing happens. Answers the memory.
  result<double> rest(const std::string& key, const std::string& label) {
    settle();
    const auto before = stage_.cost_now();
    const auto end = before.at + static_cast<std::uint64_t>(options_.rest * 1e9);
    for (auto now = before.at; now < end; now = monotonic_ns()) {
      if (what_.interrupted.load())
        return error{errc::shutting_down, "interrupted"};
      say(fmt::format("at rest, {}, {:.0f} s left", label, seconds_of(end - now)));
      std::this_thread::sleep_for(50ms);
    }
    const auto after = stage_.cost_now();
    const auto bytes = stage_.node_bytes();
    if (!bytes)
      return not_running();
    add(key + "_bytes", label + ": node memory", unit::bytes, *bytes);
    if (after.at > before.at)
      add(key + "_rest_cores", label + ": node CPU at rest, cores", unit::cores,
          (after.node - before.node) / seconds_of(after.at - before.at));
    return *bytes;
  }

  /// What was begun before is done: commits, checkpoints, timers of the start.
  void settle() const {
    const auto end = monotonic_ns() + static_cast<std::uint64_t>(std::min(options_.rest, 2.0) * 1e9);
    while (monotonic_ns() < end && !what_.interrupted.load())
      std::this_thread::sleep_for(50ms);
  }

  result<bool> poll() {
    if (auto due = make_everything_due(stage_.data_directory()); !due)
      return due.error();
    if (auto started = stage_.start_node(); !started)
      return started.error();
    settle();
    const auto bytes_before = stage_.node_bytes();
    const auto calls_before = stage_.calls();
    const auto before = stage_.cost_now();
    const auto done
      = do_what_is_due("polling", static_cast<std::uint64_t>(options_.duration * 1e9));
    if (!done)
      return done.error();
    const auto after = stage_.cost_now();
    const auto calls_after = stage_.calls();
    const auto alive = stage_.living_actors();
    const auto bytes_after = stage_.node_bytes();
    if (!bytes_before || !bytes_after || !calls_before || !calls_after || !alive)
      return not_running();
    const auto seconds = seconds_of(after.at - before.at);
    const auto polled = static_cast<double>(*done);
    said(fmt::format("polled {} connections in {:.1f} s", *done, seconds));
    if (*done == 0)
      out_.failures.emplace_back("nothing was polled");
    if (calls_after->bad > calls_before->bad)
      out_.failures.push_back(fmt::format("{} calls were limited, refused or broken",
                                          calls_after->bad - calls_before->bad));
    add("polled", "polling: connections polled", unit::count, polled);
    add("polls_per_second", "polling: due connections a second", unit::per_second,
        polled / seconds);
    add("requests_per_second", "polling: requests a second", unit::per_second,
        static_cast<double>(calls_after->all - calls_before->all) / seconds);
    add("poll_node_cores", "polling: node CPU, cores", unit::cores,
        (after.node - before.node) / seconds);
    add("poll_simulator_cores", "polling: simulator CPU, cores", unit::cores,
        (after.simulator - before.simulator) / seconds);
    add("poll_own_cores", "polling: this program's CPU, cores", unit::cores,
        (after.own - before.own) / seconds);
    add("poll_node_cpu_us", "polling: node CPU a connection, us", unit::count,
        (after.node - before.node) * 1e6 / std::max(polled, 1.0));
    add("polled_bytes_per_actor", "polling: bytes an actor then alive", unit::bytes,
        (*bytes_after - *bytes_before) / static_cast<double>(std::max<std::size_t>(*alive, 1)));
    return true;
  }

  /// Tells the node to look and waits until every connection rests, or time is up. How many do.
  result<std::size_t> do_what_is_due(const std::string& what, std::uint64_t limit_ns) {
    progress_reader reader{stage_.data_directory()};
    const auto begin = monotonic_ns();
    if (auto told = stage_.look_now(); !told)
      return told.error();
    std::size_t done = 0;
    for (std::uint64_t spent = 0; done < connections_ && spent < limit_ns;
         spent = monotonic_ns() - begin) {
      // Counting costs the machine something: the more there are, the seldomer.
      std::this_thread::sleep_for(connections_ < 50'000 ? 50ms : 500ms);
      if (what_.interrupted.load())
        return error{errc::shutting_down, "interrupted"};
      if (!stage_.running())
        return not_running();
      auto resting = reader.resting(system_wall_clock{}.now());
      if (!resting)
        return resting.error();
      done = *resting;
      say(fmt::format("{}, {:.0f} %, {:.0f} a second", what, percent(done, connections_),
                      static_cast<double>(done) / seconds_of(monotonic_ns() - begin)));
    }
    return done;
  }

  const measurement& what_;
  const poll_options& options_;
  stage stage_;
  const std::size_t connections_;
  const std::size_t actors_;
  double rows_bytes_ = 0;
  load::run_result out_;
};

} // namespace

result<load::run_result> measure(const measurement& what) {
  auto on = stage::make(what.options);
  if (!on)
    return on.error();
  measuring run{what, std::move(*on)};
  return run.run();
}

} // namespace lapwing::poll_bench
