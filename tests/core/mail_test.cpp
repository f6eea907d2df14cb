#define CAF_SUITE mail
#include "tests/support/caf_test.hpp"

#include <string>

#include "core/mail.hpp"

using namespace lapwing;

CAF_TEST(plain addresses are addresses) {
  for (const char* good : {"ann@example.com", "a.b+c@mg.example.co.uk", "x@y.z", "O'Neil@a-b.de",
                           "{odd}!#$%&'*+-/=?^_`|~@example.com", "1@2.3"})
    CAF_CHECK(valid_mail_address(good));
  CAF_CHECK(valid_mail_address(std::string(64, 'a') + "@example.com"));
}

CAF_TEST(nothing else is one) {
  for (const char* bad :
       {"", "@", "ann", "ann@", "@example.com", "ann@localhost", "ann@example.com ", " ann@example.com",
        "ann@example.com,bob@example.com", "ann@example.com;bob@example.com", "Ann <ann@example.com>",
        "<ann@example.com>", "ann@example.com\r\nBcc: bob@example.com", "ann@example.com\n",
        "ann\t@example.com", "a@b@example.com", "ann@exa mple.com", "ann@-example.com",
        "ann@example-.com", "ann@example..com", "ann@.example.com", "ann@example.com.", ".ann@example.com",
        "ann.@example.com", "a..b@example.com", "\"ann\"@example.com", "ann@[127.0.0.1]",
        "ann(comment)@example.com", "\xc3\xa4@example.com", "ann@ex\xc3\xa4mple.com", "ann@example.com\x7f"})
    CAF_CHECK(!valid_mail_address(bad));
  CAF_CHECK(!valid_mail_address(std::string_view{"ann@example.com\0", 16}));
  CAF_CHECK(!valid_mail_address(std::string(65, 'a') + "@example.com"));
  CAF_CHECK(!valid_mail_address("ann@" + std::string(64, 'a') + ".com"));
  std::string longest = "ann@";
  while (longest.size() < 250)
    longest += "abcdefg.";
  CAF_CHECK(!valid_mail_address(longest + "abcdefgh"));
}

CAF_TEST(a mail as JSON is escaped) {
  CAF_CHECK_EQUAL(mail_json({"a@b.example", "ann", "\"S\"", "one\ntwo"}),
                  "{\"to\":\"a@b.example\",\"person\":\"ann\",\"subject\":\"\\\"S\\\"\","
                  "\"text\":\"one\\ntwo\"}");
}
