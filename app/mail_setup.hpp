// From the configuration to the mail carrier, and from its news to the log.
#pragma once

#include <cstdint>
#include <string>

#include "actors/mail/mailer.hpp"
#include "config/config.hpp"

namespace lapwing {

mail_settings mail_settings_of(const config& settings);
mailer_rules mail_rules_of(const mail_config& settings);

/// One line, without address or content.
void log_mail(mail_news what, std::uint64_t id, const std::string& cause);

} // namespace lapwing
