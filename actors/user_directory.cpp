#include "actors/user_directory.hpp"

#include <unordered_map>

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include "actors/node_context.hpp"
#include "actors/room.hpp"
#include "actors/runtime/metered.hpp"
#include "actors/user_supervisor.hpp"
#include "core/json_text.hpp"

namespace lapwing {
namespace {

/// An operator's list ends here; the answer says that it was cut.
constexpr std::size_t listed_max = 1000;

template <class Handle>
struct entry {
  Handle handle;
  std::uint64_t sent = 0; ///< Messages it got from us: compared with idle_notice::received.
};

struct user_directory_state {
  static inline const char* name = "user_directory";
  const node_context* env = nullptr;
  std::size_t home = 0;
  std::unordered_map<std::string, entry<user_supervisor_actor>> users;
  std::unordered_map<std::string, entry<room_actor>> rooms; ///< By log key: also the broadcast log.
};

using self_pointer
  = stateful_metered_pointer<user_directory_actor, user_directory_state>;

user_supervisor_actor& supervisor_of(self_pointer self, const std::string& user) {
  auto& state = self->state;
  auto [at, is_new] = state.users.try_emplace(user);
  if (is_new) {
    at->second.handle
      = spawn_user_supervisor(self->system(), state.home, *state.env, user_id{user});
    self->link_to(at->second.handle);
  }
  ++at->second.sent;
  return at->second.handle;
}

room_actor& room_of(self_pointer self, const log_id& log) {
  auto& state = self->state;
  auto [at, is_new] = state.rooms.try_emplace(to_key(log));
  if (is_new) {
    at->second.handle = spawn_room(self->system(), state.home, *state.env, log);
    self->link_to(at->second.handle);
  }
  ++at->second.sent;
  return at->second.handle;
}

/// Forgets whoever is at `key` if it asks for nothing that is still under way to it.
template <class Map>
void let_go(self_pointer self, Map& map, const std::string& key, const idle_notice& notice) {
  auto at = map.find(key);
  if (at == map.end() || caf::actor_cast<caf::strong_actor_ptr>(at->second.handle) != notice.who
      || at->second.sent != notice.received)
    return;
  self->unlink_from(at->second.handle);
  self->send(at->second.handle, atom::retire_v);
  map.erase(at);
}

/// An actor that failed is forgotten; the next message to its log starts a new one, which numbers
/// on from the store.
template <class Map>
bool forget(Map& map, const caf::actor_addr& gone) {
  for (auto at = map.begin(); at != map.end(); ++at)
    if (caf::actor_cast<caf::actor_addr>(at->second.handle) == gone) {
      map.erase(at);
      return true;
    }
  return false;
}

caf::result<fragment> inspect(self_pointer self, const inspect_query& query) {
  auto& state = self->state;
  if (query.path == "users" || query.path == "rooms") {
    // The names; who wants more of one asks for that one.
    std::string out;
    std::size_t count = 0;
    auto list = [&](const auto& map, const char* member, std::size_t skip) {
      for (auto& [key, who] : map) {
        if (++count > listed_max)
          return;
        out += out.empty() ? "{" : ",{";
        append_json_string(out, member);
        out += ':';
        append_json_string(out, std::string_view{key}.substr(skip));
        out += ",\"home\":";
        append_number(out, state.home);
        out += '}';
      }
    };
    if (query.path == "users")
      list(state.users, "user", 0);
    else
      list(state.rooms, "room", 2);
    return fragment{std::move(out)};
  }
  auto slash = query.path.find('/');
  if (slash == std::string::npos)
    return caf::make_error(errc::not_found);
  auto& supervisor = supervisor_of(self, query.path.substr(slash + 1));
  self->delegate(supervisor, inspect_query{query.path.substr(0, slash), query.argument});
  return caf::delegated<fragment>{};
}

user_directory_actor::behavior_type behavior(self_pointer self, const node_context* env,
                                             std::size_t home) {
  self->state.env = env;
  self->state.home = home;
  // Linked, so that they end with us when the node does.
  self->set_exit_handler([self](const caf::exit_msg& exit) {
    if (!forget(self->state.users, exit.source) && !forget(self->state.rooms, exit.source))
      self->quit(exit.reason); // From above: shutdown.
  });
  return {
    [self](const publish_message& message) {
      const log_id& target = message.job->request.target;
      if (target.kind == log_kind::user)
        self->send(supervisor_of(self, target.name), message);
      else
        self->send(room_of(self, target), message);
    },
    [self](const tail_query& query) {
      return self->delegate(supervisor_of(self, query.log.name), query);
    },
    [self](const relay_attach& message) { self->send(room_of(self, message.log), message); },
    [self](const platform_message& message) {
      self->send(supervisor_of(self, message.task->of.user.str()), message);
    },
    [self](const user_created& message) {
      auto at = self->state.users.find(message.user.str());
      if (at == self->state.users.end())
        return;
      ++at->second.sent;
      self->send(at->second.handle, message);
    },
    [self](const idle_notice& notice) {
      if (notice.log.kind == log_kind::user)
        let_go(self, self->state.users, notice.log.name, notice);
      else
        let_go(self, self->state.rooms, to_key(notice.log), notice);
    },
    [self](const inspect_query& query) { return inspect(self, query); },
  };
}

} // namespace

user_directory_actor spawn_user_directory(caf::actor_system& system, std::size_t home,
                                          const node_context& env) {
  return spawn_home(system, {home, {}}, behavior, &env, home);
}

} // namespace lapwing
