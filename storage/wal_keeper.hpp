// Keeps the write-ahead log short without letting a commit wait for it. SQLite's own checkpoint
// runs inside the commit that passes a bound, which then takes many milliseconds; here a thread with a
// connection of its own copies the log back while commits go on.
//
// Under constant load such a copy never catches up, so the log could never start over and would grow
// without end: once what is left is little, the writer itself copies that rest between two groups.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <thread>

#include "storage/sqlite.hpp"

namespace lapwing {

class wal_keeper {
public:
  struct options {
    std::size_t start_pages;  ///< Log length at which copying begins.
    std::size_t finish_pages; ///< A rest that the writer may copy between two groups.
    std::size_t limit_pages;  ///< Log length at which the writer copies whatever there is.
  };

  /// `connection` becomes the thread's own.
  wal_keeper(options settings, sqlite_connection connection);
  /// Ends the thread, after the copy under way.
  ~wal_keeper();
  wal_keeper(const wal_keeper&) = delete;
  wal_keeper& operator=(const wal_keeper&) = delete;

  /// After a commit, with the length of the log then. True: the writer should call finish().
  bool committed(std::size_t log_pages);
  /// Copies the rest on the writer's connection; a failure is no harm, the log only stays longer.
  void finish(sqlite_connection& writer) noexcept;

private:
  void work();

  const options settings_;
  sqlite_connection connection_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool wanted_ = false;
  bool busy_ = false;
  bool stopping_ = false;
  std::size_t copied_pages_ = 0; ///< Of the log as it is now, when last looked at.
  std::thread thread_;
};

} // namespace lapwing
