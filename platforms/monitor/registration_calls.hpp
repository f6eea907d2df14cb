// The requests that make, renew and end a registration at each provider (PLATFORMS 2), and the
// reading of their answers. Without the Authorization header: the caller adds it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/connection_store.hpp"
#include "core/http_client.hpp"
#include "core/time.hpp"
#include "platforms/spec.hpp"

namespace lapwing {

/// What a registration is made from. `spec` must outlive it.
struct registration_target {
  const registration_spec* spec = nullptr;
  std::string account;      ///< Gmail: the mailbox, which its callbacks name.
  std::string resource;     ///< {resource}
  std::string callback_url; ///< Where deliveries shall go.
};

/// What a registration remembers in `registration::details`.
struct registration_details {
  std::string resource_id;       ///< Calendar: needed to stop the channel.
  std::uint32_t attempts = 0;    ///< Failed ones in a row.
  bool awaits_verification = false; ///< WebSub: the hub has not asked yet.
  std::optional<timestamp> active_since; ///< Deliveries can come since then, without a gap.
  /// A poll found news then that no delivery has explained yet.
  std::optional<timestamp> news_at;

  static registration_details of(const registration& at);
  std::string json() const; ///< "" when there is nothing to remember.
};

namespace registration_calls {

http_request github_create(const registration_target& target, const std::string& secret);
http_request github_update(const registration_target& target, const std::string& hook_id,
                           const std::string& secret);
http_request github_list(const registration_target& target);
http_request github_delete(const registration_target& target, const std::string& hook_id);
http_request gmail_watch(const registration_target& target);
http_request gmail_stop(const registration_target& target);
http_request calendar_watch(const registration_target& target, const std::string& channel_id,
                            const std::string& token, timestamp now);
/// Also for a channel that we do not know: its notifications carry both ids.
http_request calendar_stop(const registration_spec& spec, const std::string& channel_id,
                           const std::string& resource_id);
http_request websub_call(const registration_target& target, std::string_view mode,
                         const std::string& secret);

/// The feed that WebSub subscribes to: `spec.topic` filled in.
std::string topic_of(const registration_target& target);

/// A hook's id in an answer of GitHub; "" when it is not there.
std::string hook_id_in(std::string_view body);
/// The id of the hook in a list whose config.url is ours; "" none.
std::string hook_with_url(std::string_view body, const std::string& url);
/// 422 because the same hook exists already.
bool says_exists(const http_response& answer);

struct watch_answer {
  std::optional<timestamp> expires_at;
  std::string resource_id;
};
/// Gmail's and Calendar's: `expiration` in milliseconds, as text or number.
result<watch_answer> read_watch(std::string_view body);

} // namespace registration_calls
} // namespace lapwing
