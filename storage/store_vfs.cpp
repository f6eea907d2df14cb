#include "storage/store_vfs.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <vector>

#include <sqlite3.h>

namespace lapwing {
namespace {

constexpr const char* layer_name = "lapwing-store";

/// Four milliseconds of a disk that writes 250 MB/s.
constexpr std::int64_t unsynced_bytes_max = 1024 * 1024;
/// What is written at once: SQLite's Unix layer cannot do more than 128 KiB - 1 in one call. Its
/// largest page is half of that.
constexpr std::size_t collected_bytes_max = 120 * 1024;

/// What stands behind a handle of ours.
struct open_file {
  explicit open_file(int size) : storage(new std::max_align_t[cells(size)]{}) {}

  static std::size_t cells(int size) {
    return (static_cast<std::size_t>(size) + sizeof(std::max_align_t) - 1)
           / sizeof(std::max_align_t);
  }
  sqlite3_file* real() noexcept { return reinterpret_cast<sqlite3_file*>(storage.get()); }
  const sqlite3_io_methods& methods() noexcept { return *real()->pMethods; }

  std::unique_ptr<std::max_align_t[]> storage;
  bool is_log = false;
  bool is_database = false;
  std::int64_t unsynced = 0;        ///< Bytes of the database file.
  std::vector<char> collected;      ///< Of the log: to be written at `collected_at`.
  sqlite3_int64 collected_at = 0;
};

struct handle {
  sqlite3_file base;
  open_file* file;
};

open_file& of(sqlite3_file* f) noexcept {
  return *reinterpret_cast<handle*>(f)->file;
}

/// Everything but a write sees the file as if each write had been done at once.
int flush(open_file& file) noexcept {
  if (file.collected.empty())
    return SQLITE_OK;
  const int code = file.methods().xWrite(file.real(), file.collected.data(),
                                         static_cast<int>(file.collected.size()),
                                         file.collected_at);
  // After a failure too: the transaction is then undone, and its frames must not come later.
  file.collected.clear();
  return code;
}

int collect(open_file& file, const void* from, int count, sqlite3_int64 at) noexcept {
  const auto size = static_cast<std::size_t>(count);
  const auto end = file.collected_at + static_cast<sqlite3_int64>(file.collected.size());
  if (!file.collected.empty()
      && (at != end || file.collected.size() + size > collected_bytes_max)) {
    if (const int code = flush(file); code != SQLITE_OK)
      return code;
  }
  if (file.collected.empty())
    file.collected_at = at;
  const char* bytes = static_cast<const char*>(from);
  file.collected.insert(file.collected.end(), bytes, bytes + size); // Within what was reserved.
  return SQLITE_OK;
}

int close_file(sqlite3_file* f) {
  auto& file = of(f);
  const int flushed = flush(file);
  const int closed = file.methods().xClose(file.real());
  delete &file;
  return flushed != SQLITE_OK ? flushed : closed;
}

int read_file(sqlite3_file* f, void* to, int count, sqlite3_int64 at) {
  auto& file = of(f);
  if (const int code = flush(file); code != SQLITE_OK)
    return code;
  return file.methods().xRead(file.real(), to, count, at);
}

int write_file(sqlite3_file* f, const void* from, int count, sqlite3_int64 at) {
  auto& file = of(f);
  if (file.is_log)
    return collect(file, from, count, at);
  const int code = file.methods().xWrite(file.real(), from, count, at);
  if (code != SQLITE_OK || !file.is_database)
    return code;
  file.unsynced += count;
  if (file.unsynced < unsynced_bytes_max)
    return SQLITE_OK;
  file.unsynced = 0;
  return file.methods().xSync(file.real(), SQLITE_SYNC_NORMAL | SQLITE_SYNC_DATAONLY);
}

int truncate_file(sqlite3_file* f, sqlite3_int64 size) {
  auto& file = of(f);
  if (const int code = flush(file); code != SQLITE_OK)
    return code;
  return file.methods().xTruncate(file.real(), size);
}

int sync_file(sqlite3_file* f, int flags) {
  auto& file = of(f);
  if (const int code = flush(file); code != SQLITE_OK)
    return code;
  file.unsynced = 0;
  return file.methods().xSync(file.real(), flags);
}

int file_size(sqlite3_file* f, sqlite3_int64* size) {
  auto& file = of(f);
  if (const int code = flush(file); code != SQLITE_OK)
    return code;
  return file.methods().xFileSize(file.real(), size);
}

int file_control(sqlite3_file* f, int operation, void* argument) {
  auto& file = of(f);
  if (const int code = flush(file); code != SQLITE_OK)
    return code;
  return file.methods().xFileControl(file.real(), operation, argument);
}

sqlite3_io_methods make_methods() {
  sqlite3_io_methods methods{};
  methods.iVersion = 2; // Without xFetch: nothing is mapped.
  methods.xClose = close_file;
  methods.xRead = read_file;
  methods.xWrite = write_file;
  methods.xTruncate = truncate_file;
  methods.xSync = sync_file;
  methods.xFileSize = file_size;
  methods.xFileControl = file_control;
  methods.xLock = [](sqlite3_file* f, int level) {
    return of(f).methods().xLock(of(f).real(), level);
  };
  methods.xUnlock = [](sqlite3_file* f, int level) {
    return of(f).methods().xUnlock(of(f).real(), level);
  };
  methods.xCheckReservedLock = [](sqlite3_file* f, int* out) {
    return of(f).methods().xCheckReservedLock(of(f).real(), out);
  };
  methods.xSectorSize = [](sqlite3_file* f) { return of(f).methods().xSectorSize(of(f).real()); };
  methods.xDeviceCharacteristics = [](sqlite3_file* f) {
    return of(f).methods().xDeviceCharacteristics(of(f).real());
  };
  methods.xShmMap = [](sqlite3_file* f, int page, int size, int extend, void volatile** out) {
    return of(f).methods().xShmMap(of(f).real(), page, size, extend, out);
  };
  methods.xShmLock = [](sqlite3_file* f, int offset, int count, int flags) {
    return of(f).methods().xShmLock(of(f).real(), offset, count, flags);
  };
  methods.xShmBarrier = [](sqlite3_file* f) { of(f).methods().xShmBarrier(of(f).real()); };
  methods.xShmUnmap = [](sqlite3_file* f, int remove) {
    return of(f).methods().xShmUnmap(of(f).real(), remove);
  };
  return methods;
}

int open_real(sqlite3_vfs*, const char* name, sqlite3_file* f, int flags, int* out_flags) {
  static const sqlite3_io_methods methods = make_methods();
  auto* handle_of_file = reinterpret_cast<handle*>(f);
  handle_of_file->base.pMethods = nullptr; // SQLite closes a file only if this is set.
  sqlite3_vfs* base = sqlite3_vfs_find(nullptr);
  try {
    auto file = std::make_unique<open_file>(base->szOsFile);
    file->is_log = (flags & SQLITE_OPEN_WAL) != 0;
    file->is_database = (flags & SQLITE_OPEN_MAIN_DB) != 0;
    if (file->is_log)
      file->collected.reserve(collected_bytes_max);
    const int code = base->xOpen(base, name, file->real(), flags, out_flags);
    if (code != SQLITE_OK) {
      if (file->real()->pMethods != nullptr)
        file->methods().xClose(file->real());
      return code;
    }
    handle_of_file->file = file.release();
    handle_of_file->base.pMethods = &methods;
    return SQLITE_OK;
  } catch (const std::bad_alloc&) {
    return SQLITE_NOMEM;
  }
}

bool register_layer() {
  static sqlite3_vfs layer = [] {
    sqlite3_vfs made = *sqlite3_vfs_find(nullptr); // Names, time and chance are the default's.
    made.zName = layer_name;
    made.szOsFile = static_cast<int>(sizeof(handle));
    made.xOpen = open_real;
    made.pNext = nullptr;
    return made;
  }();
  return sqlite3_vfs_register(&layer, 0) == SQLITE_OK;
}

} // namespace

const char* store_vfs() {
  // Without the layer everything works as well, only slower.
  static const bool registered = sqlite3_initialize() == SQLITE_OK && register_layer();
  return registered ? layer_name : nullptr;
}

} // namespace lapwing
