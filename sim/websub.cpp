#include "sim/websub.hpp"

#include <algorithm>

#include "sim/callback.hpp"
#include "sim/youtube.hpp"

namespace lapwing::sim::websub {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds usual_lease{5 * 86'400};
constexpr seconds longest_lease{10 * 86'400};
constexpr std::uint32_t attempts_max = 8;

/// Whose channel the topic is; nothing when nobody has it.
std::optional<std::uint32_t> owner_of(world_state& state, std::string_view topic) {
  auto at = topic.find("channel_id=");
  if (at == std::string_view::npos || topic.find("feeds/videos.xml") == std::string_view::npos)
    return std::nullopt;
  auto channel = topic.substr(at + 11);
  channel = channel.substr(0, channel.find('&'));
  auto& known = state.youtube_channels;
  for (auto i = static_cast<std::uint32_t>(known.size()); i < state.persons.count(); ++i)
    known.emplace(youtube::channel_id(state.persons.at(i)), i);
  auto found = known.find(std::string{channel});
  if (found == known.end())
    return std::nullopt;
  return found->second;
}

void send(world_state& state, delivery_kind kind, std::uint64_t number,
          const websub_subscription& which, std::uint64_t item, milliseconds in) {
  pending_delivery what;
  what.kind = kind;
  what.where = platform::youtube;
  what.person = which.person;
  what.target = number;
  what.item = item;
  what.message = state.next_message++;
  state.deliver(what, in);
}

void remove(world_state& state, std::uint64_t number) {
  auto found = state.subscriptions.find(number);
  if (found == state.subscriptions.end())
    return;
  const auto& which = found->second;
  state.subscription_keys.erase(which.callback + ' ' + which.topic);
  if (which.person != nobody)
    std::erase(state.subscriptions_of[which.person], number);
  state.subscriptions.erase(found);
}

std::string xml(std::string_view text) {
  std::string out;
  for (char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      default: out += c;
    }
  }
  return out;
}

std::string atom(const world_state& state, const websub_subscription& which, std::size_t index) {
  const auto& who = state.persons.at(which.person);
  const auto& videos = who.accounts[index_of(platform::youtube)];
  auto video = youtube::video_id(videos, index);
  auto channel = youtube::channel_id(who);
  auto time = to_rfc3339(from_ms(videos.times[index]));
  return R"(<?xml version='1.0' encoding='UTF-8'?>
<feed xmlns:yt="http://www.youtube.com/xml/schemas/2015" xmlns="http://www.w3.org/2005/Atom">
<link rel="hub" href="https://pubsubhubbub.appspot.com"/><link rel="self" href=")"
         + xml(which.topic) + R"("/><title>YouTube video feed</title><updated>)" + time
         + "</updated>\n<entry>\n <id>yt:video:" + video + "</id>\n <yt:videoId>" + video
         + "</yt:videoId>\n <yt:channelId>" + channel + "</yt:channelId>\n <title>Video " + video
         + "</title>\n <link rel=\"alternate\" href=\"https://www.youtube.com/watch?v=" + video
         + "\"/>\n <author>\n  <name>" + xml(who.name)
         + "</name>\n  <uri>https://www.youtube.com/channel/" + channel
         + "</uri>\n </author>\n <published>" + time + "</published>\n <updated>" + time
         + "</updated>\n</entry></feed>\n";
}

void verified(world_state& state, std::uint64_t number, websub_subscription& which) {
  if (which.unsubscribing) {
    remove(state, number);
    return;
  }
  which.secret = which.next_secret;
  which.lease_until = state.now + which.next_lease;
}

/// What was asked for is refused; what was there before stays.
void refused(world_state& state, std::uint64_t number, const websub_subscription& which) {
  if (!which.lease_until)
    remove(state, number);
}

} // namespace

