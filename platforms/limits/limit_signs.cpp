#include "platforms/limits/limit_signs.hpp"

#include <algorithm>
#include <cctype>
#include <limits>

#include "platforms/limits/http_date.hpp"
#include "platforms/limits/midnight.hpp"
#include "platforms/poll/answer_class.hpp"
#include "platforms/poll/json_slice.hpp"

namespace lapwing {
namespace {

using namespace std::chrono;

/// Refusals are short; a long body is somebody's HTML page.
constexpr std::size_t refusal_bytes_max = 64 * 1024;

std::string_view header_of(const http_response& answer, const std::string& name) {
  return name.empty() ? std::string_view{} : answer.header(name);
}

bool same_text(std::string_view a, std::string_view b) {
  auto lower = [](char c) { return std::tolower(static_cast<unsigned char>(c)); };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return lower(x) == lower(y); });
}

std::optional<std::uint32_t> count_of(std::string_view text) {
  auto whole = parse_seconds(text); // The same rules.
  if (!whole)
    return std::nullopt;
  return static_cast<std::uint32_t>(
    std::min<std::int64_t>(whole->count() / 1000, std::numeric_limits<std::uint32_t>::max()));
}

class reader {
public:
  reader(const rate_limit_spec& spec, const http_response& answer, timestamp now)
    : spec_(spec), answer_(answer), now_(now) {
    // The server's seconds are cut off, so waits come out up to a second longer, never shorter.
    server_now_ = parse_http_date(answer.header("Date")).value_or(now);
    if (answer.status >= 400 && answer.body.size() <= refusal_bytes_max)
      if (auto root = json_slice::check(answer.body))
        body_ = *root;
  }

  limit_signs read(std::optional<limit_reach> refusal_reach, double chance) {
    auto problem = problem_of(answer_, spec_);
    signs_.is_success = !problem;
    signs_.window = window();
    signs_.bucket = header_of(answer_, spec_.bucket_header);
    if (problem && is_daily_quota(problem->reason)) {
      signs_.cause = limit_cause::daily_quota;
      signs_.reach = limit_reach::application;
      signs_.until = next_midnight(spec_.quota_zone, now_)
                     + milliseconds{static_cast<std::int64_t>(chance * 60'000)};
    } else if (problem && problem->kind == answer_failure::rate_limited) {
      refused(refusal_reach, problem->reason);
    } else if (answer_.status == 503) {
      outage();
    }
    note_invalid();
    return std::move(signs_);
  }

private:
  void refused(std::optional<limit_reach> given, std::string_view reason) {
    signs_.cause = limit_cause::refused;
    signs_.until = retry_after();
    // GitHub's primary limit: no Retry-After, nothing left until the reset.
    if (!signs_.until && signs_.window && signs_.window->remaining == 0) {
      signs_.cause = limit_cause::exhausted;
      signs_.until = signs_.window->reset;
    }
    if (given)
      signs_.reach = *given;
    else
      signs_.reach = signs_.window || reason == "userRateLimitExceeded" ? limit_reach::token
                                                                        : limit_reach::application;
    if (!spec_.bucket_header.empty())
      signs_.reach = bucketed_reach();
  }

  /// Discord says whom it means; a refusal that says nothing of the kind comes from the address
  /// guard in front of it.
  limit_reach bucketed_reach() const {
    auto scope = answer_.header("X-RateLimit-Scope");
    if (same_text(answer_.header("X-RateLimit-Global"), "true") || body_["global"].is_true()
        || same_text(scope, "global"))
      return limit_reach::token;
    bool is_its_own = !signs_.bucket.empty() || !scope.empty() || body_["global"].exists();
    return is_its_own ? limit_reach::endpoint : limit_reach::application;
  }

  void outage() {
    signs_.until = retry_after();
    if (!signs_.until)
      return;
    signs_.cause = limit_cause::outage;
    signs_.reach = limit_reach::application;
  }

  void note_invalid() {
    auto status = answer_.status;
    bool is_others = status == 429 && same_text(answer_.header("X-RateLimit-Scope"), "shared");
    signs_.counts_as_invalid = (status == 401 || status == 403 || status == 429) && !is_others;
  }

  /// RFC 9110 10.2.3; where the body is more exact, that.
  std::optional<timestamp> retry_after() const {
    if (!spec_.retry_after_json.empty())
      if (auto text = body_.at(spec_.retry_after_json).scalar())
        if (auto wait = parse_seconds(*text))
          return after(*wait);
    auto text = answer_.header("Retry-After");
    if (auto wait = parse_seconds(text))
      return after(*wait);
    if (auto date = parse_http_date(text))
      return after(*date - server_now_);
    return std::nullopt;
  }

  std::optional<limit_window> window() const {
    auto remaining = count_of(header_of(answer_, spec_.remaining_header));
    if (!remaining)
      return std::nullopt;
    auto wait = parse_seconds(header_of(answer_, spec_.reset_after_header));
    if (!wait)
      if (auto reset = parse_seconds(header_of(answer_, spec_.reset_header)))
        wait = timestamp{*reset} - server_now_;
    // Far away is not a reset but another unit.
    if (!wait || *wait > limit_wait_max)
      return std::nullopt;
    return limit_window{count_of(header_of(answer_, spec_.limit_header)).value_or(0), *remaining,
                        after(*wait)};
  }

  bool is_daily_quota(const std::string& reason) const {
    const auto& reasons = spec_.quota_reasons;
    return (answer_.status == 403 || answer_.status == 429) && !reason.empty()
           && std::find(reasons.begin(), reasons.end(), reason) != reasons.end();
  }

  timestamp after(milliseconds wait) const {
    return now_ + std::clamp<milliseconds>(wait, milliseconds{0}, limit_wait_max);
  }

  const rate_limit_spec& spec_;
  const http_response& answer_;
  const timestamp now_;
  timestamp server_now_;
  json_slice body_;
  limit_signs signs_;
};

} // namespace

std::string_view to_string_view(limit_cause cause) noexcept {
  switch (cause) {
    case limit_cause::none: return "none";
    case limit_cause::refused: return "refused";
    case limit_cause::exhausted: return "exhausted";
    case limit_cause::daily_quota: return "daily_quota";
    case limit_cause::outage: return "outage";
    case limit_cause::invalid_requests: return "invalid_requests";
    case limit_cause::pace: return "pace";
  }
  return "none";
}

limit_signs read_limit_signs(const rate_limit_spec& spec,
                             std::optional<limit_reach> refusal_reach,
                             const http_response& answer, timestamp now, double chance) {
  return reader{spec, answer, now}.read(refusal_reach, chance);
}

} // namespace lapwing
