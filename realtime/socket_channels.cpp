#include "realtime/socket_channels.hpp"

#include <algorithm>
#include <utility>

#include "realtime/json_slices.hpp"

namespace lapwing::realtime {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view prefix = "realtime:";
/// RFC 6455 has no better one for "come back later"; the original sends it too.
constexpr std::uint16_t service_restart = 1012;

constexpr std::string_view system_extension = "system";

/// Old clients and publishable keys ("sb_...") bring no token of their own.
bool brings_token(const std::optional<std::string>& token) {
  return token && !token->empty() && !token->starts_with("sb_");
}

std::string lowered(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c + 32);
  return text;
}

} // namespace

bool call_window::take(timestamp now, std::chrono::milliseconds window,
                       std::size_t calls) noexcept {
  if (now - begun_ >= window || now < begun_) {
    begun_ = now;
    count_ = 0;
  }
  if (count_ >= calls)
    return false;
  ++count_;
  return true;
}

socket_channels::socket_channels(socket_host& host, protocol spoken, identity_ptr own,
                                 const socket_limits& limits, member_id first_id)
  : host_(host), spoken_(spoken), own_(std::move(own)), limits_(limits), next_id_(first_id) {}

void socket_channels::push(const channel& of, std::string_view ref, std::string_view event,
                           std::string_view payload) {
  std::string frame;
  append_text_frame(frame, spoken_, of.join_ref, ref, of.topic, event, payload);
  host_.send(frame);
}

void socket_channels::reply(const channel& of, std::string_view ref, std::string_view payload) {
  push(of, ref, "phx_reply", payload);
}

void socket_channels::receive(client_message message, timestamp now) {
  auto answer = [&](std::string_view payload) {
    std::string frame;
    append_text_frame(frame, spoken_, message.join_ref, message.ref, message.topic, "phx_reply",
                      payload);
    host_.send(frame);
  };
  if (message.topic == "phoenix") {
    if (message.event == "heartbeat")
      answer(ok_reply());
    return;
  }
  if (message.event == "phx_join")
    return join(message, now);
  auto found = channels_.find(message.topic);
  if (found == channels_.end()) {
    // A leave of what is gone already is what the client wanted.
    answer(message.event == "phx_leave" ? ok_reply() : error_reply(refusal::unmatched_topic));
    return;
  }
  if (message.event == "phx_leave")
    return leave(found, message);
  if (found->second.now != channel::phase::joined)
    return; // It may only speak once it was let in.
  if (!messages_.take(now, 1s, limits_.messages_per_second))
    return shut(found, ending::too_many_messages);
  if (message.event == "access_token")
    take_token(found, message);
  else if (message.event == "broadcast")
    take_broadcast(found->second, std::move(message));
  else if (message.event == "presence")
    take_presence(found, message, now);
}

void socket_channels::join(client_message& message, timestamp now) {
  channel made;
  made.topic = std::move(message.topic);
  made.ref = std::move(message.ref);
  // A join is its own join_ref; 1.0.0 clients leave it out.
  made.join_ref = message.join_ref == no_ref ? made.ref : std::move(message.join_ref);
  if (!made.topic.starts_with(prefix))
    return reply(made, made.ref, error_reply(refusal::unmatched_topic));
  if (made.topic.size() == prefix.size())
    return reply(made, made.ref, error_reply(refusal::topic_name));
  made.name = made.topic.substr(prefix.size());
  if (!joins_.take(now, 1s, limits_.joins_per_second)) {
    reply(made, made.ref, error_reply(refusal::too_many_joins));
    return host_.end(service_restart, "Too many joins per second");
  }
  if (auto old = channels_.find(made.topic); old != channels_.end())
    close(old);
  if (channels_.size() >= limits_.channels)
    return reply(made, made.ref, error_reply(refusal::too_many_channels));
  made.asked = read_join(message.payload);
  if (limits_.private_only && !made.asked.is_private)
    return reply(made, made.ref, error_reply(refusal::private_only));
  made.id = next_id_++;
  auto& kept = channels_[made.topic] = std::move(made);
  check(kept, brings_token(kept.asked.token) ? *kept.asked.token : own_->token);
}

