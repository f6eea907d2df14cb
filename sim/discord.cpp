#include "sim/discord.hpp"

#include <algorithm>

#include "sim/callback.hpp"
#include "sim/json_writer.hpp"

namespace lapwing::sim::discord {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::size_t guilds_at_once = 150; // Then the oldest is left for each new one.
constexpr std::uint32_t refused_max = 10'000;
constexpr minutes refused_window{10};
constexpr minutes retry_time{10};
constexpr std::int64_t epoch_ms = 1'420'070'400'000;

/// 42 bits of time, then what tells apart; snowflakes grow with time.
std::string snowflake(std::int64_t ms, std::uint64_t seed) {
  return std::to_string((static_cast<std::uint64_t>(ms - epoch_ms) << 22) | (seed & 0x3fffff));
}

std::string guild_id(const account& which, std::size_t index) {
  return snowflake(which.times[index], which.item_seed(index));
}

std::string user_id(const person& who) {
  const auto& which = who.accounts[index_of(platform::discord)];
  return snowflake(epoch_ms + 100'000'000'000, which.seed);
}

std::string decimal(double value) {
  auto text = std::to_string(static_cast<std::int64_t>(value * 1000 + 0.5));
  text.insert(0, text.size() < 4 ? 4 - text.size() : 0, '0');
  return text.insert(text.size() - 3, ".");
}

/// Takes one call of the bucket; the answer's headers tell what is left.
std::optional<http_response> admit(world_state& state, call& from, window_counter& bucket,
                                   seconds window, std::uint32_t maximum, std::string_view name,
                                   http_headers& headers) {
  auto& global = state.discord_calls[state.grants.at(from.grant).application];
  if (!global.take(from.now, seconds{1}, state.options.discord_calls_per_second))
    return limited(std::chrono::duration<double>(global.end() - from.now).count(), true, "global");
  bool fits = bucket.take(from.now, window, maximum);
  auto left = std::chrono::duration<double>(bucket.end() - from.now).count();
  headers.emplace_back("X-RateLimit-Limit", std::to_string(maximum));
  headers.emplace_back("X-RateLimit-Remaining",
                       std::to_string(fits ? maximum - std::min(bucket.used(), maximum) : 0));
  headers.emplace_back("X-RateLimit-Reset",
                       decimal(static_cast<double>(to_ms(bucket.end())) / 1000));
  headers.emplace_back("X-RateLimit-Reset-After", decimal(left));
  headers.emplace_back("X-RateLimit-Bucket", lower_hex(hash_of(name), 16));
  if (fits)
    return std::nullopt;
  auto out = limited(left, false, "user");
  out.headers.insert(out.headers.end(), headers.begin(), headers.end());
  return out;
}

/// The ping with the bad signature.
bool is_trap(const pending_delivery& what) {
  return what.kind == delivery_kind::discord_ping && what.part == 1;
}

http_response with(http_response out, const http_headers& headers) {
  out.headers.insert(out.headers.end(), headers.begin(), headers.end());
  return out;
}

/// What a webhook event says; the items of these deliveries are grants.
std::string event_body(const world_state& state, const pending_delivery& what) {
  json_writer json;
  json.field("version", 1).field("application_id", "1").field("type", 1);
  json.object("event")
    .field("type", what.part == 0 ? "APPLICATION_AUTHORIZED" : "APPLICATION_DEAUTHORIZED")
    .field("timestamp", to_rfc3339(what.first_due))
    .object("data");
  const auto& who = state.persons.at(what.person);
  if (what.part == 0)
    json.field("integration_type", 1).array("scopes").value("identify").value("guilds").end();
  json.object("user").field("id", user_id(who)).field("username", who.login);
  return json.text();
}

void send(world_state& state, delivery_kind kind, std::uint32_t person, std::uint32_t part) {
  if (state.options.discord_events_url.empty())
    return;
  pending_delivery what;
  what.kind = kind;
  what.where = platform::discord;
  what.person = person;
  what.part = part;
  what.message = state.next_message++;
  state.deliver(what, state.delivery_delay());
}

} // namespace

http_response failed(int status, int code, std::string_view message) {
  json_writer json;
  json.field("message", message).field("code", code);
  return json_answer(status, json.text());
}

http_response limited(double wait, bool global, std::string_view scope) {
  json_writer json;
  json.field("message", "You are being rate limited.").raw("retry_after", decimal(wait));
  json.field("global", global);
  auto out = json_answer(429, json.text());
  out.headers.emplace_back("Retry-After",
                           std::to_string(static_cast<std::int64_t>(std::ceil(wait))));
  if (global)
    out.headers.emplace_back("X-RateLimit-Global", "true");
  out.headers.emplace_back("X-RateLimit-Scope", scope);
  return out;
}

bool banned(world_state& state, timestamp now) {
  return state.discord_refused.end() > now && state.discord_refused.used() >= refused_max;
}

void count_refused(world_state& state, const http_response& answer, timestamp now) {
  bool counts = answer.status == 401 || answer.status == 403
                || (answer.status == 429 && answer.header("X-RateLimit-Scope") != "shared");
  if (counts)
    state.discord_refused.take(now, refused_window, 0);
}

http_response me(world_state& state, call& from) {
  http_headers headers;
  if (auto out = admit(state, from, state.discord_buckets[from.person].me, seconds{30}, 30, "me",
                       headers))
    return *out;
  const auto& who = state.persons.at(from.person);
  json_writer json;
  json.field("id", user_id(who)).field("username", who.login).field("global_name", who.name);
  json.field("discriminator", "0").null("avatar");
  return with(json_answer(200, json.text()), headers);
}

http_response guilds(world_state& state, call& from) {
  http_headers headers;
  if (auto out = admit(state, from, state.discord_buckets[from.person].guilds, seconds{5},
                       state.options.discord_guild_calls_per_5s, "guilds", headers))
    return *out;
  auto limit = from.query.has("limit") ? parse_integer(from.query.get("limit")) : 200;
  auto after = from.query.has("after") ? parse_integer(from.query.get("after")) : 0;
  auto before = from.query.has("before") ? parse_integer(from.query.get("before")) : INT64_MAX;
  if (!limit || *limit < 1 || *limit > 200 || !after || !before)
    return with(failed(400, 50035, "Invalid Form Body"), headers);
  const auto& which = state.persons.account_of(from.person, platform::discord);
  bool counts = from.query.get("with_counts") == "true";
  json_writer json{'['};
  auto first = which.times.size() > guilds_at_once ? which.times.size() - guilds_at_once : 0;
  for (auto i = first; i < which.times.size() && *limit > 0; ++i) {
    auto id = guild_id(which, i);
    auto number = *parse_integer(id);
    if (number <= *after || number >= *before)
      continue;
    json.object().field("id", id).field("name", "Guild " + id.substr(id.size() - 5));
    json.null("icon").null("banner").field("owner", false).field("permissions", "36953089");
    json.array("features").end();
    if (counts)
      json.field("approximate_member_count", which.item_seed(i) % 5000)
        .field("approximate_presence_count", which.item_seed(i) % 500);
    json.end();
    --*limit;
  }
  return with(json_answer(200, json.text()), headers);
}

void truth(const account& which, std::vector<produced_item>& out) {
  for (std::size_t i = 0; i < which.times.size(); ++i)
    out.push_back({"guilds", {guild_id(which, i)}, from_ms(which.times[i])});
}

std::optional<http_request> request_of(world_state& state, const pending_delivery& what) {
  const auto& url = state.options.discord_events_url;
  if (url.empty())
    return std::nullopt;
  http_request out;
  out.method = "POST";
  out.url = with_user(url, state.name_of_person(what.person));
  out.body = what.kind == delivery_kind::discord_ping
               ? R"({"version":1,"application_id":"1","type":0})"
               : event_body(state, what);
  auto time = std::to_string(to_seconds(state.now));
  auto signature = state.discord_key->sign(time + out.body);
  if (what.bad_signature || is_trap(what))
    signature[0] = static_cast<char>(signature[0] ^ 1);
  out.headers = {{"Content-Type", "application/json"},
                 {"User-Agent", "Discord-Webhook/1.0 (+https://discord.com)"},
                 {"X-Signature-Ed25519", lower_hex(signature)},
                 {"X-Signature-Timestamp", time}};
  out.timeout = seconds{3};
  return out;
}

void finished(world_state& state, const pending_delivery& what, const http_response* answer) {
  bool taken = answer != nullptr && answer->status == 204;
  if (what.kind == delivery_kind::discord_ping) {
    if (is_trap(what) ? answer == nullptr || answer->status != 401 : !taken)
      state.options.discord_events_url.clear();
    return;
  }
  if (taken)
    return;
  auto wait = seconds{1u << std::min<std::uint32_t>(what.attempt, 8)};
  if (state.now + wait > what.first_due + retry_time)
    return;
  auto again = what;
  ++again.attempt;
  state.deliver(again, wait);
}

void tell_of_revocation(world_state& state, const grant& which) {
  if (which.at == provider::discord)
    send(state, delivery_kind::discord_event, which.person, 1);
}

void tell_of_consent(world_state& state, const grant& which) {
  if (which.at == provider::discord)
    send(state, delivery_kind::discord_event, which.person, 0);
}

void verify_address(world_state& state, std::uint32_t person) {
  send(state, delivery_kind::discord_ping, person, 0);
  send(state, delivery_kind::discord_ping, person, 1);
}

} // namespace lapwing::sim::discord
