// What single texts of a platform file may look like.
#pragma once

#include "config/text_rules.hpp"

namespace lapwing {

/// https, or http to this machine; no user information, no fragment, no spaces. Tokens and client
/// secrets go there.
extern const text_rule provider_url_rule;
/// Five fields of numbers, `*`, ranges, lists and steps.
extern const text_rule cron_rule;
/// [a-z0-9_-], at most 64 characters.
extern const text_rule endpoint_id_rule;
/// "a.b": members of objects, one after the other.
extern const text_rule json_path_rule;
/// The same, and "a[].b": every element of a list on the way.
extern const text_rule items_path_rule;
/// "UTC" or a zone of the mainland of the United States: those whose midnight is known.
extern const text_rule zone_rule;
extern const text_rule method_rule;
extern const text_rule platform_name_rule;
/// [A-Z0-9_]: the front of a variable's name.
extern const text_rule variable_prefix_rule;
extern const text_rule separator_rule;
/// No control characters: it goes into a header or an address.
extern const text_rule plain_text_rule;

} // namespace lapwing
