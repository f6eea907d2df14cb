#include "actors/realtime/kept_publish.hpp"

#include <caf/send.hpp>

#include "actors/realtime/context.hpp"
#include "core/ids.hpp"

namespace lapwing::realtime {

note_ptr note_of(broadcast_content what, std::uint64_t number, member_id sender) {
  auto note = std::make_shared<channel_note>();
  note->sender = sender;
  note->number = number;
  if (what.bytes) {
    note->bytes = std::move(what.bytes);
    note->user_event = std::move(what.user_event);
  } else {
    note->payload = with_meta(what.payload, broadcast_meta(number, false));
  }
  return note;
}

bool is_kept(const realtime_context& env, const std::string& channel, bool is_private) {
  return is_private && env.archive && channel.size() <= broadcast_archive::channel_bytes_max;
}

void publish_kept(const realtime_context& env, const std::string& channel, broadcast_content what,
                  member_id sender, std::function<void(result<void>)> done) {
  auto key = channel_key(channel, true);
  auto hub = env.hubs[home_of(key, env.hubs.size())];
  auto shared = std::make_shared<broadcast_content>(std::move(what));
  env.archive->keep(channel, *shared,
                    [hub = std::move(hub), key = std::move(key), shared, sender,
                     done = std::move(done)](const result<std::uint64_t>& number) {
                      if (!number)
                        return done(number.error());
                      // In the order of their numbers: this is called in it.
                      caf::anon_send(hub, channel_publish{
                                            key, note_of(std::move(*shared), *number, sender)});
                      done({});
                    });
}

} // namespace lapwing::realtime
