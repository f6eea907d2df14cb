// The outbox_store of the SQLite store: changes share the writer's group commit with events.
#pragma once

#include "core/outbox.hpp"
#include "storage/executor.hpp"

namespace lapwing {

class sqlite_outbox final : public outbox_store {
public:
  /// Both must outlive this.
  sqlite_outbox(executor& writing, executor& reading) : writing_(writing), reading_(reading) {}

  void claim(std::string kind, timestamp now, timestamp until, std::size_t limit,
             callback<outbox_claims> done) override;
  void settle(std::uint64_t id, std::uint64_t claim, outbox_outcome how,
              callback<bool> done) override;
  void report(std::string kind, std::size_t letters_max, callback<outbox_report> done) override;
  void resend(std::string kind, std::optional<std::uint64_t> id, timestamp now,
              std::size_t limit, callback<std::size_t> done) override;
  void trim(std::string kind, timestamp before, std::size_t limit,
            callback<std::size_t> done) override;

private:
  executor& writing_;
  executor& reading_;
};

} // namespace lapwing
