// What an operator reads of deliveries in the log: who sent what for whom, and how it ended. Never a
// payload, a signature or a secret.
#pragma once

#include <string_view>

#include "core/engine.hpp"
#include "core/error.hpp"
#include "net/http/connection_limits.hpp"

namespace lapwing::net {

/// info "github webhook received: push for user ann".
void log_webhook_received(std::string_view platform, std::string_view event, std::string_view user);
/// info "github webhook processed: push for user ann is u42", or that it was a copy; warn why not.
void log_webhook_ended(std::string_view platform, std::string_view event, std::string_view user,
                       const result<publish_receipt>& receipt);
/// warn "github webhook refused: signature_mismatch, from 192.0.2.1". At most 20 a second: whoever
/// knocks with bad signatures must not fill the disk.
void log_webhook_refused(std::string_view platform, const peer_address& from, const error& why);

} // namespace lapwing::net
