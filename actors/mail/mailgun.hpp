// What is said to Mailgun, and what its answers mean. Pure: values in, values out.
//
//   https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/messages
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "core/error.hpp"
#include "core/http_client.hpp"
#include "core/mail.hpp"
#include "core/time.hpp"

namespace lapwing {

struct mail_settings {
  std::string api_key;
  std::string domain;
  std::string from;     ///< "" for noreply@ the domain.
  std::string base_url; ///< "https://api.mailgun.net", without a slash at the end.
  /// Where a person's address is looked up; "" nowhere.
  std::string directory_url; ///< A Supabase project.
  std::string directory_key; ///< Its service role key.
  std::chrono::milliseconds timeout{10'000}; ///< Of one request.

  bool complete() const noexcept { return !api_key.empty() && !domain.empty(); }
  bool has_directory() const noexcept {
    return !directory_url.empty() && !directory_key.empty();
  }
  friend bool operator==(const mail_settings&, const mail_settings&) = default;
};

/// Nothing when the body is no mail.
std::optional<mail> read_mail(std::string_view body);

/// What tells this mail from all others, and stays the same however often it is sent: hexadecimal.
std::string mail_mark(std::string_view key);

/// Has Mailgun send it. The mark travels as `Message-Id` and `X-Lapwing-Mail`.
http_request mailgun_request(const mail_settings& settings, const mail& what,
                             std::string_view mark);

/// Asks Supabase Auth for a user's address.
http_request directory_request(const mail_settings& settings, std::string_view person);

/// What an answer means for the mail that was asked about, and for those behind it.
struct mail_verdict {
  enum class meaning : std::uint8_t {
    accepted,
    later,      ///< The service is in trouble: the attempt counts.
    throttled,  ///< Too fast: nobody's fault.
    refused_us, ///< Key, domain or account are at fault: only the operator can help.
    refused_it  ///< This mail is at fault, and will always be.
  };
  meaning what = meaning::accepted;
  std::string cause{};              ///< A stable code: "refused_400", "no_answer", ...
  std::optional<std::chrono::milliseconds> after{}; ///< Asked for by Retry-After.
};

mail_verdict read_mailgun(const result<http_response>& answer, timestamp now);

/// What Supabase Auth knows: an address, or why there is none (then the verdict is not `accepted`).
struct directory_answer {
  mail_verdict verdict;
  std::string address;
};
directory_answer read_directory(const result<http_response>& answer, timestamp now);

} // namespace lapwing
