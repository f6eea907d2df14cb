// What a text setting may look like beyond being text. Each rule carries the words that tell an
// operator what is allowed; documentation and error messages both use them.
#pragma once

#include <string_view>

namespace lapwing {

struct text_rule {
  std::string_view allowed; ///< Completes "give ...": "an http:// or https:// address".
  bool (*holds)(std::string_view text);
};

extern const text_rule listen_rule;
extern const text_rule http_url_rule;
extern const text_rule origin_rule;
extern const text_rule database_url_rule;
extern const text_rule encryption_key_rule;
extern const text_rule ed25519_key_rule;
extern const text_rule header_name_rule;
extern const text_rule vapid_subject_rule;
extern const text_rule jwt_secret_rule;
extern const text_rule mail_domain_rule;
extern const text_rule mail_sender_rule;

/// `[a-z0-9][a-z0-9_-]{0,31}`: what can stand in a route, a table name of TOML and a log line.
bool valid_platform_name(std::string_view text);

} // namespace lapwing
