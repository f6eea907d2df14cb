// Verified bodies to events: what happened, in one sentence for people and a few fields for
// programs; the body itself is kept whole. errc::malformed_json for what is no UTF-8 JSON,
// errc::bad_request for what the platform does not send. Nothing here checks a signature.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "core/connections.hpp"
#include "core/error.hpp"
#include "core/outbox.hpp"
#include "core/time.hpp"
#include "net/webhook/outcome.hpp"
#include "net/webhook/request.hpp"

namespace lapwing {

/// JSON or form bodies; needs `X-GitHub-Event` and `X-GitHub-Delivery`. A ping is answered.
result<webhook_outcome> read_github(const webhook_request& request);

/// Events API: url_verification is answered, event_callback and app_rate_limited delivered. The
/// deprecated `token` is blanked in the payload.
result<webhook_outcome> read_slack(const webhook_request& request);

/// A Pub/Sub envelope with a mailbox notice. What will never become good is ignored, so that it
/// is acknowledged and does not come again.
result<webhook_outcome> read_gmail(const webhook_request& request);

/// Headers only; `sync` is answered.
result<webhook_outcome> read_calendar(const webhook_request& request);

/// Atom with one entry or tombstone.
result<webhook_outcome> read_youtube(const webhook_request& request);

/// Interaction ping, webhook-event ping, webhook events.
result<webhook_outcome> read_discord(const webhook_request& request);

result<webhook_outcome> read_linkedin(const webhook_request& request);

/// Any JSON of any platform. The delivery id is `webhook-id`, `X-Webhook-Id` or `X-Delivery-Id`,
/// else a hash of the body; the event is the body's `type` or `event`.
result<webhook_outcome> read_generic(std::string_view platform, const webhook_request& request);

/// Supabase `{type, table, schema, record, old_record}`; see submission_update.
result<submission_update> read_submission(const webhook_request& request, timestamp now);

/// The mail to the artist whose submission has another status now, for the outbox; nothing when the
/// status is the old one, or the row is gone, or names nobody to write to. `body` is what
/// read_submission made the update of.
std::optional<outbox_item> status_mail(std::string_view body, const submission_update& update,
                                       timestamp now);

/// WebSub 5.3: what the hub asks or says in the query of its GET; without user and platform. Nothing
/// when it is no such question.
std::optional<subscription_question> read_hub_question(std::string_view query);

/// The answer to it: the challenge if it is `wanted` (and no browser would take it for a page), else
/// 404; to a denial just 200.
webhook_answer websub_reply(bool wanted, std::string_view challenge);

/// WebSub 5.3 verification of intent: the challenge for a subscription we `wanted`, else 404.
/// `query` is the raw query string.
webhook_answer answer_websub(std::string_view query,
                             const std::function<bool(std::string_view mode,
                                                      std::string_view topic)>& wanted);

} // namespace lapwing
