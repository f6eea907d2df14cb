#include "sim/options.hpp"

namespace lapwing::sim {

void lift_limits(world_options& of) {
  of.spotify_calls_per_30s = 0;
  of.youtube_units_per_day = 0;
  of.github_calls_per_hour = 0;
  of.discord_calls_per_second = 0;
  of.discord_guild_calls_per_5s = 0;
  of.slack_history_per_minute = 0;
  of.slack_history_limit = 0;
  of.slack_list_per_minute = 0;
  of.linkedin_calls_per_day = 0;
}

} // namespace lapwing::sim
