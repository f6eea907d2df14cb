// The journal as lines of the log (seed 003: Console Logs).
#pragma once

#include "actors/journal.hpp"

namespace lapwing {

class log_journal final : public journal {
public:
  void due(std::size_t connections) override;
  void told(const user_id& user, const event_draft& what) override;
};

} // namespace lapwing
