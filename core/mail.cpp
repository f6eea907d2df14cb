#include "core/mail.hpp"

#include <algorithm>

#include "core/json_text.hpp"

namespace lapwing {
namespace {

bool is_alphanumeric(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/// RFC 5322 3.2.3, atext.
bool is_atom(std::string_view text) noexcept {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return is_alphanumeric(c) || std::string_view{"!#$%&'*+-/=?^_`{|}~"}.find(c) != std::string_view::npos;
  });
}

/// RFC 1123 2.1.
bool is_label(std::string_view text) noexcept {
  return !text.empty() && text.size() <= 63 && text.front() != '-' && text.back() != '-'
         && std::ranges::all_of(text, [](char c) { return is_alphanumeric(c) || c == '-'; });
}

/// True when there are at least `least` pieces between dots, and each is one.
bool dotted(std::string_view text, std::size_t least, bool (*is_piece)(std::string_view) noexcept) {
  for (std::size_t count = 1;; ++count) {
    const auto dot = text.find('.');
    if (!is_piece(text.substr(0, dot)))
      return false;
    if (dot == std::string_view::npos)
      return count >= least;
    text.remove_prefix(dot + 1);
  }
}

} // namespace

bool valid_mail_address(std::string_view text) noexcept {
  const auto at = text.find('@');
  return text.size() <= mail_address_bytes_max && at != std::string_view::npos && at <= 64
         && dotted(text.substr(0, at), 1, is_atom) && dotted(text.substr(at + 1), 2, is_label);
}

std::string mail_json(const mail& what) {
  std::string out = R"({"to":)";
  append_json_string(out, what.to);
  out += R"(,"person":)";
  append_json_string(out, what.person);
  out += R"(,"subject":)";
  append_json_string(out, what.subject);
  out += R"(,"text":)";
  append_json_string(out, what.text);
  out += '}';
  return out;
}

} // namespace lapwing
