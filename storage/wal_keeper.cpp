#include "storage/wal_keeper.hpp"

#include <pthread.h>
#include <sqlite3.h>

#include <utility>

namespace lapwing {
namespace {

/// Pages of the log that are in the database file after a passive checkpoint: it copies what no
/// reader still needs and waits for nobody (sqlite.org/c3ref/wal_checkpoint_v2.html).
std::size_t copy_back(sqlite_connection& connection) noexcept {
  int logged = 0;
  int copied = 0;
  sqlite3_wal_checkpoint_v2(connection.get(), nullptr, SQLITE_CHECKPOINT_PASSIVE, &logged, &copied);
  return copied > 0 ? static_cast<std::size_t>(copied) : 0;
}

} // namespace

wal_keeper::wal_keeper(options settings, sqlite_connection connection)
    : settings_(settings), connection_(std::move(connection)), thread_([this] { work(); }) {
  pthread_setname_np(thread_.native_handle(), "wal-keeper");
}

wal_keeper::~wal_keeper() {
  {
    std::lock_guard lock{mutex_};
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

bool wal_keeper::committed(std::size_t log_pages) {
  std::lock_guard lock{mutex_};
  if (log_pages < copied_pages_)
    copied_pages_ = 0; // The log has started over.
  if (log_pages < settings_.start_pages)
    return false;
  if (log_pages >= settings_.limit_pages)
    return true;
  if (busy_ || wanted_)
    return false;
  if (copied_pages_ > 0 && log_pages - copied_pages_ <= settings_.finish_pages)
    return true;
  wanted_ = true;
  wake_.notify_one();
  return false;
}

void wal_keeper::finish(sqlite_connection& writer) noexcept {
  const auto copied = copy_back(writer);
  std::lock_guard lock{mutex_};
  copied_pages_ = copied;
}

void wal_keeper::work() {
  std::unique_lock lock{mutex_};
  for (;;) {
    wake_.wait(lock, [this] { return wanted_ || stopping_; });
    if (stopping_)
      return;
    wanted_ = false;
    busy_ = true;
    lock.unlock();
    const auto copied = copy_back(connection_);
    lock.lock();
    busy_ = false;
    copied_pages_ = copied;
  }
}

} // namespace lapwing
