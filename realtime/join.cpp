#include "realtime/join.hpp"

#include <algorithm>
#include <charconv>

#include "realtime/json_slices.hpp"

namespace lapwing::realtime {
namespace {

using slice = std::optional<std::string_view>;

slice member(slice of, std::string_view name) {
  auto found = of ? json_member(*of, name) : std::nullopt;
  if (found && type_of(*found) == json_type::null)
    return std::nullopt;
  return found;
}

class join_reader {
public:
  explicit join_reader(join_request& made) : made_(made) {}

  /// An object, or nothing.
  slice object(slice found, std::string_view name) {
    if (found && type_of(*found) != json_type::object)
      return pass_over(name);
    return found;
  }

  /// true, false, and the same as texts.
  void flag(slice found, std::string_view name, bool& into) {
    if (!found)
      return;
    auto text = json_string(*found).value_or(std::string{*found});
    for (char& c : text)
      if (c >= 'A' && c <= 'Z')
        c = static_cast<char>(c + 32);
    if (text == "true")
      into = true;
    else if (text == "false")
      into = false;
    else
      pass_over(name);
  }

  std::optional<std::string> text(slice found, std::string_view name) {
    if (!found)
      return std::nullopt;
    auto value = json_string(*found);
    if (!value)
      pass_over(name);
    return value;
  }

  slice pass_over(std::string_view name) {
    made_.passed_over.emplace_back(name);
    return std::nullopt;
  }

private:
  join_request& made_;
};

bool read_integer(slice found, std::int64_t& into) {
  if (!found)
    return false;
  auto* end = found->data() + found->size();
  auto [at, bad] = std::from_chars(found->data(), end, into);
  return bad == std::errc{} && at == end;
}

/// In milliseconds, far beyond any clock; nanoseconds of it still fit.
constexpr std::int64_t since_ms_max = 4'102'444'800'000; // The year 2100.

replay_request read_replay(std::string_view json) {
  replay_request made;
  auto since = member(json, "since");
  auto limit = member(json, "limit");
  auto after = member(json, "after");
  made.valid = since || after;
  if (since)
    made.valid = read_integer(since, made.since_ms) && made.since_ms >= 0;
  made.since_ms = std::min(made.since_ms, since_ms_max);
  if (std::int64_t count = 0; limit) {
    made.valid = made.valid && read_integer(limit, count);
    made.limit = std::max<std::int64_t>(count, 1);
  }
  if (after) {
    // Texts, as they come in `meta`; a number is as good.
    auto text = json_string(*after).value_or(std::string{*after});
    std::uint64_t id = 0;
    auto* end = text.data() + text.size();
    auto [at, bad] = std::from_chars(text.data(), end, id);
    made.valid = made.valid && bad == std::errc{} && at == end;
    made.after = id;
  }
  return made;
}

} // namespace

join_request read_join(std::string_view payload) {
  join_request made;
  join_reader in{made};
  auto all = in.object(payload, "payload");
  made.token = in.text(member(all, "user_token"), "user_token");
  if (!made.token)
    made.token = in.text(member(all, "access_token"), "access_token");
  auto config = in.object(member(all, "config"), "config");
  in.flag(member(config, "private"), "private", made.is_private);
  auto broadcast = in.object(member(config, "broadcast"), "broadcast");
  in.flag(member(broadcast, "ack"), "broadcast.ack", made.ack);
  in.flag(member(broadcast, "self"), "broadcast.self", made.self);
  in.flag(member(broadcast, "replication_ready"), "broadcast.replication_ready",
          made.replication_ready);
  if (auto replay = member(broadcast, "replay"))
    made.replay = read_replay(*replay);
  auto presence = in.object(member(config, "presence"), "presence");
  in.flag(member(presence, "enabled"), "presence.enabled", made.presence);
  made.presence_key = in.text(member(presence, "key"), "presence.key").value_or("");
  if (made.presence_key.size() > presence_key_bytes_max) {
    made.presence_key.clear();
    in.pass_over("presence.key");
  }
  if (auto changes = member(config, "postgres_changes")) {
    auto entries = json_elements(*changes, change_entries_max);
    if (!entries)
      in.pass_over("postgres_changes");
    else
      for (auto entry : *entries)
        if (type_of(entry) == json_type::object)
          made.changes.push_back(read_change_entry(entry));
        else if (type_of(entry) != json_type::null)
          in.pass_over("postgres_changes");
    number_entries(made.changes);
  }
  return made;
}

} // namespace lapwing::realtime
