// The common shape of every delivery's event.
#pragma once

#include <string>
#include <string_view>

#include "net/webhook/outcome.hpp"

namespace lapwing {

struct delivery_facts {
  std::string_view platform;
  std::string_view event;
  std::string_view action; ///< May be empty.
  std::string delivery_id;
  std::string message;
  std::string summary; ///< JSON object.
  std::string payload; ///< JSON value.
};

/// A `webhook_received` with data {"event", "action", "deliveryId", "summary"}.
webhook_delivery make_delivery(delivery_facts facts);

/// 40 hex digits that stand for this body where the platform gives no id.
std::string body_id(std::string_view body);

} // namespace lapwing
