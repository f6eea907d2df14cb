#include "net/webhook/delivery.hpp"

#include <utility>

#include "net/auth/encoding.hpp"
#include "net/auth/hmac.hpp"
#include "net/webhook/text.hpp"

namespace lapwing {

webhook_delivery make_delivery(delivery_facts facts) {
  object_writer data;
  data.text("event", facts.event);
  data.text("action", facts.action);
  data.text("deliveryId", facts.delivery_id, 256);
  data.raw("summary", facts.summary);
  webhook_delivery delivery;
  delivery.event = facts.event;
  delivery.draft.type = "webhook_received";
  delivery.draft.platform = facts.platform;
  delivery.draft.message = std::move(facts.message);
  delivery.draft.data = data.take();
  delivery.draft.payload = std::move(facts.payload);
  delivery.source = facts.platform;
  delivery.delivery_id = std::move(facts.delivery_id);
  return delivery;
}

std::string body_id(std::string_view body) {
  return to_hex(bytes_of(sha256({body})).substr(0, 20));
}

} // namespace lapwing
