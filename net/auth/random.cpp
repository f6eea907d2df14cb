#include "net/auth/random.hpp"

#include <cstdlib>

#include <openssl/rand.h>

namespace lapwing {

std::string secure_random_bytes(std::size_t count) {
  std::string bytes(count, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(count)) != 1)
    std::abort();
  return bytes;
}

} // namespace lapwing
