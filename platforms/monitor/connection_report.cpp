#include "platforms/monitor/connection_report.hpp"

#include <algorithm>

#include "core/json_text.hpp"

namespace lapwing {
namespace {

class object_writer {
public:
  explicit object_writer(std::string& out) : out_(out) { out_ += '{'; }

  void text(std::string_view name, std::string_view value) {
    key(name);
    append_json_string(out_, value);
  }
  void text_or_null(std::string_view name, std::string_view value) {
    if (value.empty())
      raw(name, "null");
    else
      text(name, value);
  }
  void time(std::string_view name, const std::optional<timestamp>& value) {
    text_or_null(name, value ? to_rfc3339(*value) : std::string{});
  }
  void number(std::string_view name, std::uint64_t value) {
    key(name);
    append_number(out_, value);
  }
  void raw(std::string_view name, std::string_view json) {
    key(name);
    out_ += json;
  }
  void end() { out_ += '}'; }

private:
  void key(std::string_view name) {
    if (out_.back() != '{')
      out_ += ',';
    append_json_string(out_, name);
    out_ += ':';
  }

  std::string& out_;
};

void keep_soonest(std::optional<timestamp>& soonest, const std::optional<timestamp>& time) {
  if (time && (!soonest || *time < *soonest))
    soonest = time;
}

void keep_latest(std::optional<timestamp>& latest, const std::optional<timestamp>& time) {
  if (time && (!latest || *time > *latest))
    latest = time;
}

std::string endpoints_json(const std::vector<poll_progress>& polls) {
  std::string out = "[";
  for (const auto& one : polls) {
    if (out.size() > 1)
      out += ',';
    object_writer object{out};
    object.text("id", one.endpoint);
    object.time("lastPoll", one.last_poll);
    object.time("nextPoll", one.due);
    object.number("failures", one.failure_count);
    object.end();
  }
  return out + ']';
}

std::string registrations_json(const std::vector<registration>& all) {
  std::string out = "[";
  for (const auto& one : all) {
    if (out.size() > 1)
      out += ',';
    object_writer object{out};
    object.text("resource", one.resource);
    object.text("status", one.status);
    object.text_or_null("cause", one.cause);
    object.time("expiresAt", one.expires_at);
    object.time("nextRenewal", one.renew_at);
    object.time("lastDelivery", one.last_delivery);
    object.end();
  }
  return out + ']';
}

/// The connection's own trouble (a dead grant) comes before that of its webhooks.
struct diagnosis {
  std::string_view state;
  std::string_view cause;
  std::string message;
  std::string remedy;
};

diagnosis diagnose(const connection_report& report) {
  if (!report.connection)
    return {report.last_webhook ? "connected" : "idle", {}, {}, {}};
  const auto& at = report.connection->at;
  bool is_own = at.status == connection_status::needs_reauth
                || at.status == connection_status::disconnected
                || (at.status == connection_status::degraded && report.status.cause.empty());
  if (!is_own)
    return {to_string_view(report.status.status), report.status.cause, at.message,
            report.status.remedy};
  std::string remedy;
  if (at.status == connection_status::needs_reauth) {
    remedy = "Connect again; all settings and what was read stay.";
    if (!report.reconnect_url.empty())
      remedy += ' ' + std::string{report.reconnect_url};
  }
  return {to_string_view(at.status), at.cause, at.message, std::move(remedy)};
}

/// Of the webhooks: none, waiting, or what the registrations are.
std::string webhook_status(const connection_report& report) {
  if (!report.has_webhook)
    return "none";
  if (report.connection && !report.connection->registrations.empty())
    return worst_of(report.connection->registrations, report.now).status;
  return report.last_webhook ? "active" : "waiting";
}

} // namespace

std::string connection_json(const connection_report& report) {
  auto found = diagnose(report);
  std::optional<timestamp> last_poll;
  std::optional<timestamp> next_poll = report.next_poll;
  std::optional<timestamp> expires_at;
  std::optional<timestamp> renewal;
  auto last_webhook = report.last_webhook;
  if (report.connection) {
    for (const auto& one : report.connection->polls) {
      keep_latest(last_poll, one.last_poll);
      if (!report.next_poll)
        keep_soonest(next_poll, one.due);
    }
    for (const auto& one : report.connection->registrations) {
      keep_soonest(expires_at, one.expires_at);
      keep_soonest(renewal, one.renew_at);
      keep_latest(last_webhook, one.last_delivery);
    }
  }
  bool is_healthy = found.cause.empty() && report.last_error.empty()
                    && found.state != "needs_reauth" && found.state != "disconnected";

  std::string out;
  object_writer object{out};
  object.text("platform", report.platform);
  object.text("title", report.title);
  object.text("state", found.state);
  object.text("method", to_string_view(report.status.method));
  object.text("status", webhook_status(report));
  object.raw("healthy", is_healthy ? "true" : "false");
  object.text_or_null("cause", found.cause);
  object.text_or_null("message", found.message);
  object.text_or_null("remedy", found.remedy);
  object.time("lastWebhook", last_webhook);
  object.time("lastPoll", last_poll);
  object.time("nextPoll", next_poll);
  object.time("expiresAt", expires_at);
  object.time("nextRenewal", renewal);
  object.time("throttledUntil", report.throttled_until);
  if (report.connection) {
    const auto& at = report.connection->at;
    object.text_or_null("account", at.account);
    object.time("connectedAt", at.granted_at);
    object.time("lastSync", at.last_sync);
    object.time("tokenExpiresAt", at.tokens.expires_at);
    object.time("grantExpiresAt", at.tokens.grant_expires_at);
    object.raw("endpoints", endpoints_json(report.connection->polls));
    object.raw("registrations", registrations_json(report.connection->registrations));
  }
  object.number("deliveries", report.deliveries);
  object.number("duplicates", report.duplicates);
  object.number("failed", report.failed);
  object.text_or_null("lastError", report.last_error);
  object.end();
  return out;
}

} // namespace lapwing