/// Even the socket's own token is checked again: it may have expired since.
void socket_channels::check(channel& of, std::string token) {
  of.question = next_question_++;
  host_.check_token(of.question, std::move(token));
}

void socket_channels::ask(channel& of) {
  of.question = next_question_++;
  host_.ask_permission(of.question, of);
}

socket_channels::iterator socket_channels::by_question(std::uint64_t question) {
  return std::find_if(channels_.begin(), channels_.end(),
                      [&](const auto& one) { return one.second.question == question; });
}

void socket_channels::token_checked(std::uint64_t question, const token_answer& answer,
                                    timestamp now) {
  auto found = by_question(question);
  if (found == channels_.end())
    return; // Left, or asked again, meanwhile.
  channel& of = found->second;
  of.question = 0;
  auto refused = [&](const token_refusal& why) {
    if (of.now == channel::phase::joined)
      return shut(found, why.text);
    refuse(found, std::string{why.code} + ": " + why.text);
  };
  if (auto* why = std::get_if<token_refusal>(&answer))
    return refused(*why);
  auto who = std::get<identity_ptr>(answer);
  if (who->valid_until <= now)
    return refused(token_problem::expired(
      std::chrono::floor<std::chrono::seconds>(now - who->expires).count()));
  of.who = std::move(who);
  if (of.asked.is_private) {
    if (of.now != channel::phase::joined)
      of.now = channel::phase::permitting;
    return ask(of);
  }
  of.may = permissions::all();
  if (of.now == channel::phase::joined)
    return host_.renew(of);
  finish_join(of);
}

void socket_channels::permitted(std::uint64_t question, const permissions& what, timestamp) {
  auto found = by_question(question);
  if (found == channels_.end())
    return;
  channel& of = found->second;
  of.question = 0;
  if (of.now != channel::phase::joined) {
    if (!what.any_read())
      return refuse(found, "Unauthorized: " + may_not_read(of.name));
    of.may = what;
    return finish_join(of);
  }
  if (!what.any_read())
    return shut(found, may_not_read(of.name));
  if ((of.may.read_broadcast && !what.read_broadcast)
      || (of.may.read_presence && !what.read_presence))
    return shut(found, may_no_longer_read(of.name));
  of.may = what;
  host_.renew(of);
}

void socket_channels::permission_failed(std::uint64_t question, std::string_view reason) {
  auto found = by_question(question);
  if (found == channels_.end())
    return;
  if (found->second.now != channel::phase::joined)
    return refuse(found, reason);
  // Codes are for refusals only.
  auto text = reason.find(": ");
  shut(found, text == std::string_view::npos ? reason : reason.substr(text + 2));
}

void socket_channels::replay_located(std::uint64_t question, bool ok) {
  auto found = by_question(question);
  if (found == channels_.end())
    return;
  found->second.question = 0;
  if (!ok)
    return refuse(found, refusal::replay_failed);
  finish_join(found->second);
}

void socket_channels::finish_join(channel& of) {
  if (of.asked.replay) {
    auto which = channels_.find(of.topic);
    if (!of.asked.is_private)
      return refuse(which, refusal::replay_public);
    if (!of.asked.replay->valid)
      return refuse(which, refusal::replay_params);
    if (!of.may.read_broadcast)
      return refuse(which, "Unauthorized: " + may_not_read(of.name));
    if (of.now != channel::phase::locating) {
      of.now = channel::phase::locating;
      of.question = next_question_++;
      return host_.locate_replay(of.question, of);
    }
  }
  of.now = channel::phase::joined;
  reply(of, of.ref, ok_reply(join_response(of.asked.changes)));
  host_.enter(of);
}

void socket_channels::refuse(iterator which, std::string_view reason) {
  auto gone = std::move(channels_.extract(which).mapped());
  reply(gone, gone.ref, error_reply(reason));
}

void socket_channels::leave(iterator which, const client_message& message) {
  reply(which->second, message.ref, ok_reply());
  close(which);
}

/// phx_close tells the client not to come back by itself.
void socket_channels::close(iterator which) {
  auto gone = std::move(channels_.extract(which).mapped());
  if (gone.now == channel::phase::joined)
    host_.leave(gone);
  push(gone, gone.join_ref, "phx_close", "{}");
}

