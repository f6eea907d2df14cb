#define CAF_SUITE auth_encoding
#include "tests/support/caf_test.hpp"

#include <string>

#include "net/auth/encoding.hpp"

using namespace lapwing;

CAF_TEST(bytes of every length survive hex and both base64 forms) {
  std::string bytes;
  for (int i = 0; i < 300; ++i) {
    CAF_CHECK_EQUAL(from_hex(to_hex(bytes)).value_or("?"), bytes);
    CAF_CHECK_EQUAL(from_base64(to_base64(bytes)).value_or("?"), bytes);
    CAF_CHECK_EQUAL(from_base64url(to_base64url(bytes)).value_or("?"), bytes);
    CAF_CHECK_EQUAL(from_base64_lenient(to_base64(bytes)).value_or("?"), bytes);
    CAF_CHECK_EQUAL(from_base64_lenient(to_base64url(bytes)).value_or("?"), bytes);
    bytes += static_cast<char>(i * 7 + 3);
  }
}

CAF_TEST(base64 gives the vectors of RFC 4648 section 10) {
  CAF_CHECK_EQUAL(to_base64(""), "");
  CAF_CHECK_EQUAL(to_base64("f"), "Zg==");
  CAF_CHECK_EQUAL(to_base64("fo"), "Zm8=");
  CAF_CHECK_EQUAL(to_base64("foo"), "Zm9v");
  CAF_CHECK_EQUAL(to_base64("foob"), "Zm9vYg==");
  CAF_CHECK_EQUAL(to_base64("fooba"), "Zm9vYmE=");
  CAF_CHECK_EQUAL(to_base64("foobar"), "Zm9vYmFy");
}

CAF_TEST(the decoders refuse every second way to write the same bytes) {
  CAF_CHECK(!from_base64("Zg"));
  CAF_CHECK(!from_base64("Zg="));
  CAF_CHECK(!from_base64("Zh==")); // Unused bits.
  CAF_CHECK(!from_base64("Zm9v\n"));
  CAF_CHECK(!from_base64("Zm9="));
  CAF_CHECK(!from_base64("===="));
  CAF_CHECK(!from_base64("Z==="));
  CAF_CHECK(!from_base64("=Zm9"));
  CAF_CHECK(!from_base64url("Zg=="));
  CAF_CHECK(!from_base64url("Zh"));
  CAF_CHECK(!from_base64url("Z"));
  CAF_CHECK(!from_base64url("Z+9v"));
  CAF_CHECK(!from_base64("Z-9v"));
  CAF_CHECK(!from_base64_lenient("a-+a"));
  CAF_CHECK(!from_base64_lenient("Zg="));
  CAF_CHECK(!from_hex("0"));
  CAF_CHECK(!from_hex("0g"));
  CAF_CHECK(!from_hex("0x"));
  CAF_CHECK_EQUAL(from_hex("0aFF").value_or("?"), std::string("\x0a\xff"));
}
