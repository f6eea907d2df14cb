#include "platforms/drive/connection_news.hpp"

#include <algorithm>
#include <utility>

#include "core/json_text.hpp"

namespace lapwing {
namespace {

publish_request news_of(const connection_key& of, std::string type, std::string message) {
  publish_request out;
  out.target = log_id::of(of.user);
  out.source = "status:" + of.platform.str();
  out.draft.type = std::move(type);
  out.draft.platform = of.platform.str();
  out.draft.message = std::move(message);
  return out;
}

} // namespace

publish_request status_news(const connection_key& of, const status_report& report,
                            std::string message, std::string delivery_id) {
  auto out = news_of(of, "connection_status", std::move(message));
  out.draft.data = status_data_json(of.platform.str(), report);
  auto& extras = out.draft.extras;
  extras = "\"status\":";
  append_json_string(extras, to_string_view(report.status));
  extras += ",\"reason\":";
  append_json_string(extras, report.cause);
  out.delivery_id = std::move(delivery_id);
  return out;
}

publish_request sync_news(const connection_key& of, std::chrono::milliseconds took,
                          std::size_t items) {
  auto out = news_of(of, "platform_sync", of.platform.str() + " data synced successfully");
  out.draft.data = "{\"durationMs\":" + std::to_string(std::max<std::int64_t>(took.count(), 0))
                   + ",\"items\":" + std::to_string(items) + '}';
  // A sync without news is worth a word to who watches, not a place in the history.
  out.ephemeral = items == 0;
  return out;
}

publish_request refresh_news(const connection_key& of, const std::string& title) {
  auto out = news_of(of, "token_refresh", title + " access was renewed");
  out.ephemeral = true;
  return out;
}

std::string sentence_of(const status_report& report, const std::string& title) {
  if (report.status == connection_status::connected)
    return report.method == monitor_method::webhook ? title + " tells of news at once, by webhook"
                                                    : title + " is read by polling";
  if (report.cause == "webhooks_quiet")
    return title + ": webhooks went quiet; polling goes on, more often";
  if (report.cause == "signature_failures")
    return title + ": deliveries come with a wrong signature; polling goes on, more often";
  return title + ": webhooks cannot be had now; polling goes on";
}

} // namespace lapwing
