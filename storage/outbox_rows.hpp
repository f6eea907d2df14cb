// The outbox as rows of SQLite: its writing half on the writer's thread, its reading half on a
// reader's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "core/outbox.hpp"
#include "storage/sqlite.hpp"

namespace lapwing {

/// Works inside the transaction that is open. Throws sqlite_failure.
class outbox_writer {
public:
  explicit outbox_writer(sqlite_connection& connection);

  void put(const outbox_item& item);
  outbox_claims claim(const std::string& kind, timestamp now, timestamp until, std::size_t limit);
  bool settle(std::uint64_t id, std::uint64_t claim, const outbox_outcome& how);
  std::size_t resend(const std::string& kind, std::optional<std::uint64_t> id, timestamp now,
                     std::size_t limit);
  std::size_t trim(const std::string& kind, timestamp before, std::size_t limit);

private:
  void find(sqlite_statement& which, const std::string& kind, timestamp time, std::size_t limit,
            outbox_claims& into);

  sqlite_connection* connection_;
  sqlite_statement put_;
  sqlite_statement find_due_;
  sqlite_statement find_too_far_;
  sqlite_statement take_;
  sqlite_statement next_due_;
  sqlite_statement settle_;
  sqlite_statement resend_;
  sqlite_statement trim_;
};

class outbox_reader {
public:
  explicit outbox_reader(sqlite_connection& connection);

  outbox_report report(const std::string& kind, std::size_t letters_max);

private:
  sqlite_statement count_waiting_;
  sqlite_statement count_dead_;
  sqlite_statement letters_;
};

} // namespace lapwing
