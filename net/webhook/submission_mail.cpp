// The mail that tells an artist of a submission's new status (seed 004).
#include "net/webhook/payloads.hpp"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <string>

#include "core/mail.hpp"
#include "net/webhook/json_reader.hpp"
#include "net/webhook/text.hpp"

namespace lapwing {
namespace {

/// What a status is called in a sentence "Your submission ... ", and what else there is to say.
struct wording {
  std::initializer_list<std::string_view> names;
  std::string_view verb;
  std::string_view more;
};

const std::array<wording, 4>& wordings() {
  static const std::array<wording, 4> all{{
    {{"pending", "submitted", "received", "new"},
     "was received",
     "We will listen to it, and write again when there is news."},
    {{"in_review", "under_review", "reviewing", "in_progress"},
     "is being reviewed",
     "We will write again when there is a decision."},
    {{"approved", "accepted"}, "was approved", "Congratulations! We will be in touch with you."},
    {{"rejected", "declined"},
     "was not accepted",
     "Thank you for sending it to us. We would be glad to hear more from you."},
  }};
  return all;
}

/// "In Review" and "in-review" are "in_review".
std::string plain_name(std::string_view status) {
  std::string out{status};
  for (auto& c : out)
    c = c == ' ' || c == '-' ? '_' : c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  return out;
}

std::string first_text(json_view row, std::initializer_list<std::string_view> names,
                       std::size_t bytes_max) {
  for (const auto name : names)
    if (auto text = clipped(row[name].text(), bytes_max); !text.empty())
      return text;
  return {};
}

/// The first that may be written to.
std::string address_of(json_view row) {
  for (const auto name : {"artist_email", "email", "user_email", "contact_email"})
    if (auto text = row[name].text(); valid_mail_address(text))
      return std::string{text};
  return {};
}

std::string person_of(json_view row) {
  for (const auto name : {"artist_id", "user_id"}) {
    auto text = row[name].integer() ? std::to_string(*row[name].integer())
                                    : std::string{row[name].text()};
    if (valid_user_id(text))
      return text;
  }
  return {};
}

} // namespace

std::optional<outbox_item> status_mail(std::string_view body, const submission_update& update,
                                       timestamp now) {
  auto document = json_document::parse(body);
  if (!document)
    return std::nullopt;
  const auto row = document->root()["record"];
  const auto status = row["status"].text();
  if (status.empty() || status == document->root()["old_record"]["status"].text())
    return std::nullopt;
  mail letter;
  letter.to = address_of(row);
  letter.person = person_of(row);
  if (letter.to.empty() && letter.person.empty())
    return std::nullopt;
  const auto title = first_text(row, {"title", "track_title", "song_title", "track_name"}, 100);
  const auto name = first_text(row, {"artist_name", "full_name"}, 100);
  const auto what = title.empty() ? "submission" : "submission \"" + title + '"';
  const auto plain = plain_name(status);
  auto found = std::ranges::find_if(wordings(), [&](const wording& one) {
    return std::ranges::find(one.names, plain) != one.names.end();
  });
  const bool known = found != wordings().end();
  const auto verb = known ? std::string{found->verb}
                          : "has a new status: " + clipped(status, 64);
  letter.subject = "Your " + what + ' ' + verb;
  letter.text = "Hello" + (name.empty() ? "" : ' ' + name) + ",\n\nyour " + what + ' ' + verb + ".\n";
  if (known)
    letter.text.append("\n").append(found->more).append("\n");
  return outbox_item{std::string{mail_kind}, "submission-status:" + update.delivery_id,
                     user_id{letter.person}, mail_json(letter), now};
}

} // namespace lapwing
