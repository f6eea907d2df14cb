#include "realtime/text_pattern.hpp"

#include <boost/regex.hpp>

namespace lapwing::realtime {
namespace {

/// One character of UTF-8; a broken byte counts as one.
char32_t take_character(std::string_view& text) {
  auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  auto lead = byte(0);
  std::size_t length = lead >> 5 == 0x6 ? 2 : lead >> 4 == 0xE ? 3 : lead >> 3 == 0x1E ? 4 : 1;
  char32_t value = lead;
  if (length > 1 && length <= text.size()) {
    value = lead & (0x7FU >> length);
    for (std::size_t i = 1; i < length; ++i) {
      if (byte(i) >> 6 != 2) {
        value = lead;
        length = 1;
        break;
      }
      value = value << 6 | (byte(i) & 0x3FU);
    }
  } else {
    length = 1;
  }
  text.remove_prefix(length);
  return value;
}

std::wstring characters(std::string_view text) {
  std::wstring out;
  out.reserve(text.size());
  while (!text.empty())
    out += static_cast<wchar_t>(take_character(text));
  return out;
}

/// Lower case of Latin, Greek and Cyrillic letters, which is what ILIKE is used for.
wchar_t folded(wchar_t c) {
  if ((c >= L'A' && c <= L'Z') || (c >= 0xC0 && c <= 0xDE && c != 0xD7)
      || (c >= 0x391 && c <= 0x3A9) || (c >= 0x410 && c <= 0x42F))
    return c + 32;
  if (c >= 0x400 && c <= 0x40F)
    return c + 80;
  bool pairs = (c >= 0x100 && c <= 0x137) || (c >= 0x14A && c <= 0x177);
  bool odd_pairs = (c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17E);
  if ((pairs && c % 2 == 0) || (odd_pairs && c % 2 == 1))
    return c + 1;
  return c;
}

std::wstring folded(std::wstring text) {
  for (auto& c : text)
    c = folded(c);
  return text;
}

} // namespace

bool like(std::string_view text, std::string_view pattern, bool ignore_case) {
  auto t = characters(text);
  auto p = characters(pattern);
  if (ignore_case) {
    t = folded(std::move(t));
    p = folded(std::move(p));
  }
  std::size_t at = 0;
  std::size_t in = 0;
  std::size_t star = std::wstring::npos; // After the last `%`, and where its text ends so far.
  std::size_t star_at = 0;
  while (at < t.size()) {
    if (in < p.size() && p[in] == L'%') {
      star = ++in;
      star_at = at;
      continue;
    }
    if (in < p.size()) {
      bool escaped = p[in] == L'\\' && in + 1 < p.size();
      wchar_t wanted = escaped ? p[in + 1] : p[in];
      if ((!escaped && wanted == L'_') || wanted == t[at]) {
        in += escaped ? 2 : 1;
        ++at;
        continue;
      }
    }
    if (star == std::wstring::npos)
      return false;
    in = star;
    at = ++star_at;
  }
  while (in < p.size() && p[in] == L'%')
    ++in;
  return in == p.size();
}

bool valid_like_pattern(std::string_view pattern) noexcept {
  std::size_t slashes = 0;
  while (pattern.ends_with('\\')) {
    pattern.remove_suffix(1);
    ++slashes;
  }
  return slashes % 2 == 0;
}

struct text_regex::compiled {
  boost::wregex expression;
};

result<text_regex> text_regex::compile(std::string_view pattern, bool ignore_case) {
  try {
    boost::wregex::flag_type flags = boost::wregex::perl;
    if (ignore_case)
      flags |= boost::wregex::icase;
    auto made = std::make_shared<compiled>();
    made->expression.assign(characters(pattern), flags);
    text_regex ready;
    ready.compiled_ = std::move(made);
    return ready;
  } catch (const std::runtime_error&) { // boost::regex_error, or too complex to compile.
    return error{errc::bad_request, "it is not a regular expression"};
  }
}

bool text_regex::found_in(std::string_view text) const {
  try {
    return boost::regex_search(characters(text), compiled_->expression);
  } catch (const std::runtime_error&) { // Boost.Regex bounds its own effort.
    return false;
  }
}

} // namespace lapwing::realtime
