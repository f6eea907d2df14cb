// The outbox_store of the PostgreSQL store: its calls as jobs for the workers with libpqxx
// connections; every change holds the fence.
#pragma once

#include "core/outbox.hpp"
#include "storage/executor.hpp"

namespace lapwing::postgres {

class postgres_outbox final : public outbox_store {
public:
  /// `rows` must outlive this.
  explicit postgres_outbox(executor& rows) : rows_(rows) {}

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
  executor& rows_;
};

} // namespace lapwing::postgres
