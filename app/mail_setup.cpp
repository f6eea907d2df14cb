#include "app/mail_setup.hpp"

#include <algorithm>

#include <spdlog/spdlog.h>

namespace lapwing {
namespace {

std::string without_slash(std::string url) {
  while (url.ends_with('/'))
    url.pop_back();
  return url;
}

} // namespace

mail_settings mail_settings_of(const config& settings) {
  const auto& mail = settings.mail;
  return {mail.mailgun_api_key,
          mail.mailgun_domain,
          mail.mailgun_from_email,
          without_slash(mail.mailgun_base_url),
          without_slash(settings.supabase.url),
          settings.supabase.service_role_key,
          mail.timeout};
}

mailer_rules mail_rules_of(const mail_config& settings) {
  mailer_rules rules;
  rules.at_once_max = settings.at_once;
  rules.attempts_max = static_cast<std::uint32_t>(settings.attempts);
  rules.retry_min = settings.retry_min;
  rules.retry_max = std::max(settings.retry_min, settings.retry_max);
  rules.give_up_after = settings.give_up_after;
  return rules;
}

void log_mail(mail_news what, std::uint64_t id, const std::string& cause) {
  switch (what) {
    case mail_news::sent: return spdlog::info("mail {} sent", id);
    case mail_news::retried:
      return spdlog::warn("mail {} was not sent ({}); it is tried again", id, cause);
    case mail_news::died:
      return spdlog::error("mail {} is given up ({}): see `lapwing admin mails`", id, cause);
    case mail_news::lost_claim:
      return spdlog::warn("mail {} took longer than its claim; it may be sent twice", id);
    case mail_news::we_refused:
      return spdlog::error("mails are not accepted from this node ({}): check mail.* and the"
                           " account. They wait, and are tried again",
                           cause);
    case mail_news::works_again: return spdlog::info("mails are sent again (it was: {})", cause);
  }
}

} // namespace lapwing
