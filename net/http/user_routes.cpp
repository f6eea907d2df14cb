// Routes about one user: tickets, history, existence, how their platforms do.
#include <charconv>
#include <utility>

#include <simdjson.h>

#include "core/cursor.hpp"
#include "core/json_text.hpp"
#include "net/http/handlers.hpp"
#include "net/http/node.hpp"

namespace lapwing::net {
namespace {

namespace dom = simdjson::dom;

constexpr std::size_t history_limit_default = 100;
constexpr std::size_t history_limit_max = 1000;
constexpr std::size_t accounts_max = 64;

std::string id_of(const event& e) {
  if (e.seq == 0)
    return {};
  stream_cursor cursor;
  cursor.set(e.log, e.seq);
  return cursor.text();
}

result<std::vector<account>> read_accounts(const std::string& body) {
  std::vector<account> accounts;
  if (body.empty())
    return accounts;
  thread_local dom::parser parser;
  dom::element root;
  if (parser.parse(body).get(root))
    return error{errc::malformed_json, "the body is not JSON"};
  auto bad = [] {
    return error{errc::bad_request, R"(accounts must be a list of {"platform","account"})"};
  };
  dom::object object;
  if (root.get(object))
    return bad();
  dom::element member;
  if (object["accounts"].get(member))
    return accounts;
  dom::array list;
  if (member.get(list) || list.size() > accounts_max)
    return bad();
  for (auto item : list) {
    std::string_view platform;
    std::string_view name;
    if (item["platform"].get(platform) || item["account"].get(name) || !valid_event_type(platform)
        || name.empty() || name.size() > 320) // The longest mail address there can be.
      return bad();
    accounts.push_back({platform_id{platform}, std::string{name}});
  }
  return accounts;
}

/// A page of the log, as the query wants it.
void answer_history(const exchange_ptr& x, const log_id& log) {
  sequence after = 0;
  if (auto text = x->head().parameter("after"); text && !text->empty()) {
    auto cursor = stream_cursor::parse(*text);
    auto position = cursor ? cursor->position(log) : std::nullopt;
    if (!position)
      return x->fail({errc::bad_request, "after is not the id of an event of these"});
    after = *position;
  }
  std::size_t limit = history_limit_default;
  if (auto text = x->head().parameter("limit")) {
    auto end = text->data() + text->size();
    auto read = std::from_chars(text->data(), end, limit);
    if (read.ec != std::errc{} || read.ptr != end || limit < 1 || limit > history_limit_max)
      return x->fail({errc::bad_request, "limit is a number from 1 to 1000"});
  }
  bool full = x->head().parameter("payload") == "full";
  x->core().history(log, after, limit, [x, full](result<event_page> page) {
    if (!page)
      return x->fail_inside(page.error());
    std::string out = R"({"events":[)";
    for (auto& e : page->events) {
      if (out.back() == '}')
        out += ',';
      append_envelope(out, *e, id_of(*e), full);
    }
    out += R"(],"next":)";
    if (page->more && !page->events.empty())
      append_json_string(out, id_of(*page->events.back()));
    else
      out += "null";
    out += '}';
    x->answer_json(200, std::move(out));
  });
}

/// The engine's document about a user, as it is.
void answer_inspection(const exchange_ptr& x, std::string path) {
  x->core().inspect(std::move(path), [x](result<std::string> document) {
    if (!document)
      return x->fail_inside(document.error());
    x->answer_json(200, std::move(*document));
  });
}

} // namespace

void handle_ticket(const exchange_ptr& x) {
  with_principal(x, [x](const principal& who) {
    if (who.user.empty())
      return x->fail({errc::bad_request, "a ticket is for a user"});
    const auto& office = *x->home().current().ticket_office;
    std::string out = R"({"ticket":)";
    append_json_string(out, office.issue(who, x->home().now()));
    out += R"(,"expires_in":)";
    append_number(out, static_cast<std::uint64_t>(
                         std::chrono::duration_cast<std::chrono::seconds>(office.ttl()).count()));
    out += '}';
    x->answer_json(200, std::move(out));
  });
}

void handle_put_user(const exchange_ptr& x) {
  with_service(x, [x] {
    auto user = x->parameter(0);
    if (!valid_user_id(user))
      return x->fail({errc::bad_request, "that is not a user id"});
    auto accounts = read_accounts(x->body);
    if (!accounts)
      return x->fail(accounts.error());
    x->core().put_user(user_id{std::move(user)}, std::move(*accounts), [x](result<bool> done) {
      if (!done)
        return x->fail_inside(done.error());
      x->answer({204, {}, {}, {}});
    });
  });
}

void handle_events(const exchange_ptr& x) {
  with_user(x, [x](const user_id& user) { answer_history(x, log_id::of(user)); });
}

void handle_room_events(const exchange_ptr& x) {
  with_principal(x, [x](const principal& who) {
    auto name = x->parameter(0);
    if (!valid_room_id(name))
      return x->fail({errc::bad_request, "that is not a room"});
    if (!may_join(who, room_id{name}))
      return x->fail({errc::forbidden, "the room is not yours"});
    answer_history(x, log_id::of(room_id{std::move(name)}));
  });
}

void handle_event(const exchange_ptr& x) {
  with_principal(x, [x](const principal& who) {
    auto named = x->head().parameter("userId").value_or(std::string{});
    auto user = named.empty() ? who.user : user_id{std::move(named)};
    if (!user.empty() && (!valid_user_id(user.str()) || !may_act_for(who, user)))
      return x->fail({errc::forbidden, "this is somebody else's"});
    auto found = stream_cursor::event_of(x->parameter(0), user);
    if (!found || (found->first.kind == log_kind::user && user.empty()))
      return x->fail({errc::not_found, "there is no such event"});
    if (found->first.kind == log_kind::room && !may_join(who, room_id{found->first.name}))
      return x->fail({errc::forbidden, "the event is of a room that is not yours"});
    x->core().find_event(found->first, found->second, [x](result<event_ptr> e) {
      if (!e)
        return x->fail_inside(e.error());
      if (!*e)
        return x->fail({errc::not_found, "there is no such event"});
      std::string out;
      append_envelope(out, **e, id_of(**e), true);
      x->answer_json(200, std::move(out));
    });
  });
}

void handle_registrations(const exchange_ptr& x) {
  with_principal(x, [x](const principal& who) {
    auto user = x->parameter(0);
    if (!valid_user_id(user))
      return x->fail({errc::bad_request, "that is not a user id"});
    if (!may_act_for(who, user_id{user}))
      return x->fail({errc::forbidden, "this is somebody else's"});
    answer_inspection(x, "registrations/" + user);
  });
}

void handle_monitoring(const exchange_ptr& x) {
  with_user(x, [x](const user_id& user) { answer_inspection(x, "monitoring/" + user.str()); });
}

} // namespace lapwing::net
