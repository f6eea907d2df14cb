// Bringing one registration at a provider to the state that is wanted: made, renewed, or ended.
// Requests out, answers in, the row to store at the end. Doing it twice is as good as once.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/connection_store.hpp"
#include "platforms/monitor/registration_calls.hpp"
#include "platforms/poll/answer_class.hpp"
#include "platforms/spec.hpp"

namespace lapwing {

enum class registration_goal : std::uint8_t { present, absent };

/// Chance and time, given from outside.
struct registration_means {
  std::string fresh_secret; ///< For a first registration; later ones keep the stored secret.
  std::string fresh_id;     ///< Calendar: an id for a new channel, unique, at most 64 characters.
  double chance = 0;        ///< In [0, 1): jitter of renewals and retries.
  timestamp now{};
};

struct registration_outcome {
  registration at;      ///< To be stored, unless `removed`.
  bool removed = false; ///< The row can go.
  /// Why it did not come out as wanted. What was registered before may still live: see `at`.
  std::optional<answer_problem> problem;
  bool permanent = false; ///< Asking again does not help before somebody acts: tried daily only.
  std::string remedy;     ///< For people; "" when there is no problem, or time heals it.
  std::size_t request_count = 0;
};

/// Use: store `pending()`; while (auto request = run.next()) run.take(answer of it);
/// run.take_outcome(). At most `request_count_max` requests.
///
///   GitHub    PATCH of the known hook, or POST; 404 of a known one: POST; 422 "already exists":
///             the list, then PATCH of the one with our URL.
///   Gmail     watch, which also renews.
///   Calendar  watch with a new channel id, then stop of the old one. Both fire for a while.
///   WebSub    subscribe: "pending" until `websub_verified`; a renewed one stays "active".
///   absent    the provider's call; 404 and 410 count as done.
class registration_run {
public:
  static constexpr std::size_t request_count_max = 12;

  registration_run(registration_target target, registration_goal goal,
                   const rate_limit_spec& limits, registration stored, registration_means means);

  /// What must be durable before the first request: callbacks may come before its answer.
  const registration& pending() const noexcept { return at_; }

  std::optional<http_request> next() const { return request_; }
  void take(const result<http_response>& answer);
  bool is_done() const noexcept { return !request_; }
  registration_outcome take_outcome();

private:
  enum class step : std::uint8_t { create, update, list, remove, stop_old };

  void begin();
  void ask(step what, http_request request);
  void take_github(const http_response& answer);
  void take_watch(const http_response& answer);
  void adopt(const std::string& hook_id);
  bool refused(const http_response& answer);
  void active(std::optional<timestamp> expires_at);
  void fail(answer_problem problem);
  void gone();

  registration_target target_;
  registration_goal goal_;
  const rate_limit_spec* limits_;
  registration_means means_;
  registration at_;
  registration_details details_;
  std::string old_channel_;     ///< Calendar: to be stopped when the new one lives.
  std::string old_resource_id_;
  bool has_created_ = false;
  bool has_listed_ = false;
  step step_ = step::create;
  std::optional<http_request> request_;
  registration_outcome outcome_;
};

/// When to renew: at `renew_before` the end or 80 % of the life if that is not given, at most
/// `renew_every` from now; earlier by up to a tenth (at most an hour) by `chance`; nothing when it
/// neither ends nor has a `renew_every`.
std::optional<timestamp> renewal_time(const registration_spec& spec,
                                      std::optional<timestamp> expires_at, timestamp now,
                                      double chance);

/// "active" past its end is "expired". Changes nothing else.
void expire(registration& at, timestamp now);

/// WebSub's verification of intent (PLATFORMS 1.5): true when the challenge is to be echoed.
/// `stored` is the subscription of that topic, if there is one.
bool websub_wants(const std::optional<registration>& stored, std::string_view mode);
/// The hub has verified a subscription for so long.
registration websub_verified(registration at, const registration_spec& spec,
                             std::chrono::seconds lease, timestamp now, double chance);
/// The hub refuses or has ended it; tried again in a day.
registration websub_denied(registration at, timestamp now);

} // namespace lapwing
