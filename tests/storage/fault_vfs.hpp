// A disk that can fail: SQLite's default file layer with switches, registered as the default one, so
// that the store under test needs to know nothing of it.
#pragma once

#include <atomic>
#include <cstring>
#include <new>

#include <sqlite3.h>

namespace lapwing {

enum class disk_fault {
  none,
  full,          ///< Writes answer "no space left".
  read_only,     ///< Writes answer "read-only file system".
  write_failure, ///< Writes answer an I/O error.
  sync_failure,  ///< Writes work, syncs answer an I/O error.
  read_failure,  ///< Reads of the database file answer an I/O error.
};

/// One per process: SQLite keeps file layers for good.
class fault_vfs {
public:
  static fault_vfs& instance() {
    static fault_vfs* vfs = new fault_vfs; // SQLite may use it until the very end.
    return *vfs;
  }

  void set(disk_fault fault) noexcept { fault_ = fault; }

private:
  struct file {
    sqlite3_file base;
    sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
    static file& of(sqlite3_file* f) { return *reinterpret_cast<file*>(f); }
  };

  fault_vfs() : real_(sqlite3_vfs_find(nullptr)), vfs_(*real_), methods_(make_methods()) {
    vfs_.zName = "lapwing-fault";
    vfs_.szOsFile = static_cast<int>(sizeof(file)) + real_->szOsFile;
    vfs_.xOpen = open;
    sqlite3_vfs_register(&vfs_, 1);
  }

  static int open(sqlite3_vfs*, const char* name, sqlite3_file* f, int flags, int* out_flags) {
    auto& self = instance();
    auto& opened = *new (f) file{};
    const int code = self.real_->xOpen(self.real_, name, opened.real(), flags, out_flags);
    if (opened.real()->pMethods != nullptr)
      opened.base.pMethods = &self.methods_;
    return code;
  }

  static sqlite3_io_methods make_methods() {
    sqlite3_io_methods m{};
    m.iVersion = 2; // Without memory-mapped pages.
    m.xClose = [](sqlite3_file* f) {
      auto* real = file::of(f).real();
      return real->pMethods->xClose(real);
    };
    m.xRead = [](sqlite3_file* f, void* to, int count, sqlite3_int64 at) {
      auto* real = file::of(f).real();
      if (instance().fault_ == disk_fault::read_failure)
        return int{SQLITE_IOERR_READ};
      return real->pMethods->xRead(real, to, count, at);
    };
    m.xWrite = [](sqlite3_file* f, const void* from, int count, sqlite3_int64 at) {
      auto* real = file::of(f).real();
      switch (instance().fault_.load()) {
        case disk_fault::full: return SQLITE_FULL;
        case disk_fault::read_only: return SQLITE_READONLY;
        case disk_fault::write_failure: return SQLITE_IOERR_WRITE;
        default: return real->pMethods->xWrite(real, from, count, at);
      }
    };
    m.xTruncate = [](sqlite3_file* f, sqlite3_int64 size) {
      auto* real = file::of(f).real();
      return real->pMethods->xTruncate(real, size);
    };
    m.xSync = [](sqlite3_file* f, int flags) {
      auto* real = file::of(f).real();
      if (instance().fault_ == disk_fault::sync_failure)
        return SQLITE_IOERR_FSYNC;
      return real->pMethods->xSync(real, flags);
    };
    m.xFileSize = [](sqlite3_file* f, sqlite3_int64* size) {
      auto* real = file::of(f).real();
      return real->pMethods->xFileSize(real, size);
    };
    m.xLock = [](sqlite3_file* f, int level) {
      auto* real = file::of(f).real();
      return real->pMethods->xLock(real, level);
    };
    m.xUnlock = [](sqlite3_file* f, int level) {
      auto* real = file::of(f).real();
      return real->pMethods->xUnlock(real, level);
    };
    m.xCheckReservedLock = [](sqlite3_file* f, int* out) {
      auto* real = file::of(f).real();
      return real->pMethods->xCheckReservedLock(real, out);
    };
    m.xFileControl = [](sqlite3_file* f, int op, void* argument) {
      auto* real = file::of(f).real();
      return real->pMethods->xFileControl(real, op, argument);
    };
    m.xSectorSize = [](sqlite3_file* f) {
      auto* real = file::of(f).real();
      return real->pMethods->xSectorSize(real);
    };
    m.xDeviceCharacteristics = [](sqlite3_file* f) {
      auto* real = file::of(f).real();
      return real->pMethods->xDeviceCharacteristics(real);
    };
    m.xShmMap = [](sqlite3_file* f, int page, int size, int extend, void volatile** out) {
      auto* real = file::of(f).real();
      return real->pMethods->xShmMap(real, page, size, extend, out);
    };
    m.xShmLock = [](sqlite3_file* f, int offset, int count, int flags) {
      auto* real = file::of(f).real();
      return real->pMethods->xShmLock(real, offset, count, flags);
    };
    m.xShmBarrier = [](sqlite3_file* f) {
      auto* real = file::of(f).real();
      real->pMethods->xShmBarrier(real);
    };
    m.xShmUnmap = [](sqlite3_file* f, int remove) {
      auto* real = file::of(f).real();
      return real->pMethods->xShmUnmap(real, remove);
    };
    return m;
  }

  sqlite3_vfs* real_;
  sqlite3_vfs vfs_;
  sqlite3_io_methods methods_;
  std::atomic<disk_fault> fault_{disk_fault::none};
};

} // namespace lapwing
