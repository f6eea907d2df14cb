#define CAF_SUITE payload_codec

#include <string>

#include "tests/support/caf_test.hpp"

#include "storage/payload_codec.hpp"

using namespace lapwing;

namespace {

std::string json_of(std::size_t bytes) {
  std::string out = "{\"commits\":[";
  for (std::size_t i = 0; out.size() < bytes; ++i)
    out += "{\"id\":\"" + std::to_string(i * 7919) + "\",\"message\":\"Fix it\"},";
  return out + "{}]}";
}

} // namespace

CAF_TEST(what was packed comes back byte for byte) {
  for (std::size_t bytes : {packed_from_bytes, std::size_t{6000}, std::size_t{3'000'000}}) {
    auto payload = json_of(bytes);
    auto packed = pack_payload(payload);
    CAF_REQUIRE(packed);
    CAF_CHECK(packed->size() * 2 < payload.size());
    CAF_CHECK_EQUAL(unpacked_bytes(*packed).value_or(0), payload.size());
    CAF_CHECK(unpack_payload(*packed) == payload);
  }
}

CAF_TEST(short and incompressible payloads are left alone) {
  CAF_CHECK(!pack_payload(""));
  CAF_CHECK(!pack_payload(std::string(packed_from_bytes - 1, 'x')));
  std::string noise;
  for (std::uint32_t state = 1; noise.size() < 4096; state = state * 1664525u + 1013904223u)
    noise += static_cast<char>(state >> 24);
  CAF_CHECK(!pack_payload(noise));
}

CAF_TEST(damage is noticed) {
  auto packed = *pack_payload(json_of(6000));
  CAF_CHECK(!unpack_payload(""));
  CAF_CHECK(!unpack_payload("not a frame"));
  CAF_CHECK(!unpack_payload(std::string_view{packed}.substr(0, packed.size() / 2)));
  for (std::size_t at = 12; at < packed.size(); at += 97) {
    auto damaged = packed;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
    CAF_CHECK(!unpack_payload(damaged));
  }
}
