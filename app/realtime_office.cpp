#include "app/realtime_office.hpp"

#include <utility>

#include <boost/asio/post.hpp>

#include <caf/send.hpp>

#include "actors/realtime/kept_publish.hpp"
#include "actors/realtime/realtime_session.hpp"
#include "actors/runtime/asio_scheduler.hpp"
#include "actors/runtime/metered.hpp"
#include "core/ids.hpp"

namespace lapwing {
namespace {

using namespace realtime;

/// The connection's handle on its session actor.
class actor_handle final : public session {
public:
  explicit actor_handle(realtime_session_actor actor) : actor_(std::move(actor)) {}
  ~actor_handle() override { closed(); }

  void received(bool binary, std::string_view frame) override {
    if (actor_)
      caf::anon_send(actor_, client_frame{binary, std::string{frame}});
  }
  void token_checked(std::uint64_t question, socket_channels::token_answer answer) override {
    if (actor_)
      caf::anon_send(actor_, token_verdict{question, std::move(answer)});
  }
  void goodbye() override { by_client_ = true; }
  void drained() override {
    if (actor_)
      caf::anon_send(actor_, atom::drained_v);
  }
  void closed() override {
    if (actor_)
      caf::anon_send(std::exchange(actor_, nullptr), socket_closed{by_client_});
  }

private:
  realtime_session_actor actor_;
  bool by_client_ = false;
};

} // namespace

realtime_office::realtime_office(caf::actor_system& system, const realtime_context& context)
  : system_(system), scheduler_(asio_scheduler::of(system)), context_(context) {}

std::unique_ptr<session> realtime_office::open(protocol spoken, identity_ptr own,
                                               std::shared_ptr<socket> out) {
  auto home = scheduler_.current();
  return std::make_unique<actor_handle>(
    spawn_realtime_session(system_, home, context_, spoken, std::move(own), std::move(out)));
}

/// Whoever kept it calls back on some thread; net wants its answer on its own.
void realtime_office::answer_at(std::size_t home, const std::function<void(result<bool>)>& done,
                                result<bool> answer) {
  if (scheduler_.current() == home)
    return done(std::move(answer));
  auto& io = scheduler_.io(home == asio_scheduler::npos ? 0 : home);
  boost::asio::post(io, [done, answer = std::move(answer)] { done(answer); });
}

void realtime_office::send_private(publication what, std::function<void(result<bool>)> done) {
  if (!is_kept(context_, what.channel, true)) {
    send(std::move(what));
    return done(true);
  }
  broadcast_content content;
  if (what.bytes) {
    content.bytes = std::move(what.content);
    content.user_event = std::move(what.event);
  } else {
    content.payload = broadcast_payload(what.event, what.content, {});
  }
  publish_kept(context_, what.channel, std::move(content), 0,
               [done = std::move(done)](const result<void>& kept) {
                 done(kept ? result<bool>{true} : result<bool>{kept.error()});
               });
}

void realtime_office::send(publication what) {
  auto note = std::make_shared<channel_note>();
  if (what.bytes) {
    note->bytes = std::move(what.content);
    note->user_event = std::move(what.event);
  } else {
    note->payload = broadcast_payload(what.event, what.content, {});
  }
  auto key = channel_key(what.channel, what.is_private);
  const auto& hub = context_.hubs[home_of(key, context_.hubs.size())];
  caf::anon_send(hub, channel_publish{std::move(key), std::move(note)});
}

void realtime_office::publish(publication what, identity_ptr who,
                              std::function<void(result<bool>)> done) {
  if (!what.is_private) {
    send(std::move(what));
    return done(true);
  }
  auto home = scheduler_.current();
  auto channel = what.channel;
  auto decided = [this, home, what = std::move(what),
                  done = std::move(done)](const result<permissions>& may) mutable {
    auto answer = [this, home, done = std::move(done)](result<bool> how) {
      answer_at(home, done, std::move(how));
    };
    if (!may || !may->write_broadcast)
      return answer(may ? result<bool>{false} : result<bool>{may.error()});
    send_private(std::move(what), std::move(answer));
  };
  context_.policy->ask(std::move(channel), std::move(who), std::move(decided));
}

std::optional<slot_state> realtime_office::slot() const {
  auto* feed = context_.desk.feed;
  return feed ? std::optional{feed->slot()} : std::nullopt;
}

} // namespace lapwing
