// Small files, read whole.
#pragma once

#include <cstddef>
#include <string>
#include <variant>

namespace lapwing {

struct file_failure {
  std::string why; ///< "No such file or directory", "is longer than 1 MiB".
};

/// Blocks. At most `bytes_max` bytes: a longer file is a failure, as is anything but a file.
std::variant<std::string, file_failure> read_file(const std::string& path, std::size_t bytes_max);

} // namespace lapwing
