#include "realtime/presence.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "core/json_text.hpp"

namespace lapwing::realtime {
namespace {

using metas_by_key = std::map<std::string, std::vector<std::string>>;

void append_metas(std::string& out, const metas_by_key& keys) {
  out += '{';
  bool first = true;
  for (const auto& [key, metas] : keys) {
    if (!first)
      out += ',';
    first = false;
    append_json_string(out, key);
    out += ":{\"metas\":[";
    for (const auto& meta : metas) {
      if (&meta != metas.data())
        out += ',';
      out += meta;
    }
    out += "]}";
  }
  out += '}';
}

std::string text_of(const nlohmann::json& value) {
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

} // namespace

std::string presence_diff::json() const {
  std::string out = "{\"joins\":";
  append_metas(out, joins_);
  out += ",\"leaves\":";
  append_metas(out, leaves_);
  return out + '}';
}

presence_diff presence::track(member_id who, std::string_view key, std::string_view payload,
                              std::string_view ref, std::uint64_t holder) {
  presence_diff diff;
  auto value = nlohmann::json::parse(payload, nullptr, false);
  if (!value.is_object())
    value = nlohmann::json::object();
  // A client may send back what it was told; the refs are ours to give.
  value.erase("phx_ref");
  value.erase("phx_ref_prev");
  auto content = text_of(value);
  auto found = members_.find(who);
  if (found != members_.end() && found->second.key == key && found->second.content == content)
    return diff;
  entry made;
  made.key = key;
  made.content = std::move(content);
  made.ref = ref;
  made.holder = holder;
  made.order = next_order_++;
  value["phx_ref"] = made.ref;
  if (found != members_.end()) {
    if (found->second.key == key)
      value["phx_ref_prev"] = found->second.ref;
    diff.leave(found->second.key, found->second.meta);
  }
  made.meta = text_of(value);
  diff.join(key, made.meta);
  members_[who] = std::move(made);
  return diff;
}

presence_diff presence::untrack(member_id who) {
  presence_diff diff;
  auto found = members_.find(who);
  if (found == members_.end())
    return diff;
  diff.leave(found->second.key, std::move(found->second.meta));
  members_.erase(found);
  return diff;
}

void presence::renew(std::uint64_t holder, time until) {
  leases_[holder] = until;
}

presence_diff presence::expire(time now) {
  presence_diff diff;
  std::erase_if(leases_, [&](const auto& lease) {
    if (lease.second > now)
      return false;
    std::erase_if(members_, [&](auto& member) {
      if (member.second.holder != lease.first)
        return false;
      diff.leave(member.second.key, std::move(member.second.meta));
      return true;
    });
    return true;
  });
  return diff;
}

std::string presence::json() const {
  std::vector<const entry*> in_order;
  for (const auto& member : members_)
    in_order.push_back(&member.second);
  std::sort(in_order.begin(), in_order.end(),
            [](const entry* a, const entry* b) { return a->order < b->order; });
  metas_by_key keys;
  for (const auto* one : in_order)
    keys[one->key].push_back(one->meta);
  std::string out;
  append_metas(out, keys);
  return out;
}

} // namespace lapwing::realtime
