// All stores of a node over its one database, so that an event, what it tells of and what it causes
// can share a transaction (append_request::with, outgoing).
#pragma once

#include "core/connection_store.hpp"
#include "core/outbox.hpp"
#include "core/store.hpp"

namespace lapwing {

class node_store : public event_store {
public:
  /// Lives as long as this.
  virtual connection_store& connections() noexcept = 0;
  /// Lives as long as this.
  virtual outbox_store& outbox() noexcept = 0;
};

} // namespace lapwing
