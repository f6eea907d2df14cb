// How single values are written.
#define CAF_SUITE config_values

#include "tests/support/caf_test.hpp"

#include "config/encryption_key.hpp"
#include "config/listen.hpp"
#include "config/values.hpp"

using namespace lapwing;
using namespace std::chrono_literals;

CAF_TEST(a duration is one whole number and one unit) {
  CAF_CHECK(parse_duration("250ms") == 250ms);
  CAF_CHECK(parse_duration("30s") == 30s);
  CAF_CHECK(parse_duration("15m") == 15min);
  CAF_CHECK(parse_duration("1h") == 1h);
  CAF_CHECK(parse_duration("30d") == 24h * 30);
  CAF_CHECK(parse_duration("0s") == 0ms);
  for (const char* wrong : {"", "30", "s", "-1s", "+1s", "1.5s", "1 s", " 1s", "1s ", "1S", "1min",
                            "1h30m", "36501d", "99999999999999999999s", "18446744073709551615d"})
    CAF_CHECK(!parse_duration(wrong));
}

CAF_TEST(a duration is shown in its largest exact unit) {
  CAF_CHECK_EQUAL(format_duration(0ms), "0s");
  CAF_CHECK_EQUAL(format_duration(1500ms), "1500ms");
  CAF_CHECK_EQUAL(format_duration(90s), "90s");
  CAF_CHECK_EQUAL(format_duration(15min), "15m");
  CAF_CHECK_EQUAL(format_duration(24h * 30), "30d");
}

CAF_TEST(a size is bytes or has a binary unit) {
  CAF_CHECK(parse_size("1000") == 1000u);
  CAF_CHECK(parse_size("256KiB") == 262144u);
  CAF_CHECK(parse_size("3GiB") == 3ull << 30);
  for (const char* wrong : {"", "KiB", "1KB", "1kib", "1 KiB", "1.5MiB", "-1", "17179869184GiB"})
    CAF_CHECK(!parse_size(wrong));
  CAF_CHECK_EQUAL(format_size(262144), "256 KiB");
  CAF_CHECK_EQUAL(format_size(1000), "1000 bytes");
  CAF_CHECK_EQUAL(format_size(0), "0 bytes");
}

CAF_TEST(a list is comma separated and drops the spaces around its items) {
  CAF_CHECK(parse_list("").empty());
  CAF_CHECK(parse_list("  ").empty());
  CAF_CHECK((parse_list("a") == std::vector<std::string>{"a"}));
  CAF_CHECK((parse_list(" a , b ") == std::vector<std::string>{"a", "b"}));
  CAF_CHECK((parse_list("a,,b") == std::vector<std::string>{"a", "", "b"}));
}

CAF_TEST(a shown value is short and cannot play tricks with a terminal) {
  CAF_CHECK_EQUAL(quoted("a\"b\n\x1b[2J"), "\"a\\\"b\\x0a\\x1b[2J\"");
  CAF_CHECK_EQUAL(quoted(std::string(100, 'x')), "\"" + std::string(60, 'x') + "...\"");
  // The euro sign has three bytes; the cut falls between two of them.
  CAF_CHECK_EQUAL(quoted(std::string(59, 'x') + "\xe2\x82\xac"),
                  "\"" + std::string(59, 'x') + "...\"");
}

CAF_TEST(a listen address is numeric and knows loopback) {
  CAF_CHECK((parse_listen("127.0.0.1:3001") == listen_address{"127.0.0.1", 3001, true}));
  CAF_CHECK((parse_listen("127.9.9.9:0") == listen_address{"127.9.9.9", 0, true}));
  CAF_CHECK((parse_listen("0.0.0.0:80") == listen_address{"0.0.0.0", 80, false}));
  CAF_CHECK((parse_listen("[::1]:3001") == listen_address{"::1", 3001, true}));
  CAF_CHECK((parse_listen("[::]:65535") == listen_address{"::", 65535, false}));
  CAF_CHECK((parse_listen("localhost:3001") == listen_address{"127.0.0.1", 3001, true}));
  // ::ffff:127.0.0.1 is reachable from this machine only too, but nobody needs it: not loopback.
  CAF_CHECK((parse_listen("[::ffff:127.0.0.1]:1") == listen_address{"::ffff:127.0.0.1", 1, false}));
  for (const char* wrong : {"", ":", "3001", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "::1:80",
                            "[::1]", "[]:1", "example.com:80", "127.1:80", "127.0.0.1:+80"})
    CAF_CHECK(!parse_listen(wrong));
}

CAF_TEST(an encryption key may be hex or base64 or 32 raw characters) {
  encryption_key counted{};
  for (std::size_t i = 0; i < counted.size(); ++i)
    counted[i] = static_cast<std::uint8_t>(i);
  const std::string hex = "000102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F";
  const std::string base64 = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
  CAF_CHECK(decode_encryption_key(hex) == counted);
  CAF_CHECK(decode_encryption_key(base64) == counted);
  CAF_CHECK(decode_encryption_key(base64.substr(0, 43)) == counted);
  CAF_CHECK(decode_encryption_key("0123456789abcdef0123456789abcdef")->at(1) == '1');
  encryption_key ones;
  ones.fill(0xff);
  CAF_CHECK(decode_encryption_key("//////////////////////////////////////////8=") == ones);
  CAF_CHECK(decode_encryption_key("__________________________________________8") == ones);
  for (const auto& wrong :
       {std::string{}, hex.substr(1), "g" + hex.substr(1), base64 + "=", "!" + base64.substr(1),
        base64.substr(0, 42) + "9", std::string(31, 'x')})
    CAF_CHECK(!decode_encryption_key(wrong));
}
