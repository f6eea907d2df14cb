#include "benchmarks/load/stream_group.hpp"

#include "benchmarks/load/clock.hpp"

namespace lapwing::load {
namespace {

/// How long a group waits after a refusal before it opens the next stream again.
constexpr std::uint64_t refusal_pause = ns_per_second / 10;

std::size_t share_of(const stream_group_plan& plan) noexcept {
  return plan.total > plan.first ? (plan.total - plan.first + plan.step - 1) / plan.step : 0;
}

} // namespace

stream_group::stream_group(event_loop& loop, const stream_group_plan& plan, opener open,
                           const measured_window& window)
  : loop_(loop), plan_(plan), open_(std::move(open)), measured_(window), member_(share_of(plan)),
    check_(share_of(plan), plan.publishers), marks_(plan.marks) {
  stream_listener& self = *this;
  for (std::size_t local = 0; local < member_.size(); ++local) {
    streams_.push_back(std::make_unique<stream_client>(loop_, self, index_of(local)));
    streams_.back()->remember_last_event_id(plan_.resumable);
  }
}

void stream_group::start() {
  for (std::size_t local = streams_.size(); local > 0; --local)
    waiting_.push_back(local - 1);
}

void stream_group::cut_all() {
  waiting_.clear();
  pending_ = 0;
  for (const auto& stream : streams_)
    stream->cut();
  for (auto& member : member_)
    member.open = false;
  opened_.store(0, std::memory_order_relaxed);
}

void stream_group::open_again(std::uint64_t now,
                              const std::function<std::uint32_t(std::size_t)>& target) {
  herd_started_ = now;
  recovered_.store(0, std::memory_order_relaxed);
  waiting_.clear();
  for (std::size_t local = streams_.size(); local > 0; --local) {
    auto& member = member_[local - 1];
    member.recovering = true;
    member.target = target(index_of(local - 1));
    waiting_.push_back(local - 1);
  }
}

std::uint64_t stream_group::tick(std::uint64_t now) {
  if (waiting_.empty() || pending_ >= plan_.burst)
    return no_deadline; // Who connects wakes us.
  if (now < not_before_)
    return not_before_;
  while (!waiting_.empty() && pending_ < plan_.burst && now >= not_before_)
    open_next();
  return not_before_ > now ? not_before_ : no_deadline;
}

void stream_group::open_next() {
  const auto local = waiting_.back();
  waiting_.pop_back();
  auto& stream = *streams_[local];
  ++pending_;
  stream.open(plan_.node, plan_.how, open_(stream.index(), stream.last_event_id()));
}

void stream_group::on_open(stream_client& stream) {
  const auto local = local_of(stream);
  auto& member = member_[local];
  const auto now = stream.received_ns();
  --pending_;
  opened_.fetch_add(1, std::memory_order_relaxed);
  (member.was_open ? reopen_latency_ : open_latency_).add(now - stream.started_ns());
  member.was_open = member.open = true;
  check_recovered(local, now);
}

void stream_group::on_event(stream_client& stream, std::string_view envelope) {
  const auto m = marks_.find(envelope);
  if (!m) {
    if (envelope.find("\"type\":\"reset\"") != std::string_view::npos)
      ++resets_;
    return; // A heartbeat, or somebody else's event.
  }
  if (m->salt != plan_.salt || m->publisher >= plan_.publishers || m->number == 0)
    return;
  const auto local = local_of(stream);
  const auto now = stream.received_ns();
  if (check_.record(local, m->publisher, m->number) == delivery::duplicate)
    return;
  delivered_.fetch_add(1, std::memory_order_relaxed);
  if (measured_.contains(now))
    ++delivered_in_window_;
  if (measured_.contains(m->due_ns))
    latency_.add(now - m->due_ns);
  if (member_[local].recovering)
    check_recovered(local, now);
}

void stream_group::on_end(stream_client& stream, std::string_view why) {
  const auto local = local_of(stream);
  if (first_failure_.empty())
    first_failure_ = why;
  auto& member = member_[local];
  const bool refused = !member.open;
  if (refused) {
    --pending_;
    refused_.fetch_add(1, std::memory_order_relaxed);
  } else {
    opened_.fetch_sub(1, std::memory_order_relaxed);
    ended_.fetch_add(1, std::memory_order_relaxed);
  }
  member.open = false;
  if (!plan_.resumable) {
    member.gone = true;
    return;
  }
  if (refused)
    not_before_ = monotonic_ns() + refusal_pause;
  waiting_.push_back(local);
}

void stream_group::check_recovered(std::size_t local, std::uint64_t now) {
  auto& member = member_[local];
  if (!member.recovering || !member.open || check_.unique_on(local) < member.target)
    return;
  member.recovering = false;
  recovery_latency_.add(now - herd_started_);
  recovered_.fetch_add(1, std::memory_order_relaxed);
}

} // namespace lapwing::load
