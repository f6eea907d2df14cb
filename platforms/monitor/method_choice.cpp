#include "platforms/monitor/method_choice.hpp"

#include <algorithm>

#include "core/json_text.hpp"
#include "platforms/monitor/registration_run.hpp"

namespace lapwing {
namespace {

void append_text_or_null(std::string& out, std::string_view name, std::string_view text) {
  out += ",\"";
  out += name;
  out += "\":";
  if (text.empty())
    out += "null";
  else
    append_json_string(out, text);
}

/// Smaller is worse.
int rank(std::string_view status) noexcept {
  if (status == "failed")
    return 0;
  if (status == "expired")
    return 1;
  return status == "pending" ? 2 : 3;
}

} // namespace

std::string_view to_string_view(monitor_method method) noexcept {
  return method == monitor_method::webhook ? "webhook" : "polling";
}

std::string_view to_string_view(connection_status status) noexcept {
  switch (status) {
  case connection_status::connected: return "connected";
  case connection_status::degraded: return "degraded";
  case connection_status::needs_reauth: return "needs_reauth";
  case connection_status::disconnected: return "disconnected";
  }
  return "disconnected";
}

method_means means_of(const platform_spec& spec) {
  bool registers = spec.registration.style != registration_style::none;
  // Deliveries that tell nothing of what is polled (Discord's) are no other way to it.
  return {registers || !spec.webhook.covers.empty(), registers, spec.webhook.quiet_after};
}

std::string status_data_json(std::string_view platform, const status_report& report) {
  std::string out = "{\"platform\":";
  append_json_string(out, platform);
  out += ",\"status\":";
  append_json_string(out, to_string_view(report.status));
  out += ",\"method\":";
  append_json_string(out, to_string_view(report.method));
  append_text_or_null(out, "cause", report.cause);
  append_text_or_null(out, "remedy", report.remedy);
  return out + '}';
}

registrations_state worst_of(const std::vector<registration>& all, timestamp now) {
  registrations_state out;
  for (auto one : all) {
    expire(one, now);
    if (one.last_delivery && (!out.last_delivery || *one.last_delivery > *out.last_delivery))
      out.last_delivery = one.last_delivery;
    auto details = registration_details::of(one);
    out.active_since = std::max(out.active_since, details.active_since);
    out.news_at = std::max(out.news_at, details.news_at);
    if (out.status.empty() || rank(one.status) < rank(out.status)) {
      out.status = one.status;
      out.cause = one.cause;
    }
  }
  return out;
}

method_choice::method_choice(method_means means, timestamp now)
    : means_(means), trusted_since_(now) {}

void method_choice::restore(const registrations_state& earlier, std::string_view cause,
                            timestamp now) {
  if (cause == "webhooks_quiet")
    doubt_ = doubt::quiet;
  else if (cause == "signature_failures")
    doubt_ = doubt::signatures;
  registration_ = earlier.status;
  registration_cause_ = earlier.cause;
  last_delivery_ = earlier.last_delivery;
  trusted_since_ = earlier.active_since.value_or(now);
  news_at_ = earlier.news_at;
  is_proven_ = last_delivery_ && *last_delivery_ >= trusted_since_ && registration_ != "expired";
  check(now);
}

std::optional<status_report> method_choice::registered(std::string_view status,
                                                       std::string_view cause,
                                                       std::string_view remedy,
                                                       std::optional<timestamp> last_delivery,
                                                       timestamp now) {
  bool is_new = status == "active" && registration_ != "active";
  if (status != registration_ && status != "active")
    is_proven_ = false;
  registration_ = status;
  registration_cause_ = cause;
  registration_remedy_ = remedy;
  if (last_delivery && (!last_delivery_ || *last_delivery > *last_delivery_))
    last_delivery_ = last_delivery;
  if (is_new) {
    // A new registration begins with a clean slate, and with all the time it may be quiet.
    doubt_ = doubt::none;
    trusted_since_ = now;
    news_at_.reset();
    bad_signatures_ = 0;
  }
  return settle();
}

std::optional<status_report> method_choice::delivered(timestamp now) {
  last_delivery_ = now;
  bad_signatures_ = 0;
  news_at_.reset();
  // Somebody may have made the hook by hand; but what has ended may still be on its way.
  is_proven_ = registration_ != "expired";
  good_in_row_ = std::min(good_in_row_ + 1, trust_count);
  if (doubt_ == doubt::quiet || (doubt_ == doubt::signatures && good_in_row_ >= trust_count)) {
    doubt_ = doubt::none;
    trusted_since_ = now;
  }
  return settle();
}

std::optional<status_report> method_choice::misdelivered(timestamp) {
  good_in_row_ = 0;
  bad_signatures_ = std::min(bad_signatures_ + 1, bad_signatures_max);
  if (bad_signatures_ >= bad_signatures_max)
    doubt_ = doubt::signatures;
  return settle();
}

std::optional<status_report> method_choice::found_news(timestamp now,
                                                       std::optional<timestamp> since) {
  bool has_relied = told_.method == monitor_method::webhook;
  bool was_told = last_delivery_
                  && (now - *last_delivery_ < grace || (since && *last_delivery_ >= *since));
  // What may be older than the trust is nothing that had to be told of.
  bool may_be_older = since && *since < trusted_since_;
  if (has_relied && !was_told && !may_be_older && !news_at_)
    news_at_ = now;
  return check(now);
}

std::optional<timestamp> method_choice::doubt_at() const noexcept {
  // A clock that was set back leaves times in the future: they count as the news' own time.
  auto heard = std::max(trusted_since_, last_delivery_.value_or(trusted_since_));
  heard = std::min(heard, *news_at_);
  return std::max(*news_at_ + grace, heard + means_.quiet_after);
}

std::optional<status_report> method_choice::check(timestamp now) {
  if (news_at_ && *news_at_ > now)
    news_at_ = now; // The clock was set back.
  if (news_at_ && now >= *doubt_at()) {
    news_at_.reset();
    doubt_ = doubt::quiet;
  }
  return settle();
}

std::optional<status_report> method_choice::settle() {
  status_report report;
  bool has_failed = registration_ == "failed" || registration_ == "expired";
  if (!means_.has_webhook) {
    report = {};
  } else if (means_.needs_registration && has_failed && !is_proven_) {
    report.status = connection_status::degraded;
    report.cause = registration_cause_.empty() ? "registration_failed" : registration_cause_;
    report.remedy = registration_remedy_;
  } else if (doubt_ == doubt::quiet) {
    report.status = connection_status::degraded;
    report.cause = "webhooks_quiet";
    report.remedy = "Nothing to do: polling goes on, and the registration is made again. If it "
                    "stays so, see that the platform can reach this server.";
  } else if (doubt_ == doubt::signatures) {
    report.status = connection_status::degraded;
    report.cause = "signature_failures";
    report.remedy = "The secret at the platform and the one here differ: the operator must set "
                    "the same, or the connection be made again.";
  } else if (is_proven_ || (means_.needs_registration ? registration_ == "active"
                                                      : last_delivery_.has_value())) {
    report.method = monitor_method::webhook;
  }
  if (report == told_)
    return std::nullopt;
  told_ = report;
  return report;
}

} // namespace lapwing
