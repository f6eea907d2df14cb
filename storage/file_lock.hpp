// One node per data directory: two would number the same logs. The system releases the lock when
// the process ends in any way, so nothing stale is ever left behind.
#pragma once

#include <string>
#include <utility>

#include "core/error.hpp"

namespace lapwing {

class file_lock {
public:
  /// Creates the file when it is missing. errc::store_unavailable: somebody else holds it, or it
  /// cannot be made.
  static result<file_lock> take(const std::string& path);

  file_lock(file_lock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  file_lock& operator=(file_lock&&) = delete;
  ~file_lock();

private:
  explicit file_lock(int descriptor) noexcept : descriptor_(descriptor) {}
  int descriptor_;
};

} // namespace lapwing
