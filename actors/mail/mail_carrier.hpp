// One per node: brings the mails of the outbox to Mailgun. What is done when is decided by `mailer`;
// this does it, with the store, the HTTP client and one timer.
//
// It wakes when an event with a mail was published, when something is due, and (to let go of what
// ended long ago) a few times a day; an idle outbox is not asked.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include <caf/fwd.hpp>

#include "actors/mail/mailer.hpp"
#include "actors/messages.hpp"

namespace lapwing {

/// For the metrics: written by the carrier, read by anybody.
struct mail_counts {
  std::atomic<std::uint64_t> sent{0};
  std::atomic<std::uint64_t> failures{0}; ///< Attempts that were no good.
  std::atomic<std::uint64_t> waiting{0};  ///< As of the last look, up to outbox_store::counted_max.
  std::atomic<std::uint64_t> dead{0};     ///< The same.
  std::atomic<bool> at_rest{false};       ///< After mail_closing: nothing is under way any more.
};

/// All must outlive the carrier.
struct mail_context {
  outbox_store* store = nullptr;
  http_client* http = nullptr;
  const wall_clock* clock = nullptr;
  std::function<double()> chance; ///< [0, 1).
  mailer_rules rules;
  std::chrono::milliseconds kept{std::chrono::hours{24 * 30}}; ///< What has ended, for so long.
  mailer::news_listener tell; ///< For the log; may be empty.
  mail_counts* counts = nullptr;
};

/// A mail was stored, or may have been; or another node has left some behind.
struct mail_stored {};
/// The configuration says this now.
struct mail_configured {
  mail_settings settings;
};

/// The node drains: what is under way ends, nothing new begins (mail_counts::at_rest).
struct mail_closing {};

using mail_carrier_actor = caf::typed_actor<
  caf::reacts_to<mail_stored>,
  caf::reacts_to<mail_closing>,
  caf::reacts_to<mail_configured>,
  // "mails": {"waiting","dead","underWay","trouble","letters":[...]}; "resend-mail" with a number or
  // "all": {"ok":true,"mails":n}. errc::not_found, bad_request, store_unavailable.
  caf::replies_to<inspect_query>::with<fragment>,
  // INTERNAL: an answer of the store or of a server (posted by some thread).
  caf::reacts_to<posted_call>>;

mail_carrier_actor spawn_mail_carrier(caf::actor_system& system, const mail_context& env);

} // namespace lapwing

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lapwing::mail_stored)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lapwing::mail_closing)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lapwing::mail_configured)
