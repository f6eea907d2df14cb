#include "storage/file_lock.hpp"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace lapwing {

result<file_lock> file_lock::take(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0)
    return error{errc::store_unavailable,
                 std::string{"the data directory cannot be written: "} + std::strerror(errno)};
  file_lock lock{descriptor};
  if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0)
    return error{errc::store_unavailable, "another process uses this data directory"};
  return lock;
}

file_lock::~file_lock() {
  if (descriptor_ >= 0)
    ::close(descriptor_);
}

} // namespace lapwing
