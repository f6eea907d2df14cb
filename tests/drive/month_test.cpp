#define CAF_SUITE drive_month

#include <cstdlib>
#include <string>
#include <vector>

#include <caf/test/unit_test.hpp>

#include "tests/support/simulated_node.hpp"

using namespace lapwing;
using namespace std::chrono_literals;

namespace {

/// Larger runs: LAPWING_MONTH_USERS=1000 LAPWING_MONTH_DAYS=30.
unsigned setting(const char* name, unsigned otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : static_cast<unsigned>(std::strtoul(text, nullptr, 10));
}

std::vector<platform_spec> shipped() {
  environment env;
  for (const char* name : {"SPOTIFY", "GOOGLE", "GITHUB", "DISCORD", "SLACK", "LINKEDIN"}) {
    std::string lower = name;
    for (char& c : lower)
      c = static_cast<char>(c | 0x20);
    env[std::string{name} + "_CLIENT_ID"] = "sim-" + lower + "-id";
    env[std::string{name} + "_CLIENT_SECRET"] = "sim-" + lower + "-secret";
  }
  auto loaded = load_platforms("", env);
  CAF_REQUIRE(loaded.ok());
  for (auto& platform : loaded.platforms) {
    // The gap between users is for real providers; a simulated hour has only so many.
    platform.limits.user_gap_min = platform.limits.user_gap_max = 0ms;
    platform.limits.concurrency = 64;
  }
  return std::move(loaded.platforms);
}

sim::world_options options_of(std::uint64_t seed) {
  sim::world_options options;
  options.seed = seed;
  options.items_per_hour = 0.5;
  options.spotify_calls_per_30s = 0;
  options.youtube_units_per_day = 0;
  return options;
}

/// The simulator names what it shows by the provider's own word.
std::string data_type_of(sim::platform where, const std::string& shown) {
  if (where == sim::platform::gmail)
    return "messages";
  if (shown == "playlist_items")
    return "uploads";
  return shown;
}

struct totals {
  std::size_t produced = 0;
  std::size_t stored = 0;
  std::vector<std::string> missing;
};

/// Everything the platform showed since the person connected, against what is stored.
totals compare(const sim::world& world, simulated_node& node, sim::platform where,
               const std::string& user, timestamp since, timestamp until) {
  totals out;
  for (const auto& item : world.produced(where, user, since)) {
    if (item.at > until)
      continue;
    ++out.produced;
    std::string key;
    for (const auto& part : item.key)
      key += (key.empty() ? "" : "|") + part;
    auto type = data_type_of(where, item.endpoint);
    auto of = connection_key{user_id{user}, platform_id{sim::name_of(where)}};
    if (where == sim::platform::linkedin) {
      // The key is a digest of the profile, and of two changes within a day only the last is there to
      // be read: all that can be asked is that something was kept.
      out.stored += node.store().item_count(of, type) > 0 ? 1 : 0;
      continue;
    }
    if (type == "uploads") // The playlist is part of the key.
      key = "UU" + world.resources(where, user).front().substr(2) + '|' + key;
    if (node.store().has_item(of, type, key))
      ++out.stored;
    else if (out.missing.size() < 3)
      out.missing.push_back(item.endpoint + " " + key + " of " + to_rfc3339(item.at));
  }
  return out;
}

} // namespace

CAF_TEST(a simulated month passes without a lost item or an avoidable end of a connection) {
  const auto users = setting("LAPWING_MONTH_USERS", 3);
  const auto days = setting("LAPWING_MONTH_DAYS", 30);
  sim::world world{options_of(7)};
  simulated_node node{world, shipped(), 11};
  const auto begin = world.now();
  std::vector<std::string> names;
  for (unsigned i = 0; i < users; ++i) {
    names.push_back("user-" + std::to_string(i));
    world.add_user(names.back());
    for (auto where : sim::all_platforms)
      node.connect(where, names.back());
  }
  node.run_until(begin + std::chrono::hours{24 * days});
  // What is younger than the longest interval may not have been polled yet.
  const auto settled = node.now() - 26h;
  for (auto where : sim::all_platforms) {
    const auto& counted = world.stats().of(where);
    CAF_MESSAGE(sim::name_of(where) << ": " << counted.calls << " calls, " << counted.refreshes
                                    << " refreshes, " << counted.invalid_tokens
                                    << " with a bad token");
    CAF_CHECK(counted.calls > 0);
    CAF_CHECK_EQUAL(counted.invalid_tokens, 0u);
    CAF_CHECK_EQUAL(counted.reuse_detected, 0u);
    CAF_CHECK_EQUAL(counted.refreshes_refused, 0u);
    for (const auto& user : names) {
      auto seen = compare(world, node, where, user, begin, settled);
      CAF_CHECK_EQUAL(seen.stored, seen.produced);
      for (const auto& what : seen.missing)
        CAF_MESSAGE(sim::name_of(where) << " missed " << what);
    }
  }
  for (const auto& [status, count] : node.statuses)
    CAF_MESSAGE(status << " " << count);
  CAF_CHECK_EQUAL(node.statuses["\"status\":\"needs_reauth\""], 0u);
}
