#include "benchmarks/load/publisher_group.hpp"

#include <algorithm>

#include "benchmarks/load/clock.hpp"

namespace lapwing::load {
namespace {

/// Sends started in one turn of the loop at most, so that streams are read in between.
constexpr int sends_per_turn = 64;
/// A windowed sender that hears nothing for this long takes what is out for lost and goes on.
constexpr std::uint64_t stall_after = ns_per_second;
constexpr std::uint64_t window_poll = 500'000;
/// Failed sends in a row, per connection, after which there is no point in going on.
constexpr std::uint64_t failures_in_a_row_max = 50;
/// Each is kept to tell later whether its event came after all; more would say nothing new.
constexpr std::size_t failed_max = 10'000;

} // namespace

publisher_group::publisher_group(event_loop& loop, const endpoint& node, publishing plan,
                                 request_maker& maker, const measured_window& window,
                                 std::function<std::size_t(std::size_t)> streams_on,
                                 std::function<std::uint64_t()> delivered)
  : plan_(plan), maker_(maker), measured_(window), streams_on_(std::move(streams_on)),
    delivered_(std::move(delivered)), sent_(plan.connections * plan.channels),
    acknowledged_on_(plan.channels), random_(1) {
  http_listener& self = *this;
  for (std::size_t i = 0; i < plan_.connections; ++i) {
    slots_.push_back({std::make_unique<http_connection>(loop, node, self, i), 0, 0, 0});
    idle_.push_back(i);
  }
}

void publisher_group::start(std::uint64_t now) {
  started_ = now;
  progress_at_ = now;
  on_ = true;
}

void publisher_group::abandon() {
  on_ = false;
  for (auto& which : slots_)
    if (which.connection->busy())
      note_failure(which, "no answer in time");
}

std::uint64_t publisher_group::tick(std::uint64_t now) {
  if (!on_)
    return no_deadline;
  for (int sends = 0; sends < sends_per_turn; ++sends) {
    if (plan_.requests_max != 0 && sent_count_ >= plan_.requests_max)
      return no_deadline;
    if (idle_.empty())
      return no_deadline; // An answer wakes us.
    auto due = now;
    if (plan_.rate > 0) {
      due = started_
            + static_cast<std::uint64_t>(static_cast<double>(sent_count_) * 1e9 / plan_.rate);
      if (due > now)
        return due;
      if (measured_.contains(due))
        schedule_lag_max_ = std::max(schedule_lag_max_, now - due);
    } else if (plan_.window != 0 && window_full(now)) {
      return now + window_poll; // Deliveries to streams of other threads do not wake us.
    }
    send(due);
  }
  return now;
}

bool publisher_group::window_full(std::uint64_t now) {
  const auto delivered = delivered_();
  if (delivered != delivered_before_) {
    delivered_before_ = delivered;
    progress_at_ = now;
  }
  const auto settled = delivered + written_off_;
  // Failed sends may deliver too, so that more can come than was counted.
  const auto on_the_way = deliveries_sent_ > settled ? deliveries_sent_ - settled : 0;
  if (on_the_way < plan_.window * std::max<std::size_t>(1, streams_on_(0)))
    return false;
  if (now - progress_at_ < stall_after)
    return true;
  ++stalls_;
  written_off_ += on_the_way;
  progress_at_ = now;
  return false;
}

void publisher_group::send(std::uint64_t due) {
  const auto index = idle_.back();
  idle_.pop_back();
  auto& which = slots_[index];
  which.channel = plan_.channels == 1 ? 0 : static_cast<std::size_t>(random_() % plan_.channels);
  which.number = ++sent_[index * plan_.channels + which.channel];
  which.due = due;
  ++sent_count_;
  deliveries_sent_ += streams_on_(which.channel);
  in_flight_.fetch_add(1, std::memory_order_relaxed);
  const mark m{plan_.salt, static_cast<std::uint16_t>(index), which.number, due};
  maker_.append_request(which.connection->request(), which.channel, m);
  which.connection->send();
}

void publisher_group::on_response(http_connection& from, int status, std::string_view body) {
  auto& which = slots_[from.index()];
  if (status < 200 || status > 299) {
    std::string why = "the node answered " + std::to_string(status);
    constexpr std::string_view key = "\"code\":\"";
    if (const auto at = body.find(key); at != std::string_view::npos) {
      const auto code = body.substr(at + key.size());
      why.append(" ").append(code.substr(0, code.find('"')));
    }
    return note_failure(which, std::move(why));
  }
  const auto now = monotonic_ns();
  failures_in_a_row_ = 0;
  ++acknowledged_on_[which.channel];
  acknowledged_.fetch_add(1, std::memory_order_relaxed);
  deliveries_due_.fetch_add(streams_on_(which.channel), std::memory_order_relaxed);
  if (body.find("\"duplicate\":true") != std::string_view::npos)
    ++duplicates_reported_;
  if (measured_.contains(now))
    ++acknowledged_in_window_;
  if (measured_.contains(which.due))
    latency_.add(now - which.due);
  give_back(which);
}

void publisher_group::on_failure(http_connection& from, std::string_view why) {
  note_failure(slots_[from.index()], std::string{why});
}

void publisher_group::note_failure(slot& which, std::string why) {
  failure_count_.fetch_add(1, std::memory_order_relaxed);
  if (first_failure_.empty())
    first_failure_ = std::move(why);
  if (failed_.size() < failed_max)
    failed_.push_back({which.connection->index(), which.channel, which.number});
  deliveries_sent_ -= streams_on_(which.channel);
  if (++failures_in_a_row_ >= failures_in_a_row_max * plan_.connections && on_) {
    on_ = false;
    gave_up_ = true;
    finished_.store(true);
  }
  give_back(which);
}

void publisher_group::give_back(slot& which) {
  idle_.push_back(which.connection->index());
  in_flight_.fetch_sub(1, std::memory_order_relaxed);
  if (plan_.requests_max != 0 && sent_count_ >= plan_.requests_max
      && idle_.size() == slots_.size())
    finished_.store(true);
}

} // namespace lapwing::load
