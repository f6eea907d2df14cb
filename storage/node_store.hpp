// Both stores of a node over its one database, so that an event and what it tells of can share a
// transaction (append_request::with).
#pragma once

#include "core/connection_store.hpp"
#include "core/store.hpp"

namespace lapwing {

class node_store : public event_store {
public:
  /// Lives as long as this.
  virtual connection_store& connections() noexcept = 0;
};

} // namespace lapwing
