#include "storage/schema_history.hpp"

#include <array>

#include <openssl/evp.h>

namespace lapwing {

std::string sha256_hex(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned int size = 0;
  if (EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1)
    return {};
  constexpr std::string_view digits = "0123456789abcdef";
  std::string hex;
  for (unsigned int i = 0; i < size; ++i) {
    hex += digits[digest[i] >> 4];
    hex += digits[digest[i] & 15];
  }
  return hex;
}

std::optional<error> misfit(const std::vector<applied_file>& applied,
                            std::span<const schema_file> known) {
  if (applied.size() > known.size())
    return error{errc::not_configured,
                 "the database has schema " + std::to_string(applied.back().version)
                   + ", newer than this program's " + std::to_string(known.size())
                   + "; use a newer program"};
  for (std::size_t i = 0; i < applied.size(); ++i) {
    if (applied[i].version != known[i].version || applied[i].digest != sha256_hex(known[i].sql))
      return error{errc::not_configured, "schema file " + std::string{known[i].name}
                                           + " is not the one that was applied"};
  }
  return std::nullopt;
}

std::optional<error> lacking(const std::vector<applied_file>& applied,
                             std::span<const schema_file> known) {
  if (applied.size() >= known.size())
    return std::nullopt;
  return error{errc::not_configured, "the database has schema " + std::to_string(applied.size())
                                       + ", this program needs " + std::to_string(known.size())
                                       + "; run `lapwing migrate`"};
}

} // namespace lapwing
