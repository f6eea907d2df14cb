#include "app/channel_archive.hpp"

#include <caf/send.hpp>

#include "core/ids.hpp"
#include "core/json_text.hpp"
#include "net/auth/encoding.hpp"
#include "realtime/json_slices.hpp"

namespace lapwing {
namespace {

using namespace realtime;

constexpr const char* text_type = "broadcast";
constexpr const char* bytes_type = "broadcast.bytes";

/// Channels may have any name; logs, operators' lists and lines are safer with printable ones
/// (RFC 3986 2.1).
log_id log_of(const std::string& channel) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string name = "realtime/";
  for (char c : channel) {
    if (valid_room_id(std::string_view{&c, 1})) {
      name += c;
      continue;
    }
    auto byte = static_cast<unsigned char>(c);
    name += {'%', digits[byte >> 4U], digits[byte & 15U]};
  }
  return {log_kind::room, std::move(name)};
}

/// Bytes are no JSON: they are kept as base64 beside their name.
std::string payload_of(const broadcast_content& what) {
  if (!what.bytes)
    return what.payload;
  std::string out = "{\"event\":";
  append_json_string(out, what.user_event);
  return out + ",\"bytes\":\"" + to_base64(*what.bytes) + "\"}";
}

/// Nothing: it is none of ours.
std::optional<broadcast_content> content_of(const event& kept) {
  broadcast_content made;
  if (kept.type == text_type) {
    made.payload = kept.payload;
    return made;
  }
  auto name = json_member(kept.payload, "event");
  auto bytes = json_member(kept.payload, "bytes");
  auto text = bytes ? json_string(*bytes) : std::nullopt;
  made.bytes = text ? from_base64(*text) : std::nullopt;
  if (!name || !made.bytes)
    return std::nullopt;
  made.user_event = json_string(*name).value_or("");
  return made;
}

} // namespace

void channel_archive::keep(const std::string& channel, const broadcast_content& what,
                           callback<std::uint64_t> done) {
  auto job = std::make_shared<publish_job>();
  job->request.target = log_of(channel);
  job->request.draft.type = what.bytes ? bytes_type : text_type;
  job->request.draft.payload = payload_of(what);
  job->done = [done = std::move(done)](const result<publish_receipt>& kept) {
    if (!kept)
      return done(kept.error());
    // Its own log stands first in the id: "r7:realtime/...".
    std::uint64_t number = 0;
    for (std::size_t i = 1; i < kept->id.size() && kept->id[i] >= '0' && kept->id[i] <= '9'; ++i)
      number = number * 10 + static_cast<std::uint64_t>(kept->id[i] - '0');
    done(number);
  };
  const auto& homes = context_.directories;
  auto home = home_of(job->request.target, homes.size());
  caf::anon_send(homes[home], publish_message{std::move(job)});
}

void channel_archive::extent(const std::string& channel, callback<kept_extent> done) {
  context_.store->open(log_of(channel), [done = std::move(done)](const result<log_state>& log) {
    if (!log)
      return done(log.error());
    done(kept_extent{log->newest, log->trimmed});
  });
}

void channel_archive::read(const std::string& channel, std::uint64_t after, std::size_t limit,
                           callback<kept_page> done) {
  context_.store->read(log_of(channel), after, limit,
                       [done = std::move(done)](const result<event_range>& range) {
                         if (!range)
                           return done(range.error());
                         kept_page page;
                         page.trimmed = range->trimmed;
                         for (const auto& kept : range->events)
                           if (auto what = content_of(*kept))
                             page.broadcasts.push_back({kept->seq, kept->time, std::move(*what)});
                         done(std::move(page));
                       });
}

} // namespace lapwing
