#include "actors/session.hpp"

#include <algorithm>

#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include "actors/node_context.hpp"
#include "actors/resume_plan.hpp"
#include "actors/runtime/metered.hpp"
#include "core/json_text.hpp"

namespace lapwing {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t page_events = 256;
constexpr std::size_t page_events_min = 1; // After errc::payload_too_large: events may weigh 25 MiB.
constexpr auto hub_timeout = 10s; // Hubs answer from memory, except while their log opens.

struct session_state;
using self_pointer = stateful_metered_pointer<session_actor, session_state>;

/// One log that the client follows.
struct followed {
  log_id log;
  log_hub_actor hub;
  sequence newest = 0; ///< Of the answer to the query.
  sequence trimmed = 0;
  bool answered = false;
  bool placed = false; ///< `newest` and `trimmed` are good to plan with.
  bool joined = false;
};

/// A replay in progress; exists only while there is one.
struct replay {
  std::size_t index = 0; ///< Of the log being read.
  std::vector<event_ptr> page;
  std::size_t next = 0;  ///< First event of the page that is not delivered.
  std::size_t limit = page_events;
  bool last_page = false;
  bool reading = false;  ///< A page is at the store.
};

struct session_state {
  static inline const char* name = "session";

  const node_context* env = nullptr;
  std::size_t home = 0;
  outlet_ptr out;
  std::vector<followed> logs;
  std::optional<std::string> last_event_id;
  std::unique_ptr<replay> catching_up;
  bool connected = false;
  bool joining = false; ///< A join is under way; one at a time.
  bool confirm_subscription = false; ///< `subscribed` is owed once the new logs are joined.
  bool ending = false;               ///< The connection is gone, or told to go.
  std::size_t outstanding = 0;       ///< Questions to hubs: each answer may have counted us there.

