#include "app/random_name.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

#include "platforms/oauth/pkce.hpp"
#include "storage/secret_box.hpp"

namespace lapwing {

std::string random_name() {
  std::array<std::byte, 32> bytes;
  if (!system_random({reinterpret_cast<std::uint8_t*>(bytes.data()), bytes.size()}))
    return {};
  return pkce_verifier(bytes); // The form of a PKCE verifier needs no encoding anywhere.
}

} // namespace lapwing
