#include "config/read_file.hpp"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/values.hpp"

namespace lapwing {
namespace {

struct descriptor {
  int value;
  ~descriptor() {
    if (value >= 0)
      ::close(value);
  }
};

} // namespace

std::variant<std::string, file_failure> read_file(const std::string& path, std::size_t bytes_max) {
  // Not blocking, or opening a named pipe would wait for its writer.
  const descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (file.value < 0)
    return file_failure{std::strerror(errno)};
  struct stat status {};
  if (::fstat(file.value, &status) != 0)
    return file_failure{std::strerror(errno)};
  if (!S_ISREG(status.st_mode))
    return file_failure{"is not a regular file"};
  std::string text;
  char piece[4096];
  while (true) {
    const auto count = ::read(file.value, piece, sizeof piece);
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      return file_failure{std::strerror(errno)};
    if (count == 0)
      return text;
    text.append(piece, static_cast<std::size_t>(count));
    if (text.size() > bytes_max)
      return file_failure{"is longer than " + format_size(bytes_max)};
  }
}

} // namespace lapwing
