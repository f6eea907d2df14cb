#include "sim/linkedin.hpp"

#include "sim/json_writer.hpp"

namespace lapwing::sim::linkedin {
namespace {

/// An item is a change of the profile: the headline name gets a number.
std::string name_after(const person& who, std::size_t changes) {
  return who.name + " (" + std::to_string(changes) + ')';
}

std::string subject(const person& who) {
  return base62(who.accounts[index_of(platform::linkedin)].seed, 10);
}

} // namespace

http_response failed(int status, int service_code, std::string_view code,
                     std::string_view message) {
  json_writer json;
  json.field("status", status).field("serviceErrorCode", service_code).field("code", code);
  json.field("message", message);
  return json_answer(status, json.text());
}

http_response userinfo(world_state& state, call& from) {
  using namespace std::chrono;
  auto& calls = state.linkedin_calls[from.person];
  // The quota of a member ends at midnight UTC.
  auto left = ceil<days>(from.now + milliseconds{1}) - from.now;
  if (!calls.take(from.now, left, state.options.linkedin_calls_per_day))
    return failed(429, 101, "TOO_MANY_REQUESTS",
                  "Resource level throttle MEMBER DAY limit for calls to this resource is "
                  "reached.");
  const auto& who = state.persons.at(from.person);
  const auto& which = who.accounts[index_of(platform::linkedin)];
  auto hour = to_seconds(from.now) / 3600;
  json_writer json;
  json.field("sub", subject(who));
  json.field("name", name_after(who, which.times.size()));
  json.field("given_name", who.name).field("family_name", std::to_string(which.times.size()));
  // The address ends; only it changes from hour to hour.
  json.field("picture", "https://media.licdn.com/dms/image/" + subject(who)
                          + "?e=" + std::to_string((hour + 24) * 3600));
  json.object("locale").field("country", "DE").field("language", "de").end();
  json.field("email", who.login + "@example.com").field("email_verified", true);
  return json_answer(200, json.text());
}

void truth(const person& who, std::vector<produced_item>& out) {
  const auto& which = who.accounts[index_of(platform::linkedin)];
  for (std::size_t i = 0; i < which.times.size(); ++i)
    out.push_back({"userinfo", {subject(who), name_after(who, i + 1)}, from_ms(which.times[i])});
}

} // namespace lapwing::sim::linkedin
