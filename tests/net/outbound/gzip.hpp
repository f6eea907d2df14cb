// gzip text that unfolds into zeros, 159 to 1, made by hand (RFC 1951 3.2.6, RFC 1952).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace lapwing::testing {

/// Unfolds into `repeated` + 1 zeros; `repeated` is a multiple of 258, the longest repetition.
inline std::string gzip_of_zeros(std::size_t repeated) {
  std::string out{"\x1f\x8b\x08\0\0\0\0\0\0\x03", 10};
  unsigned held = 0;
  unsigned held_bits = 0;
  auto put = [&](unsigned value, unsigned bits) { // Low bit first.
    held |= value << held_bits;
    held_bits += bits;
    for (; held_bits >= 8; held_bits -= 8, held >>= 8)
      out += static_cast<char>(held & 0xff);
  };
  put(0b011, 3);    // The last block, fixed codes.
  put(0b00001100, 8); // A zero: 00110000, and codes go high bit first.
  for (std::size_t i = 0; i < repeated / 258; ++i)
    put(0b00000'10100011, 13); // Length 258: 11000101; distance 1: 00000.
  put(0, 7); // The end.
  if (held_bits > 0)
    put(0, 8 - held_bits);
  std::uint32_t check = 0xffffffff;
  for (std::size_t i = 0; i < repeated + 1; ++i)
    for (int bit = 0; bit < 8; ++bit)
      check = (check >> 1) ^ ((check & 1) != 0 ? 0xedb88320u : 0u);
  check = ~check;
  for (std::uint64_t number : {std::uint64_t{check}, std::uint64_t{repeated + 1}})
    for (int i = 0; i < 4; ++i)
      out += static_cast<char>((number >> (8 * i)) & 0xff);
  return out;
}

} // namespace lapwing::testing
