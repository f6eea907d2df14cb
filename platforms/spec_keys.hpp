// The one table of everything a platform file can say: key, member, kind, range and one line of
// reason. The loader, the documentation and the tests walk it, so an option is added in spec.hpp
// and here only.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "config/text_rules.hpp"
#include "platforms/spec.hpp"

namespace lapwing {

/// Where a key's value goes: a member of the platform, or of the endpoint that is being read.
using spec_ref =
    std::variant<std::string*, std::vector<std::string>*, bool*, int*, std::uint32_t*, std::size_t*,
                 std::optional<std::uint32_t>*, std::chrono::seconds*, std::chrono::milliseconds*,
                 std::optional<std::chrono::seconds>*, parameter_list*, platform_id*, client_auth*,
                 page_style*, cursor_style*, registration_style*, budget_owner*,
                 std::optional<limit_reach>*>;

struct spec_scope {
  platform_spec& platform;
  endpoint_spec& endpoint;
};

struct spec_key {
  std::string_view name; ///< "scope_separator", without its table.
  std::string_view doc;  ///< One sentence.
  spec_ref (*member)(const spec_scope&);
  const text_rule* rule = nullptr;       ///< Every non-empty text must fit; null: any text.
  std::vector<std::string_view> choices; ///< Text must be one of these, unless there are none.
  std::uint64_t min = 0;                 ///< Numbers; durations in milliseconds.
  std::uint64_t max = 0;
  bool needed = false; ///< Must be there and must not be empty.
  bool secret = false; ///< Never shown; may be given as `file:/path`.
};

struct spec_section {
  std::string_view path; ///< "" the top, "oauth.revocation", "poll.endpoints".
  std::string_view doc;
  std::vector<spec_key> keys;
  bool needed = false;
  bool repeated = false; ///< [[poll.endpoints]]
};

/// In the order of the documentation.
const std::vector<spec_section>& spec_sections();

/// "oauth.token_url" of the section "oauth" and the key "token_url".
std::string spec_path(std::string_view section, std::string_view name);

/// What is allowed, as the end of the sentence "give ...": "a duration from 1s to 30d".
std::string allowed_text(const spec_key& key, const spec_ref& value);

/// The words of an enumeration in a platform file, in the order of its values.
std::span<const std::string_view> words_of(client_auth);
std::span<const std::string_view> words_of(page_style);
std::span<const std::string_view> words_of(cursor_style);
std::span<const std::string_view> words_of(registration_style);
std::span<const std::string_view> words_of(budget_owner);
std::span<const std::string_view> words_of(limit_reach);

/// The reference part of docs/platforms.md.
std::string spec_reference_markdown();

} // namespace lapwing
