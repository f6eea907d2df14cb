#include "app/logging.hpp"

#include <spdlog/async.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

namespace lapwing {

void start_logging(const log_config& settings) {
  spdlog::init_thread_pool(8192, 1);
  auto logger = spdlog::create_async_nb<spdlog::sinks::stderr_color_sink_mt>("lapwing");
  if (settings.format == "json")
    // Messages hold ids and numbers; what could need escaping is kept out of them.
    logger->set_pattern(
      R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l","thread":%t,"message":"%v"})",
      spdlog::pattern_time_type::utc);
  else
    logger->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %^%-5l%$ %v", spdlog::pattern_time_type::utc);
  spdlog::set_default_logger(std::move(logger));
  set_log_level(settings.level);
  spdlog::flush_on(spdlog::level::warn);
}

bool set_log_level(const std::string& level) {
  for (auto* known : {"trace", "debug", "info", "warn", "error"})
    if (level == known) {
      spdlog::set_level(spdlog::level::from_str(level));
      return true;
    }
  return false;
}

} // namespace lapwing