  ~session_state() {
    // However the session ends, every hub that counted it hears of it once.
    if (!out)
      return;
    out->close({errc::internal, "the session failed; resume"});
    out->forget_sink();
    for (followed& one : logs)
      if (one.answered)
        caf::anon_send(one.hub, leave_message{one.log, out->id(), true, one.joined, true});
  }
};

/// Ends once every hub has answered, so that each that counted us can be told.
void quit_when_answered(self_pointer self) {
  if (self->state.ending && self->state.outstanding == 0)
    self->quit();
}

void end(self_pointer self, error why) {
  self->state.out->close(why);
  self->state.ending = true;
  self->state.catching_up.reset();
  quit_when_answered(self);
}

error from_caf(const caf::error& failure, const char* otherwise) {
  if (failure.category() == caf::atom("lapwing"))
    return {static_cast<errc>(failure.code()), otherwise};
  return {errc::store_unavailable, otherwise};
}

void control(self_pointer self, std::string_view type, std::string_view members, bool resume) {
  std::string json = "{\"type\":";
  append_json_string(json, type);
  json += ",\"timestamp\":\"";
  append_rfc3339(json, self->state.env->clock->now());
  json += '"';
  json += members;
  json += '}';
  self->state.out->control(type, json, resume);
}

// -- joining --------------------------------------------------------------------------------------

void join_next(self_pointer self);

void confirm(self_pointer self, std::string_view type) {
  auto& state = self->state;
  std::string members;
  auto list = [&](std::string_view name, auto&& each) {
    members += ",\"";
    members += name;
    members += "\":[";
    bool some = false;
    each([&](const std::string& text) {
      if (some)
        members += ',';
      some = true;
      append_json_string(members, text);
    });
    members += ']';
  };
  list("rooms", [&](auto put) {
    for (const followed& one : state.logs)
      if (one.log.kind == log_kind::room)
        put(one.log.name);
  });
  list("types", [&](auto put) { std::ranges::for_each(state.out->filter().types, put); });
  list("platforms", [&](auto put) { std::ranges::for_each(state.out->filter().platforms, put); });
  control(self, type, members, false);
}

void say_reset(self_pointer self, std::string_view from, std::string_view reason) {
  std::string members = ",\"data\":{\"from\":";
  append_json_string(members, from);
  members += ",\"to\":";
  append_json_string(members, self->state.out->cursor().text());
  members += ",\"reason\":";
  append_json_string(members, reason);
  members += '}';
  control(self, "reset", members, true);
}

/// All logs have said where they stand: the stream begins.
void establish(self_pointer self) {
  auto& state = self->state;
  std::vector<log_position> positions;
  for (const followed& one : state.logs)
    positions.push_back({one.log, one.newest, one.trimmed});
  auto plan = plan_resume(positions, state.last_event_id);
  state.out->cursor() = std::move(plan.start);
  state.connected = true;
  std::string members = ",\"userId\":";
  append_json_string(members, state.out->origin().user.str());
  members += ",\"sessionId\":\"" + to_string(state.out->id()) + "\",\"resumed\":";
  members += plan.resumed ? "true" : "false";
  members += ",\"lastEventId\":";
  append_json_string(members, state.out->cursor().text());
  members += ",\"message\":\"connected\",\"data\":{}";
  control(self, "connected", members, true);
  if (plan.reset_reason) {
    say_reset(self, repaired_utf8(state.last_event_id->substr(0, 256)), *plan.reset_reason);
  }
  state.last_event_id.reset();
  if (state.out->closed())
    return;
  caf::anon_send(state.env->keepers[state.home], keep_message{state.out});
  join_next(self);
}

/// Whether only the store can tell where this log's replay starts. A client ahead of the hub is
/// honest: an event is in the store, and a replay reads it, a moment before its hub hears that it is
/// durable. And what the hub does not hold retention may have taken since the hub last looked.
bool needs_store(const tail_state& hub, const log_id& log,
                 const std::optional<std::string>& last_event_id) {
  if (!last_event_id || last_event_id->empty())
    return false;
  auto point = stream_cursor::parse(*last_event_id);
  if (!point)
    return hub.complete_after > 0; // An unreadable point starts at the oldest event.
  auto position = point->position(log);
  return position && (*position > hub.newest || *position < hub.complete_after);
}

void check_with_store(self_pointer self, const followed& one) {
  ++self->state.outstanding;
  self->state.env->store->open(one.log, [me = session_actor{self},
                                         log = one.log](result<log_state> state) {
    caf::anon_send(me, log_checked{log, std::move(state)});
  });
}

void store_checked(self_pointer self, const log_checked& message) {
  auto& state = self->state;
  --state.outstanding;
  if (state.ending)
    return quit_when_answered(self);
  if (!message.state)
    return end(self, {errc::store_unavailable, "the stream could not be opened; try again"});
  auto one = std::ranges::find(state.logs, message.log, &followed::log);
  if (one == state.logs.end())
    return;
  one->newest = std::max(one->newest, message.state->newest);
  one->trimmed = std::max(one->trimmed, message.state->trimmed);
  one->placed = true;
  if (std::ranges::all_of(state.logs, &followed::placed))
    establish(self);
}

void query_answered(self_pointer self, const log_id& log, const tail_state& where) {
  auto& state = self->state;
  auto one = std::ranges::find(state.logs, log, &followed::log);
  if (one == state.logs.end()) { // Unsubscribed meanwhile.
    caf::anon_send(caf::actor_cast<log_hub_actor>(where.hub),
                   leave_message{log, state.out->id(), true, false, false});
    return;
  }
  one->hub = caf::actor_cast<log_hub_actor>(where.hub);
  one->newest = where.newest;
  one->trimmed = where.trimmed;
  one->answered = true;
  if (state.ending)
    return;
  if (log.kind == log_kind::user)
    self->monitor(one->hub); // A relay lives as long as the node; a supervisor may fail.
  if (state.connected) {
    state.out->cursor().set(log, where.newest); // A room joined later starts live.
    return join_next(self);
  }
  if (needs_store(where, log, state.last_event_id))
    return check_with_store(self, *one);
  one->placed = true;
  if (std::ranges::all_of(state.logs, &followed::placed))
    establish(self);
}

void ask(self_pointer self, const log_id& log) {
  auto& state = self->state;
  tail_query query{log, state.out->id(), true};
  ++state.outstanding;
  auto answered = [self, log](const tail_state& where) {
    --self->state.outstanding;
    query_answered(self, log, where);
    quit_when_answered(self);
  };
  auto failed = [self](const caf::error& failure) {
    --self->state.outstanding;
    end(self, from_caf(failure, "the stream could not be opened; try again"));
  };
  if (log.kind == log_kind::user)
    self->request(state.env->directories[state.home], hub_timeout, query).then(answered, failed);
  else
    self->request(state.env->relays[state.home], hub_timeout, query).then(answered, failed);
}

void read_page(self_pointer self) {
  auto& state = self->state;
  replay& now = *state.catching_up;
  now.reading = true;
  const followed& one = state.logs[now.index];
  state.env->store->read(one.log, state.out->cursor().position(one.log).value_or(0), now.limit,
                         [me = session_actor{self}](result<event_range> range) {
                           caf::anon_send(me, log_page{std::move(range)});
                         });
}

/// Delivers what the socket takes of the page, then reads on or joins.
void go_on_replaying(self_pointer self) {
  auto& state = self->state;
  auto& out = *state.out;
  while (state.catching_up && !state.catching_up->reading) {
    replay& now = *state.catching_up;
    // Nothing is added while something waits in the queue: the socket's buffer is what paces us.
    for (; now.next < now.page.size(); ++now.next) {
      if (out.closed() || out.sink()->queued_bytes() > 0)
        return; // `drained` will come, or the end.
      render_cache cache;
      // A few at once make one write of them; a payload may be large, so not many.
      std::size_t count = std::min<std::size_t>(now.page.size() - now.next, out.filter().full_payload ? 1 : 16);
      out.deliver(std::span{now.page}.subspan(now.next, count), cache);
      now.next += count - 1;
    }
    if (out.closed())
      return;
    if (!now.last_page)
      return read_page(self);
    state.catching_up.reset();
    join_next(self);
  }
}

void page_read(self_pointer self, const log_page& message) {
  auto& state = self->state;
  if (!state.catching_up)
    return;
  replay& now = *state.catching_up;
  now.reading = false;
  if (now.index >= state.logs.size()) { // Its room was left meanwhile.
    state.catching_up.reset();
    return join_next(self);
  }
  if (!message.range) {
    if (message.range.error().code != errc::payload_too_large || now.limit == page_events_min)
      return end(self, {errc::store_unavailable, "the replay could not be read; resume"});
    now.limit = std::max(now.limit / 4, page_events_min);
    return read_page(self);
  }
  // Retention may have overtaken a slow reader, or have run since the hub last heard of it.
  const log_id& log = state.logs[now.index].log;
  if (message.range->trimmed > state.out->cursor().position(log).value_or(0)) {
    auto from = state.out->cursor().text();
    state.out->cursor().set(log, message.range->trimmed);
    say_reset(self, from, "too_old");
  }
  now.page = message.range->events;
  now.next = 0;
  now.last_page = now.page.size() < now.limit;
  go_on_replaying(self);
}

/// Joins the first log that is not joined, one after the other, so that at most one is replayed.
void join_next(self_pointer self) {
  auto& state = self->state;
  if (!state.connected || state.catching_up || state.joining || state.ending)
    return;
  auto one = std::ranges::find_if(state.logs, [](auto& x) { return x.answered && !x.joined; });
  if (one == state.logs.end()) {
    if (state.confirm_subscription && std::ranges::all_of(state.logs, &followed::joined)) {
      state.confirm_subscription = false;
      confirm(self, "subscribed");
    }
    return;
  }
  state.joining = true;
  ++state.outstanding;
  self->request(one->hub, hub_timeout, join_request{one->log, state.out})
    .then(
      [self, log = one->log](const join_reply& reply) {
        auto& now = self->state;
        now.joining = false;
        --now.outstanding;
        auto joined = std::ranges::find(now.logs, log, &followed::log);
        if (joined == now.logs.end()) {
          if (reply.live)
            caf::anon_send(now.env->relays[now.home],
                           leave_message{log, now.out->id(), false, true, false});
          return join_next(self);
        }
        joined->joined = reply.live;
        if (now.ending)
          return quit_when_answered(self);
        if (reply.live)
          return join_next(self);
        now.catching_up = std::make_unique<replay>();
        now.catching_up->index = static_cast<std::size_t>(joined - now.logs.begin());
        read_page(self);
      },
      [self](const caf::error& failure) {
        self->state.joining = false;
        --self->state.outstanding;
        end(self, from_caf(failure, "the stream could not go on; resume"));
      });
}

// -- the client's messages ------------------------------------------------------------------------

void add_texts(std::vector<std::string>& list, const std::vector<std::string>& more) {
  for (const std::string& text : more)
    if (std::ranges::find(list, text) == list.end())
      list.push_back(text);
}

void subscribe(self_pointer self, const stream_command::subscribe& what) {
  auto& state = self->state;
  auto filter = state.out->filter();
  add_texts(filter.types, what.types);
  add_texts(filter.platforms, what.platforms);
  state.out->set_filter(std::move(filter));
  std::size_t rooms = 0;
  for (const followed& one : state.logs)
    rooms += one.log.kind == log_kind::room ? 1 : 0;
  for (const room_id& room : what.rooms) {
    auto log = log_id::of(room);
    if (std::ranges::find(state.logs, log, &followed::log) != state.logs.end())
      continue;
    if (++rooms > stream_rooms_max) {
      control(self, "error", ",\"code\":\"invalid_message\",\"detail\":\"too many rooms on one stream\"", false);
      break;
    }
    state.logs.push_back({log, {}, 0, 0, false, false, false});
    ask(self, log);
  }
  state.confirm_subscription = true;
  join_next(self);
}

void unsubscribe(self_pointer self, const stream_command::unsubscribe& what) {
  auto& state = self->state;
  auto filter = state.out->filter();
  for (const std::string& text : what.types)
    std::erase(filter.types, text);
  for (const std::string& text : what.platforms)
    std::erase(filter.platforms, text);
  state.out->set_filter(std::move(filter));
  for (const room_id& room : what.rooms) {
    auto log = log_id::of(room);
    auto one = std::ranges::find(state.logs, log, &followed::log);
    if (one == state.logs.end())
      continue;
    if (one->answered)
      caf::anon_send(one->hub, leave_message{log, state.out->id(), true, one->joined, false});
    auto index = static_cast<std::size_t>(one - state.logs.begin());
    state.logs.erase(one);
    state.out->cursor().forget(log);
    if (state.catching_up && state.catching_up->index >= index)
      // The replay's place has moved or gone: it starts over from the cursor, which has not.
      state.catching_up->index = state.catching_up->index == index ? state.logs.size()
                                                                  : state.catching_up->index - 1;
  }
  if (state.catching_up && !state.catching_up->reading
      && state.catching_up->index >= state.logs.size()) {
    state.catching_up.reset();
    join_next(self);
  }
  confirm(self, "unsubscribed");
}

void obey(self_pointer self, const client_command& command) {
  if (!self->state.connected || self->state.ending)
    return; // Nothing has been promised to the client yet; net sends nothing before `connected`.
  if (auto* add = std::get_if<stream_command::subscribe>(&command)) {
    subscribe(self, *add);
  } else if (auto* take = std::get_if<stream_command::unsubscribe>(&command)) {
    unsubscribe(self, *take);
  } else if (auto* renewed = std::get_if<stream_command::renew>(&command)) {
    self->state.out->token_expires = renewed->token_expires;
    std::string members;
    if (renewed->token_expires)
      members = ",\"expiresAt\":\"" + to_rfc3339(*renewed->token_expires) + '"';
    control(self, "renewed", members, false);
  } else if (auto* wrong = std::get_if<stream_command::invalid>(&command)) {
    std::string members = ",\"code\":";
    append_json_string(members, to_string_view(wrong->why.code));
    members += ",\"detail\":";
    append_json_string(members, wrong->why.detail);
    control(self, "error", members, false);
  } else {
    std::string members = ",\"lastEventId\":";
    append_json_string(members, self->state.out->cursor().text());
    control(self, "pong", members, false);
  }
}

session_actor::behavior_type behavior(self_pointer self, const node_context* env, std::size_t home,
                                      std::shared_ptr<stream_request> request,
                                      std::shared_ptr<client_sink> sink) {
  auto& state = self->state;
  state.env = env;
  state.home = home;
  state.out = std::make_shared<outlet>(
    request->id, *request->codec, std::move(request->filter),
    stream_origin{request->user, std::move(request->peer), std::move(request->transport),
                  env->clock->now()},
    std::move(sink));
  state.out->token_expires = request->token_expires;
  state.last_event_id = std::move(request->last_event_id);
  state.logs.reserve(2 + request->rooms.size());
  state.logs.push_back({log_id::of(request->user), {}, 0, 0, false, false, false});
  state.logs.push_back({log_id::broadcast(), {}, 0, 0, false, false, false});
  for (const room_id& room : request->rooms) {
    auto log = log_id::of(room);
    if (state.logs.size() < 2 + stream_rooms_max
        && std::ranges::find(state.logs, log, &followed::log) == state.logs.end())
      state.logs.push_back({log, {}, 0, 0, false, false, false});
  }
  self->set_down_handler([self](const caf::down_msg&) {
    end(self, {errc::internal, "the user's supervisor failed; resume"});
  });
  for (const followed& one : state.logs)
    ask(self, one.log);
  return {
    [self](const client_command& command) { obey(self, command); },
    [self](atom::drained) { go_on_replaying(self); },
    [self](const stream_closed&) {
      auto& now = self->state;
      now.ending = true;
      now.out->forget_sink();
      now.catching_up.reset();
      quit_when_answered(self);
    },
    [self](const log_page& message) { page_read(self, message); },
    [self](const log_checked& message) { store_checked(self, message); },
  };
}

} // namespace

session_actor spawn_session(caf::actor_system& system, std::size_t home, const node_context& env,
                            stream_request request, std::shared_ptr<client_sink> sink) {
  auto label = request.user.str();
  return spawn_home(system, {home, std::move(label)}, behavior, &env, home,
                             std::make_shared<stream_request>(std::move(request)),
                             std::move(sink));
}

} // namespace lapwing
