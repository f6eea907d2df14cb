// What operators read of users' connections; the program writes it to its log.
#pragma once

#include <cstddef>

#include "core/event.hpp"

namespace lapwing {

/// Any thread; does not block.
class journal {
public:
  virtual ~journal() = default;

  /// A look found so many connections whose tokens or polls are due; never 0.
  virtual void due(std::size_t connections) = 0;
  /// A connection tells its user something: new data, a sync, a refreshed token, its status.
  virtual void told(const user_id& user, const event_draft& what) = 0;
};

} // namespace lapwing
