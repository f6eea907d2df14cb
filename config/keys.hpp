// The one table of everything that can be set: key, member, kind, range, who may know it, whether
// SIGHUP changes it, and one line of reason. Loading, checking, reloading, the sample file, the
// documentation and the tests all walk it, so a setting is added in config.hpp and here only.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/config.hpp"
#include "config/text_rules.hpp"

namespace lapwing {

/// Where a setting lives, inside a struct that the caller keeps alive.
using value_ref =
    std::variant<std::string*, std::vector<std::string>*, bool*, std::uint64_t*, milliseconds*>;

struct key_info {
  std::string_view path; ///< "limits.api_requests"; without its table for keys of a custom scheme.
  std::string_view doc;  ///< One sentence.
  std::vector<std::string_view> choices; ///< Text must be one of these, unless there are none.
  const text_rule* rule = nullptr;       ///< Every non-empty text must fit; null: any text.
  std::uint64_t min = 0;                 ///< Numbers; durations in milliseconds.
  std::uint64_t max = 0;
  std::string_view seed_name; ///< A further environment variable with the same meaning.
  bool bytes = false;         ///< A number of bytes: "256KiB" is understood too.
  bool secret = false;        ///< Never shown; may be given as `file:/path`.
  bool reload = false;        ///< SIGHUP changes it.
  bool needed = false;        ///< Text must not be empty.
};

template <class Owner>
struct basic_key : key_info {
  value_ref (*member)(Owner&) = nullptr;
};

using config_key = basic_key<config>;
using custom_key = basic_key<webhook_scheme_config>;

struct section_info {
  std::string_view path; ///< "webhooks.gmail"
  std::string_view doc;
};

/// In the order of the sample file; keys of one section stand together.
const std::vector<config_key>& config_keys();
/// The keys of each `[webhooks.custom.NAME]`.
const std::vector<custom_key>& custom_keys();
/// Every table that holds keys, with its one line; `webhooks.custom` is not among them.
const std::vector<section_info>& config_sections();

/// "limits" of "limits.api_requests", "webhooks.gmail" of "webhooks.gmail.audience".
std::string_view section_of(std::string_view path);
/// "api_requests" of "limits.api_requests".
std::string_view name_of(std::string_view path);
/// "LAPWING_LIMITS__API_REQUESTS" of "limits.api_requests".
std::string environment_name(std::string_view path);

/// What is allowed, as the end of the sentence "give ...": "an integer from 0 to 64".
std::string allowed_text(const key_info& key, const value_ref& value);

} // namespace lapwing
