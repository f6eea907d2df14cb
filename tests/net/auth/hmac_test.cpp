#define CAF_SUITE auth_hmac
#include "tests/support/caf_test.hpp"

#include <string>

#include "net/auth/encoding.hpp"
#include "net/auth/hmac.hpp"
#include "tests/net/auth/helpers.hpp"

using namespace lapwing;
using namespace lapwing::testing;

CAF_TEST(the precomputed key gives the vectors of RFC 4231) {
  // Cases 1, 2 and 6 (a key above the block size).
  struct vector {
    std::string key, data, digest;
  };
  for (const auto& [key, data, digest] :
       {vector{std::string(20, '\x0b'), "Hi There",
               "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
        vector{"Jefe", "what do ya want for nothing?",
               "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
        vector{std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First",
               "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"}}) {
    hmac_sha256_key prepared{key};
    CAF_CHECK_EQUAL(to_hex(bytes_of(prepared.digest({data}))), digest);
    CAF_CHECK_EQUAL(to_hex(hmac(hash_method::sha256, key, data)), digest);
    CAF_CHECK(prepared.matches({data.substr(0, 3), data.substr(3)}, from_hex(digest).value()));
    CAF_CHECK(!prepared.matches({data}, from_hex(digest).value().substr(1)));
    CAF_CHECK(!prepared.matches({data}, ""));
  }
}

CAF_TEST(every method of WebSub gives the golden digests) {
  auto vector = golden("websub-signature");
  for (auto name : {"sha1", "sha256", "sha384", "sha512"}) {
    auto digest = hmac(hash_method_of(name).value(), vector["inputs"]["hub_secret"].get<std::string>(),
                       vector["inputs"]["body_utf8"].get<std::string>());
    CAF_CHECK_EQUAL(std::string{name} + "=" + to_hex(digest),
                    vector["expected"][name].get<std::string>());
  }
  CAF_CHECK(!hash_method_of("md5"));
  CAF_CHECK(!hash_method_of(""));
}

CAF_TEST(texts are equal only with the same length and the same bytes) {
  CAF_CHECK(equal_in_constant_time("", ""));
  CAF_CHECK(equal_in_constant_time("abc", "abc"));
  CAF_CHECK(!equal_in_constant_time("abc", "abd"));
  CAF_CHECK(!equal_in_constant_time("abc", "ab"));
}