void socket_channels::fail(member_id id) {
  auto found = std::find_if(channels_.begin(), channels_.end(),
                            [&](const auto& one) { return one.second.id == id; });
  if (found == channels_.end())
    return;
  auto gone = std::move(channels_.extract(found).mapped());
  if (gone.now == channel::phase::joined)
    host_.leave(gone);
  push(gone, gone.join_ref, "phx_error", "{}");
}

void socket_channels::broadcast_settled(member_id id, std::string_view ref, bool ok) {
  auto* of = find(id);
  if (of && of->asked.ack)
    reply(*of, ref, ok ? ok_reply() : error_reply(not_kept));
}

void socket_channels::shut(iterator which, std::string_view message, bool ok) {
  push(which->second, no_ref, "system",
       system_payload(system_extension, ok, message, which->second.name));
  close(which);
}

void socket_channels::shut(member_id id, std::string_view message, bool ok) {
  for (auto one = channels_.begin(); one != channels_.end(); ++one)
    if (one->second.id == id)
      return shut(one, message, ok);
}

void socket_channels::system(member_id id, std::string_view extension, bool ok,
                             std::string_view message) {
  auto* of = find(id);
  if (of && of->now == channel::phase::joined)
    push(*of, no_ref, "system", system_payload(extension, ok, message, of->name));
}

const channel* socket_channels::find(member_id id) const {
  for (const auto& [topic, one] : channels_)
    if (one.id == id)
      return &one;
  return nullptr;
}

void socket_channels::take_token(iterator which, const client_message& message) {
  channel& of = which->second;
  auto json = json_member(message.payload, "access_token");
  auto token = json ? json_string(*json) : std::nullopt;
  if (!brings_token(token) || *token == of.who->token)
    return;
  check(of, std::move(*token));
}

void socket_channels::take_broadcast(channel& of, client_message message) {
  if (!of.may.write_broadcast)
    return;
  auto size = message.bytes ? message.bytes->size() : message.payload.size();
  bool fits = size <= limits_.payload_bytes;
  if (!message.bytes && type_of(message.payload) != json_type::object)
    return; // Not a broadcast at all.
  auto ref = message.ref;
  if (fits && !host_.broadcast(of, std::move(message)))
    return; // Answered when it is kept.
  if (of.asked.ack)
    reply(of, ref, fits ? ok_reply() : error_reply("payload_size_exceeded"));
}

void socket_channels::take_presence(iterator which, const client_message& message, timestamp now) {
  channel& of = which->second;
  auto event = json_member(message.payload, "event");
  if (!event)
    return reply(of, message.ref, ok_reply());
  if (!of.presence_calls.take(now, limits_.presence_window, limits_.presence_calls))
    return shut(which, ending::client_presence);
  auto name = lowered(json_string(*event).value_or(""));
  if (name == "untrack") {
    if (std::exchange(of.present, false))
      host_.untrack(of);
    return reply(of, message.ref, ok_reply());
  }
  if (name != "track" || !of.may.write_presence)
    return reply(of, message.ref, R"({"status":"error","response":{}})");
  auto payload = json_member(message.payload, "payload").value_or("{}");
  if (type_of(payload) != json_type::object)
    return reply(of, message.ref, error_reply(presence_not_a_map));
  if (payload.size() > limits_.payload_bytes)
    return shut(which, ending::track_size);
  of.present = true;
  of.asked.presence = true; // Whoever tracks wants to see the others.
  host_.track(of, std::string{payload});
  reply(of, message.ref, ok_reply());
}

std::optional<timestamp> socket_channels::deadline() const {
  std::optional<timestamp> soonest;
  for (const auto& [topic, one] : channels_)
    if (one.now == channel::phase::joined && one.question == 0
        && (!soonest || one.who->valid_until < *soonest))
      soonest = one.who->valid_until;
  return soonest;
}

void socket_channels::on_time(timestamp now) {
  for (auto one = channels_.begin(); one != channels_.end();) {
    auto which = one++;
    const channel& of = which->second;
    // A newer token may just be on its way through the check.
    if (of.now == channel::phase::joined && of.question == 0 && of.who->valid_until <= now)
      shut(which, token_problem::expired(
                    std::chrono::floor<std::chrono::seconds>(now - of.who->expires).count())
                    .text);
  }
}

} // namespace lapwing::realtime
