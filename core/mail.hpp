// A mail to one person, and what may be an address. The text is plain: nothing in it can become a
// header, another recipient or markup.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace lapwing {

/// The kind of mails in the outbox.
inline constexpr std::string_view mail_kind = "mail";

inline constexpr std::size_t mail_address_bytes_max = 254; // RFC 5321 4.5.3.1.3, with its brackets.

struct mail {
  std::string to;      ///< valid_mail_address, or empty: that of `person`.
  std::string person;  ///< Who is meant, as Supabase Auth knows them; may be empty.
  std::string subject; ///< UTF-8 without control characters.
  std::string text;    ///< UTF-8.
};

/// One plain address `local@domain` (RFC 5321 4.1.2 without quotes, comments, literals and
/// internationalised forms): no list, no name, no character that means something in a header.
bool valid_mail_address(std::string_view text) noexcept;

/// As a JSON object: {"to":...,"person":...,"subject":...,"text":...}.
std::string mail_json(const mail& what);

} // namespace lapwing
