#include "sim/github.hpp"

#include <algorithm>

#include "sim/json_writer.hpp"

namespace lapwing::sim::github {
namespace {

using std::chrono::hours;

constexpr std::size_t events_max = 300;
constexpr hours events_age{30 * 24};
constexpr std::int64_t epoch_2020_ms = 1'577'836'800'000;

window_counter& calls_of(world_state& state, const call& from) {
  std::uint64_t key = UINT64_MAX; // Without a token: by address, and there is only one.
  if (from.grant != nobody)
    key = std::uint64_t{state.grants.at(from.grant).application} << 32 | from.person;
  return state.github_calls[key];
}

std::uint32_t maximum_of(const world_state& state, const call& from) {
  auto maximum = state.options.github_calls_per_hour;
  return from.grant != nobody || maximum == 0 ? maximum : 60;
}

std::string_view type_name(activity what) {
  switch (what) {
    case activity::push: return "PushEvent";
    case activity::issue: return "IssuesEvent";
    case activity::pull_request: return "PullRequestEvent";
    case activity::star: return "WatchEvent";
    case activity::release: return "ReleaseEvent";
    case activity::fork: return "ForkEvent";
  }
  return "PushEvent";
}

std::string seconds_text(std::int64_t ms) {
  // GitHub's times have no decimals.
  return to_rfc3339(from_ms(ms)).substr(0, 19) + 'Z';
}

void add_payload(json_writer& json, const account& which, std::size_t index) {
  json.object("payload");
  switch (activity_of(which, index)) {
    case activity::push:
      json.field("ref", "refs/heads/main").field("size", 1).field("head", commit_sha(which, index));
      break;
    case activity::issue:
      json.field("action", "opened").object("issue").field("number", index);
      json.field("title", "Issue " + std::to_string(index)).end();
      break;
    case activity::pull_request:
      json.field("action", "opened").field("number", index);
      break;
    case activity::star: json.field("action", "started"); break;
    case activity::release:
      json.field("action", "published").object("release");
      json.field("tag_name", "v" + std::to_string(index)).end();
      break;
    case activity::fork:
      json.object("forkee").field("id", which.item_seed(index) >> 34).end();
      break;
  }
  json.end();
}

/// Pages after the first are reached by the person's number.
std::optional<std::uint32_t> find_number(const world_state& state, std::string_view text) {
  auto number = parse_integer(text);
  for (std::uint32_t i = 0; number && i < state.persons.count(); ++i)
    if (user_number(state.persons.at(i)) == static_cast<std::uint64_t>(*number))
      return i;
  return std::nullopt;
}

struct page {
  std::int64_t size = 30;
  std::int64_t number = 1;
};

page page_of(const call& from) {
  page out;
  if (auto text = from.query.find("per_page"))
    out.size = std::clamp<std::int64_t>(parse_integer(*text).value_or(30), 1, 100);
  if (auto text = from.query.find("page"))
    out.number = std::max<std::int64_t>(parse_integer(*text).value_or(1), 1);
  return out;
}

/// Answers 304 when the caller has this already; the body is only made when it has not.
template <class Body>
http_response tagged(const call& from, std::uint64_t version, Body body) {
  auto tag = "W/\"" + lower_hex(version, 16) + lower_hex(mix(version), 16) + '"';
  auto out = from.header("If-None-Match") == tag ? empty_answer(304) : json_answer(200, body());
  out.headers.emplace_back("ETag", tag);
  out.headers.emplace_back("Cache-Control", "private, max-age=60, s-maxage=60");
  return out;
}

} // namespace

http_response failed(int status, std::string_view message) {
  json_writer json;
  json.field("message", message).field("documentation_url", "https://docs.github.com/rest");
  json.field("status", std::to_string(status));
  return json_answer(status, json.text());
}

std::optional<http_response> admit(world_state& state, const call& from) {
  if (calls_of(state, from).take(from.now, hours{1}, maximum_of(state, from)))
    return std::nullopt;
  return failed(403, "API rate limit exceeded for user ID.");
}

void finish(world_state& state, const call& from, http_response& answer) {
  auto& calls = calls_of(state, from);
  auto maximum = maximum_of(state, from);
  if (maximum == 0)
    return;
  if (answer.status == 304)
    calls.give_back(); // Costs nothing.
  auto used = std::min(calls.used(), maximum);
  answer.headers.emplace_back("X-RateLimit-Limit", std::to_string(maximum));
  answer.headers.emplace_back("X-RateLimit-Remaining", std::to_string(maximum - used));
  answer.headers.emplace_back("X-RateLimit-Used", std::to_string(used));
  answer.headers.emplace_back(
    "X-RateLimit-Reset",
    std::to_string(
      std::chrono::ceil<std::chrono::seconds>(calls.end()).time_since_epoch().count()));
  answer.headers.emplace_back("X-RateLimit-Resource", "core");
}

http_response user(world_state& state, call& from) {
  const auto& who = state.persons.at(from.person);
  json_writer json;
  json.field("login", who.login).field("id", user_number(who)).field("type", "User");
  json.field("name", who.name).field("url", state.origin("api.github.com") + "/users/" + who.login);
  auto body = json.text();
  return tagged(from, hash_of(body), [&] { return body; });
}

http_response user_events(world_state& state, call& from) {
  auto owner = from.path.starts_with("/users/") ? state.persons.find_login(from.captured[0])
                                                : find_number(state, from.captured[0]);
  if (!owner)
    return failed(404, "Not Found");
  const auto& who = state.persons.at(*owner);
  const auto& which = who.accounts[index_of(platform::github)];
  auto at = page_of(from);
  auto first = static_cast<std::size_t>((at.number - 1) * at.size);
  if (first >= events_max)
    return failed(422, "In order to keep the API fast for everyone, pagination is limited for "
                       "this resource.");
  // Visible: not younger than the feed's lag, not older than thirty days, at most 300.
  auto end_time = to_ms(from.now - state.options.github_feed_lag);
  auto begin_time = to_ms(from.now - events_age);
  auto end = static_cast<std::size_t>(
    std::upper_bound(which.times.begin(), which.times.end(), end_time) - which.times.begin());
  auto begin = static_cast<std::size_t>(
    std::lower_bound(which.times.begin(), which.times.end(), begin_time) - which.times.begin());
  begin = std::max(begin, end > events_max ? end - events_max : 0);
  auto count = end > begin ? end - begin : 0;
  auto version =
    mix(mix(which.seed, end), mix(begin, mix(first, static_cast<std::uint64_t>(at.size))));
  auto out = tagged(from, version, [&] {
    json_writer json{'['};
    for (auto i = first; i < std::min(count, first + static_cast<std::size_t>(at.size)); ++i) {
      auto index = end - 1 - i;
      json.object().field("id", event_id(which, index));
      json.field("type", type_name(activity_of(which, index)));
      json.object("actor").field("id", user_number(who)).field("login", who.login).end();
      auto repository = repository_of(which, index);
      json.object("repo")
        .field("id", which.seed % 100'000'000 + repository)
        .field("name", repository_name(who, repository))
        .end();
      add_payload(json, which, index);
      json.field("public", true).field("created_at", seconds_text(which.times[index])).end();
    }
    return json.text();
  });
  out.headers.emplace_back("X-Poll-Interval",
                           std::to_string(state.options.github_poll_interval.count()));
  auto last_page = static_cast<std::int64_t>((count + static_cast<std::size_t>(at.size) - 1)
                                             / static_cast<std::size_t>(at.size));
  if (at.number < last_page) {
    auto link = [&](std::int64_t number, std::string_view relation) {
      return '<' + state.origin("api.github.com") + "/user/" + std::to_string(user_number(who))
             + "/events?per_page=" + std::to_string(at.size) + "&page=" + std::to_string(number)
             + ">; rel=\"" + std::string{relation} + '"';
    };
    out.headers.emplace_back("Link", link(at.number + 1, "next") + ", " + link(last_page, "last"));
  }
  return out;
}

http_response user_repositories(world_state& state, call& from) {
  const auto& who = state.persons.at(from.person);
  const auto& which = who.accounts[index_of(platform::github)];
  std::array<std::int64_t, repository_count> pushed{};
  for (std::size_t i = 0; i < which.times.size(); ++i)
    if (activity_of(which, i) == activity::push)
      pushed[repository_of(which, i)] = which.times[i];
  std::array<std::size_t, repository_count> order{};
  for (std::size_t i = 0; i < order.size(); ++i)
    order[i] = i;
  std::sort(order.begin(), order.end(), [&](auto a, auto b) { return pushed[a] > pushed[b]; });
  auto at = page_of(from);
  auto first = static_cast<std::size_t>((at.number - 1) * at.size);
  json_writer json{'['};
  for (auto i = first; i < std::min(order.size(), first + static_cast<std::size_t>(at.size)); ++i) {
    auto full_name = repository_name(who, order[i]);
    json.object()
      .field("id", which.seed % 100'000'000 + order[i])
      .field("name", full_name.substr(full_name.find('/') + 1))
      .field("full_name", full_name)
      .field("private", false);
    json.object("owner").field("login", who.login).field("id", user_number(who)).end();
    json.object("permissions").field("admin", true).field("push", true).field("pull", true).end();
    if (pushed[order[i]] == 0)
      json.null("pushed_at");
    else
      json.field("pushed_at", seconds_text(pushed[order[i]]));
    json.end();
  }
  auto body = json.text();
  auto out = tagged(from, hash_of(body), [&] { return body; });
  if (first + static_cast<std::size_t>(at.size) < order.size())
    out.headers.emplace_back("Link", '<' + state.origin("api.github.com")
                                       + "/user/repos?per_page=" + std::to_string(at.size)
                                       + "&page=" + std::to_string(at.number + 1)
                                       + ">; rel=\"next\"");
  return out;
}

activity activity_of(const account& which, std::size_t index) noexcept {
  switch (which.item_seed(index) % 10) {
    case 6: return activity::issue;
    case 7: return activity::pull_request;
    case 8: return activity::star;
    case 9: return which.item_seed(index) % 20 == 9 ? activity::release : activity::fork;
    default: return activity::push;
  }
}

std::size_t repository_of(const account& which, std::size_t index) noexcept {
  return (which.item_seed(index) >> 20) % repository_count;
}

std::string repository_name(const person& who, std::size_t repository) {
  return who.login + "/repo-" + std::to_string(repository);
}

std::string event_id(const account& which, std::size_t index) {
  return std::to_string((which.times[index] - epoch_2020_ms) * 1000
                        + static_cast<std::int64_t>(which.seed % 1000));
}

std::uint64_t user_number(const person& who) noexcept {
  return who.accounts[index_of(platform::github)].seed % 200'000'000;
}

std::string commit_sha(const account& which, std::size_t index) {
  auto seed = which.item_seed(index);
  return lower_hex(mix(seed, 1), 16) + lower_hex(mix(seed, 2), 16) + lower_hex(mix(seed, 3), 8);
}

void truth(const account& which, std::vector<produced_item>& out) {
  for (std::size_t i = 0; i < which.times.size(); ++i)
    out.push_back({"user_events", {event_id(which, i)}, from_ms(which.times[i])});
}

} // namespace lapwing::sim::github