http_response subscribe(world_state& state, call& from) {
  auto mode = from.form.get("hub.mode");
  auto topic = from.form.get("hub.topic");
  auto callback = from.form.get("hub.callback");
  auto secret = from.form.get("hub.secret");
  if (mode != "subscribe" && mode != "unsubscribe")
    return text_answer(400, "Invalid value for hub.mode: " + std::string{mode} + '\n');
  if (topic.empty() || !is_callback(callback))
    return text_answer(400, "Invalid parameter: hub.callback or hub.topic\n");
  if (secret.size() >= 200)
    return text_answer(400, "Invalid parameter: hub.secret\n");
  auto lease = usual_lease;
  if (auto text = from.form.find("hub.lease_seconds"); text && !text->empty()) {
    auto asked = parse_integer(*text);
    if (!asked || *asked <= 0)
      return text_answer(400, "Invalid value for hub.lease_seconds\n");
    lease = std::min(seconds{*asked}, longest_lease);
  }
  auto key = std::string{callback} + ' ' + std::string{topic};
  auto known = state.subscription_keys.find(key);
  if (known == state.subscription_keys.end()) {
    if (mode == "unsubscribe")
      return empty_answer(204); // Nothing to do.
    auto number = state.take_number();
    websub_subscription fresh;
    fresh.topic = topic;
    fresh.callback = callback;
    auto owner = owner_of(state, topic);
    // A topic that nobody has is denied to the callback, later.
    fresh.person = owner.value_or(nobody);
    if (owner)
      state.subscriptions_of[*owner].push_back(number);
    state.subscriptions.emplace(number, std::move(fresh));
    known = state.subscription_keys.emplace(std::move(key), number).first;
  }
  auto& which = state.subscriptions.at(known->second);
  which.unsubscribing = mode == "unsubscribe";
  which.next_secret = secret;
  which.next_lease = lease;
  which.challenge = base62(state.luck.next(), 20);
  auto kind = which.person == nobody ? delivery_kind::websub_denial
                                     : delivery_kind::websub_verification;
  send(state, kind, known->second, which, 0, milliseconds{200});
  return empty_answer(202);
}

void produced(world_state& state, const account& which, std::size_t index) {
  if (!youtube::is_upload(which, index))
    return;
  auto found = state.subscriptions_of.find(which.person);
  if (found == state.subscriptions_of.end())
    return;
  auto all = found->second;
  for (auto number : all) {
    const auto& subscription = state.subscriptions.at(number);
    if (!subscription.lease_until)
      continue;
    if (*subscription.lease_until <= state.now)
      remove(state, number);
    else
      send(state, delivery_kind::websub_content, number, subscription, index,
           state.delivery_delay());
  }
}

std::optional<http_request> request_of(world_state& state, const pending_delivery& what) {
  auto found = state.subscriptions.find(what.target);
  if (found == state.subscriptions.end())
    return std::nullopt;
  const auto& which = found->second;
  http_request out;
  out.headers.emplace_back("User-Agent",
                           "FeedFetcher-Google; (+http://www.google.com/feedfetcher.html)");
  out.url = which.callback;
  if (what.kind == delivery_kind::websub_content) {
    out.method = "POST";
    out.body = atom(state, which, what.item);
    out.headers.emplace_back("Content-Type", "application/atom+xml");
    out.headers.emplace_back("Link", "<https://pubsubhubbub.appspot.com>; rel=\"hub\", <"
                                       + which.topic + ">; rel=\"self\"");
    if (!which.secret.empty()) {
      auto key = which.secret + (what.bad_signature ? "?" : "");
      out.headers.emplace_back("X-Hub-Signature", "sha1=" + lower_hex(hmac_sha1(key, out.body)));
    }
    return out;
  }
  bool denied = what.kind == delivery_kind::websub_denial;
  append_parameter(out.url, "hub.mode",
                   denied ? "denied" : which.unsubscribing ? "unsubscribe" : "subscribe");
  append_parameter(out.url, "hub.topic", which.topic);
  if (denied) {
    append_parameter(out.url, "hub.reason", "no such channel");
    return out;
  }
  append_parameter(out.url, "hub.challenge", which.challenge);
  if (!which.unsubscribing)
    append_parameter(out.url, "hub.lease_seconds", std::to_string(which.next_lease.count()));
  return out;
}

void finished(world_state& state, const pending_delivery& what, const http_response* answer) {
  auto found = state.subscriptions.find(what.target);
  if (found == state.subscriptions.end() || what.copy)
    return;
  auto& which = found->second;
  bool good = answer != nullptr && answer->status >= 200 && answer->status < 300;
  switch (what.kind) {
    case delivery_kind::websub_denial: remove(state, what.target); return;
    case delivery_kind::websub_verification:
      if (good && answer->body == which.challenge)
        verified(state, what.target, which);
      else
        refused(state, what.target, which);
      return;
    default: break;
  }
  if (answer != nullptr && answer->status == 410) {
    remove(state, what.target);
    return;
  }
  if (good || what.attempt + 1 >= attempts_max)
    return;
  auto again = what;
  ++again.attempt;
  state.deliver(again, seconds{30} * (1u << what.attempt));
}

std::size_t forget(world_state& state, std::uint32_t person) {
  auto all = state.subscriptions_of[person];
  for (auto number : all)
    remove(state, number);
  return all.size();
}

} // namespace lapwing::sim::websub
