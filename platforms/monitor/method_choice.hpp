// Webhook or polling: which of the two a connection relies on, and what its person is told.
// Webhooks are preferred, doubted at the first sign of trouble, and trusted again by deliveries.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/connection_store.hpp"
#include "core/time.hpp"
#include "platforms/spec.hpp"

namespace lapwing {

enum class monitor_method : std::uint8_t { polling, webhook };
std::string_view to_string_view(monitor_method method) noexcept;

/// What there is for this platform.
struct method_means {
  bool has_webhook = false;      ///< Deliveries are possible at all.
  bool needs_registration = false; ///< By us; otherwise the first delivery shows that they come.
  std::chrono::seconds quiet_after{6 * 3600};
};

method_means means_of(const platform_spec& spec);

/// Data of a `connection_status` event. `cause` is a stable code, "" when all is well.
struct status_report {
  connection_status status = connection_status::connected;
  monitor_method method = monitor_method::polling;
  std::string cause;
  std::string remedy;

  friend bool operator==(const status_report&, const status_report&) = default;
};

/// `{"platform":...,"status":...,"method":...,"cause":...,"remedy":...}`; cause and remedy are null
/// when empty.
std::string status_data_json(std::string_view platform, const status_report& report);
std::string_view to_string_view(connection_status status) noexcept;

/// Facts go in; a report comes out when it differs from the one before. Causes of polling although
/// there are webhooks: registration_* (see registration_run), webhooks_quiet, signature_failures.
///
/// Hysteresis: news that a poll found count against webhooks only when no delivery came within
/// `grace` around them; after doubt by signatures it takes `trust_count` good deliveries in a row.
class method_choice {
public:
  static constexpr std::chrono::minutes grace{5};
  static constexpr std::uint32_t bad_signatures_max = 3;
  static constexpr std::uint32_t trust_count = 2;

  method_choice(method_means means, timestamp now);

  /// What an earlier life knew, before anything else: of the registrations, since when they are
  /// trusted, news that no delivery has explained yet, and the cause that was last told. `report()`
  /// follows; nobody is told.
  void restore(const struct registrations_state& earlier, std::string_view cause, timestamp now);

  /// After loading or any change of registrations: the least good status of all resources
  /// ("active" when all are), its cause and remedy, and the newest delivery of any.
  std::optional<status_report> registered(std::string_view status, std::string_view cause,
                                          std::string_view remedy,
                                          std::optional<timestamp> last_delivery, timestamp now);
  /// A delivery with a good signature.
  std::optional<status_report> delivered(timestamp now);
  /// A delivery with a bad one.
  std::optional<status_report> misdelivered(timestamp now);
  /// A poll stored something that was not known before, and that webhooks would have told: not for
  /// endpoints that no webhook covers (YouTube's likes).
  /// `since`: when the same was read before, so that the news is younger; nothing: not known.
  std::optional<status_report> found_news(timestamp now,
                                          std::optional<timestamp> since = std::nullopt);
  /// At `next_check()`, or whenever there is time.
  std::optional<status_report> check(timestamp now);
  std::optional<timestamp> next_check() const noexcept {
    return news_at_ ? doubt_at() : std::nullopt;
  }

  monitor_method method() const noexcept { return told_.method; }
  /// Webhooks were relied on and are not trusted now: poll more often until that is settled. Not
  /// where registering failed: that may last for ever, and nothing was relied on.
  bool is_doubted() const noexcept {
    return told_.status == connection_status::degraded && doubt_ != doubt::none
           && registration_ != "failed" && registration_ != "expired";
  }
  const status_report& report() const noexcept { return told_; }
  const std::optional<timestamp>& last_delivery() const noexcept { return last_delivery_; }
  bool registration_stands() const noexcept { return registration_ == "active"; }
  /// See registration_details::news_at.
  const std::optional<timestamp>& unexplained_news() const noexcept { return news_at_; }

private:
  enum class doubt : std::uint8_t { none, quiet, signatures };

  std::optional<timestamp> doubt_at() const noexcept;
  std::optional<status_report> settle();

  method_means means_;
  std::string registration_;       ///< Its status; "" none yet.
  std::string registration_cause_;
  std::string registration_remedy_;
  doubt doubt_ = doubt::none;
  bool is_proven_ = false;          ///< Deliveries came, whatever the registration says.
  timestamp trusted_since_;
  std::optional<timestamp> last_delivery_;
  std::optional<timestamp> news_at_; ///< Found by a poll, not explained by a delivery yet.
  std::uint32_t bad_signatures_ = 0;
  std::uint32_t good_in_row_ = 0;
  status_report told_;
};

/// The least good of a connection's registrations for `method_choice::registered`.
struct registrations_state {
  std::string status; ///< "" when there are none.
  std::string cause;
  std::optional<timestamp> last_delivery;
  std::optional<timestamp> active_since; ///< The latest of any.
  std::optional<timestamp> news_at;
};
registrations_state worst_of(const std::vector<registration>& all, timestamp now);

} // namespace lapwing
