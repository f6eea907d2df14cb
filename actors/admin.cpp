#include "actors/admin.hpp"

#include <algorithm>
#include <map>

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include "actors/node_context.hpp"
#include "actors/inspection.hpp"
#include "actors/runtime/metered.hpp"
#include "actors/runtime/runtime_config.hpp"
#include "core/json_text.hpp"

namespace lapwing {
namespace {

using namespace std::chrono_literals;

constexpr auto part_timeout = 2s; // A thread that does not answer by then is itself the finding.
constexpr std::size_t top_count = 25;

struct admin_state {
  static inline const char* name = "admin";
  const node_context* env = nullptr;
  node_facts facts;
  timestamp started;
};

using self_pointer = stateful_metered_pointer<admin_actor, admin_state>;
using answer_function = std::function<void(result<std::string>)>;

/// Puts together what several actors answer to one question.
struct collection {
  std::string head;
  std::string tail;
  std::vector<std::string> parts;
  std::size_t missing = 0;
  std::size_t silent = 0;
  bool first_only = false; ///< One part is the whole answer.
  answer_function done;

  void one_more() {
    if (--missing > 0)
      return;
    std::erase(parts, std::string{});
    if (first_only) {
      if (parts.empty())
        return done(error{errc::not_found, "there is no such thing on this node"});
      return done(std::move(parts.front()));
    }
    std::string out = head;
    for (std::size_t i = 0; i < parts.size(); ++i)
      out += (i > 0 ? "," : "") + parts[i];
    out += tail + ",\"silentThreads\":" + std::to_string(silent) + '}';
    done(std::move(out));
  }
};

template <class Handle>
void collect(self_pointer self, const std::vector<Handle>& whom, const inspect_query& query,
             std::shared_ptr<collection> into) {
  into->missing += whom.size();
  for (const Handle& one : whom)
    self->request(one, part_timeout, query)
      .then(
        [into](const fragment& part) {
          into->parts.push_back(part.json);
          into->one_more();
        },
        [into](const caf::error&) {
          ++into->silent;
          into->one_more();
        });
}

template <class Handle>
void list(self_pointer self, const std::vector<Handle>& whom, const inspect_query& query,
          std::string_view name, answer_function done) {
  auto into = std::make_shared<collection>();
  into->head = "{\"" + std::string{name} + "\":[";
  into->tail = "]";
  into->done = std::move(done);
  collect(self, whom, query, std::move(into));
}

/// One actor, whose own words on a failure are the answer.
void ask_for_mails(self_pointer self, const inspect_query& query, const answer_function& done) {
  self->request(self->state.env->mails, part_timeout, query)
    .then([done](const fragment& part) { done(part.json); },
          [done](const caf::error& why) {
            if (why.category() != caf::atom("lapwing"))
              return done(error{errc::request_timeout, "no answer in time"});
            switch (static_cast<errc>(why.code())) {
              case errc::bad_request:
                return done(error{errc::bad_request, "name a mail by its number, or all"});
              case errc::not_found: return done(error{errc::not_found, "that is no dead letter"});
              default: return done(error{static_cast<errc>(why.code()), "try again later"});
            }
          });
}

const actor_census* census_of(self_pointer self) {
  auto* config = runtime_config::find(self->system());
  return config ? &config->census() : nullptr;
}

std::string actors_by_kind(const actor_census* census) {
  struct figures {
    std::uint64_t count = 0, mailbox = 0, mailbox_max = 0, processed = 0;
    std::chrono::nanoseconds busy{0};
  };
  std::map<std::string, figures> kinds;
  if (census != nullptr)
    census->for_each_actor([&](const actor_figures& one) {
      auto& kind = kinds[one.kind];
      ++kind.count;
      kind.mailbox += one.backlog;
      kind.mailbox_max = std::max(kind.mailbox_max, one.backlog);
      kind.processed += one.processed;
      kind.busy += one.busy;
    });
  std::string out = "{\"kinds\":[";
  for (bool some = false; auto& [kind, sum] : kinds) {
    out += some ? ",{\"kind\":" : "{\"kind\":";
    some = true;
    append_json_string(out, kind);
    out += ",\"count\":" + std::to_string(sum.count) + ",\"mailbox\":" + std::to_string(sum.mailbox)
           + ",\"mailboxMax\":" + std::to_string(sum.mailbox_max)
           + ",\"processed\":" + std::to_string(sum.processed)
           + ",\"busyMs\":" + std::to_string(sum.busy.count() / 1'000'000) + '}';
  }
  return out + "]}";
}

std::string busiest_actors(const actor_census* census) {
  std::vector<actor_figures> top;
  auto busier = [](const actor_figures& a, const actor_figures& b) {
    return std::pair{a.backlog, a.busy} > std::pair{b.backlog, b.busy};
  };
  if (census != nullptr)
    census->for_each_actor([&](const actor_figures& one) {
      top.push_back(one);
      std::push_heap(top.begin(), top.end(), busier);
      if (top.size() > top_count) {
        std::pop_heap(top.begin(), top.end(), busier);
        top.pop_back();
      }
    });
  std::sort_heap(top.begin(), top.end(), busier);
  std::string out = "{\"actors\":[";
  for (bool some = false; const actor_figures& one : top) {
    out += some ? ",{\"id\":" : "{\"id\":";
    some = true;
    append_number(out, one.id);
    out += ",\"kind\":";
    append_json_string(out, one.kind);
    out += ",\"label\":";
    append_json_string(out, one.label);
    out += ",\"mailbox\":" + std::to_string(one.backlog)
           + ",\"processed\":" + std::to_string(one.processed)
           + ",\"busyMs\":" + std::to_string(one.busy.count() / 1'000'000)
           + ",\"home\":" + std::to_string(one.home) + '}';
  }
  return out + "]}";
}

std::string describe_node(self_pointer self) {
  auto& state = self->state;
  std::uint64_t users = 0, sessions = 0, rooms = 0;
  if (auto* census = census_of(self))
    census->for_each_actor([&](const actor_figures& one) {
      std::string_view kind = one.kind;
      users += kind == "user_supervisor" ? 1 : 0;
      sessions += kind == "session" ? 1 : 0;
      rooms += kind == "room" ? 1 : 0;
    });
  std::string why;
  bool ready = !state.facts.ready || state.facts.ready(why);
  std::string out = "{\"nodes\":[{\"id\":";
  append_json_string(out, state.facts.id);
  out += ",\"address\":";
  append_json_string(out, state.facts.address);
  out += ",\"version\":";
  append_json_string(out, state.facts.version);
  auto up = std::chrono::duration_cast<std::chrono::seconds>(state.env->clock->now()
                                                             - state.started);
  out += ",\"uptimeSeconds\":" + std::to_string(up.count());
  out += ",\"threads\":" + std::to_string(state.env->homes());
  out += ",\"users\":" + std::to_string(users) + ",\"sessions\":" + std::to_string(sessions)
         + ",\"rooms\":" + std::to_string(rooms) + ",\"ready\":" + (ready ? "true" : "false");
  if (!ready) {
    out += ",\"notReadyBecause\":";
    append_json_string(out, why);
  }
  return out + "}]}";
}

void answer(self_pointer self, const inspect_query& query, answer_function done) {
  auto& state = self->state;
  const node_context& env = *state.env;
  const std::string& path = query.path;
  if (path == "nodes")
    return done(describe_node(self));
  if (path == "actors")
    return done(actors_by_kind(census_of(self)));
  if (path == "top")
    return done(busiest_actors(census_of(self)));
  if (path == "users")
    return list(self, env.directories, query, "users", std::move(done));
  if (path == "rooms")
    return list(self, env.relays, query, "rooms", std::move(done));
  if (path == "sessions" || path.starts_with("sessions/"))
    return list(self, env.keepers, query, "sessions", std::move(done));
  if (path == "log-level") {
    if (!state.facts.set_log_level || !state.facts.set_log_level(query.argument))
      return done(error{errc::bad_request, "levels are trace, debug, info, warn, error"});
    return done("{\"ok\":true,\"level\":\"" + query.argument + "\"}");
  }
  if (path == "mails" || path == "resend-mail") {
    if (!env.mails)
      return done(error{errc::not_configured, "this node sends no mails"});
    return ask_for_mails(self, query, std::move(done));
  }
  auto into = std::make_shared<collection>();
  into->first_only = true;
  into->done = std::move(done);
  if (path == "close-session")
    return collect(self, env.keepers, query, std::move(into));
  auto slash = path.find('/');
  auto what = path.substr(0, slash);
  if (slash != std::string::npos && valid_user_id(std::string_view{path}.substr(slash + 1))
      && (what == "user" || what == "registrations" || what == "monitoring")) {
    auto& directory = env.directories[home_of(path.substr(slash + 1), env.homes())];
    return collect(self, std::vector{directory}, query, std::move(into));
  }
  into->done(error{errc::not_found, "no such question; see docs/operations.md"});
}

admin_actor::behavior_type behavior(self_pointer self, const node_context* env, node_facts facts) {
  self->state.env = env;
  self->state.facts = std::move(facts);
  self->state.started = env->clock->now();
  return {
    [self](const inspect_message& message) {
      auto job = message.job;
      answer(self, job->query, [job](result<std::string> what) { job->done(std::move(what)); });
    },
    [self](const inspect_query& query) -> caf::result<fragment> {
      auto promise = self->make_response_promise<fragment>();
      answer(self, query, [promise](result<std::string> what) mutable {
        if (what)
          promise.deliver(fragment{std::move(*what)});
        else
          promise.deliver(caf::make_error(what.error().code));
      });
      return promise;
    },
  };
}

} // namespace

admin_actor spawn_admin(caf::actor_system& system, const node_context& env, node_facts facts) {
  return spawn_home(system, {0, {}}, behavior, &env, std::move(facts));
}

} // namespace lapwing
