#include "app/connection_doctor.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "platforms/monitor/connection_report.hpp"
#include "platforms/oauth/token_memory.hpp"

namespace lapwing {
namespace {

using json = nlohmann::ordered_json;

bool is_told(const json& list, std::string_view platform) {
  return std::ranges::any_of(list, [&](const json& one) {
    auto named = one.find("platform");
    return named != one.end() && named->is_string()
           && named->get_ref<const std::string&>() == platform;
  });
}

std::string report_of(const loaded_connection& one, const platform_spec* spec, timestamp now) {
  connection_report report;
  report.platform = one.at.platform.str();
  report.title = spec != nullptr ? std::string_view{spec->title} : report.platform;
  report.connection = &one;
  report.now = now;
  report.has_webhook = spec != nullptr && !spec->webhook.scheme.empty();
  if (spec != nullptr) {
    // As its driver would say when it wakes.
    method_choice choice{means_of(*spec), now};
    choice.restore(worst_of(one.registrations, now), one.at.cause, now);
    report.status = choice.report();
  }
  std::string trouble;
  if (const auto failure = stored_trouble(one.at))
    report.last_error = trouble = "token endpoint: " + failure->code;
  std::string reconnect;
  if (one.at.status == connection_status::needs_reauth)
    reconnect = "/api/oauth/" + one.at.platform.str() + "/authorize";
  report.reconnect_url = reconnect;
  return connection_json(report);
}

} // namespace

std::string with_sleeping_connections(std::string document, std::string_view name,
                                      const std::vector<loaded_connection>& stored,
                                      const std::vector<platform_spec>& platforms, timestamp now) {
  auto all = json::parse(document, nullptr, false);
  auto list = all.is_object() ? all.find(name) : all.end();
  if (list == all.end() || !list->is_array())
    return document;
  for (const auto& one : stored) {
    if (one.at.status == connection_status::disconnected || is_told(*list, one.at.platform.str()))
      continue;
    auto spec = std::ranges::find(platforms, one.at.platform, &platform_spec::name);
    list->push_back(
      json::parse(report_of(one, spec == platforms.end() ? nullptr : &*spec, now), nullptr, false));
  }
  return all.dump();
}

} // namespace lapwing
