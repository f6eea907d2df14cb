#include "actors/realtime/replay_runner.hpp"

#include <utility>
#include <vector>

#include "realtime/frames.hpp"

namespace lapwing::realtime {
namespace {

/// More waits in the archive while a client has this much to take. Guess: a page or two.
constexpr std::size_t waiting_bytes_max = 64 * 1024;

void tell(const channel_member& member, const kept_broadcast& said) {
  auto meta = broadcast_meta(said.number, true);
  std::string frame;
  if (!said.what.bytes) {
    append_text_frame(frame, member.spoken, no_ref, no_ref, member.topic, "broadcast",
                      with_meta(said.what.payload, meta));
    member.out->text(frame);
    return;
  }
  if (member.spoken == protocol::v2
      && append_binary_broadcast(frame, member.topic, said.what.user_event, meta,
                                 *said.what.bytes))
    member.out->binary(frame);
}

} // namespace

void replay_runner::located(member_id who, const replay_request& asked, const kept_extent& known) {
  running_.insert_or_assign(who, one{replay_plan{asked, known}, nullptr, {}});
}

void replay_runner::begin(const member_ptr& member, const std::string& channel) {
  auto found = running_.find(member->id);
  if (found == running_.end())
    return;
  found->second.member = member;
  found->second.channel = channel;
  member->held = true;
}

void replay_runner::entered(member_id who) {
  if (auto found = running_.find(who); found != running_.end())
    hooks_.read(who, found->second.channel, found->second.plan.next());
}

void replay_runner::take(replay_page answer) {
  auto found = running_.find(answer.who);
  if (found == running_.end() || !found->second.member)
    return;
  auto& of = found->second;
  if (!answer.page) {
    if (answer.page.error().code == errc::payload_too_large && of.plan.ask_for_less())
      return go_on(answer.who, of);
    return hooks_.broken(answer.who);
  }
  auto said = of.plan.take(std::move(*answer.page));
  if (of.plan.incomplete() && !std::exchange(of.told_incomplete, true))
    hooks_.incomplete(answer.who);
  for (const auto& message : said)
    tell(*of.member, message);
  go_on(answer.who, of);
}

void replay_runner::go_on(member_id who, one& of) {
  auto& member = *of.member;
  member.told_to = of.plan.reached();
  // What the hub kept from it in the meantime was durable before: another look finds it.
  if (of.plan.at_end() && member.held_up_to <= member.told_to) {
    member.held = false;
    running_.erase(who);
    return;
  }
  of.paused = member.out->waiting_bytes() > waiting_bytes_max;
  if (!of.paused)
    hooks_.read(who, of.channel, of.plan.next());
}

void replay_runner::drained() {
  std::vector<member_id> waiting;
  for (const auto& [who, of] : running_)
    if (of.paused)
      waiting.push_back(who);
  for (auto who : waiting)
    if (auto found = running_.find(who); found != running_.end())
      go_on(who, found->second);
}

} // namespace lapwing::realtime
