// Chance for identifiers and keys, from outside so that tests can repeat it.
#pragma once

#include <cstddef>
#include <functional>
#include <string>

namespace lapwing {

/// Gives as many unpredictable bytes as asked for. Any thread.
using random_bytes = std::function<std::string(std::size_t count)>;

/// OpenSSL's generator. Ends the process if the system gives no entropy: nothing safe is left to do.
std::string secure_random_bytes(std::size_t count);

} // namespace lapwing
