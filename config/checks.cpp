#include "config/checks.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "config/keys.hpp"
#include "config/listen.hpp"
#include "config/text_rules.hpp"
#include "config/values.hpp"

namespace lapwing {
namespace {

/// The checks share this list; each adds at most a few mistakes to it.
class checker {
public:
  checker(const config& value, const std::function<std::string(std::string_view)>& where)
      : value_(value), where_(where) {}

  std::vector<config_mistake> run(config_purpose purpose) {
    if (purpose == config_purpose::serve) {
      check_listeners();
      check_identity();
    }
    check_pairs();
    check_sizes();
    for (const auto& [name, scheme] : value_.webhooks.custom)
      check_custom(name, scheme);
    return std::move(mistakes_);
  }

private:
  void add(std::string key, std::string problem, std::string remedy) {
    auto where = where_(key);
    mistakes_.push_back({std::move(where), std::move(key), std::move(problem), std::move(remedy)});
  }

  void check_listeners() {
    if (value_.node.listen.empty())
      add("node.listen", "is empty", "give at least one address, such as \"127.0.0.1:3001\"");
    if (!value_.dev())
      return;
    for (const auto& text : value_.node.listen)
      if (const auto address = parse_listen(text); address && !address->loopback)
        add("node.listen", fmt::format("auth.mode = \"dev\" cannot serve on {}", quoted(text)),
            "dev believes every userId: listen on loopback (127.0.0.1, [::1]), or use mode "
            "\"jwt\"");
  }

  void check_identity() {
    const auto& auth = value_.auth;
    if (!value_.dev() && auth.jwt_secret.empty() && auth.jwks_file.empty() && auth.jwks_url.empty())
      add("auth.jwt_secret", "auth.mode = \"jwt\" has no key to check tokens with",
          "set auth.jwt_secret (`lapwing keys` makes one), auth.jwks_file or auth.jwks_url; or "
          "use auth.mode = \"dev\" on loopback");
  }

  /// Reports that one of two settings that need each other is missing.
  void check_both(const char* first, bool has_first, const char* second, bool has_second) {
    if (has_first != has_second)
      add(has_first ? second : first,
          fmt::format("is missing while {} is set", has_first ? first : second),
          "set both or neither");
  }

  void check_pairs() {
    check_both("tls.certificate", !value_.tls.certificate.empty(), "tls.key",
               !value_.tls.key.empty());
    check_both("push.vapid_public_key", !value_.push.vapid_public_key.empty(),
               "push.vapid_private_key", !value_.push.vapid_private_key.empty());
    check_both("mail.mailgun_api_key", !value_.mail.mailgun_api_key.empty(),
               "mail.mailgun_domain", !value_.mail.mailgun_domain.empty());
    const auto previous = [&](const char* platform, const secret_pair& pair) {
      if (pair.current.empty() && !pair.previous.empty())
        add(fmt::format("webhooks.{}.secret", platform), "is missing while secret_previous is set",
            "set secret; secret_previous only helps while it rotates");
    };
    previous("github", value_.webhooks.github);
    previous("slack", value_.webhooks.slack);
    previous("calendar", value_.webhooks.calendar);
    previous("youtube", value_.webhooks.youtube);
    previous("linkedin", value_.webhooks.linkedin);
    previous("supabase", value_.webhooks.supabase);
  }

  void check_sizes() {
    const auto& limits = value_.limits;
    const auto fits = [&](const char* key, std::size_t bytes) {
      if (bytes > limits.inflight_bytes)
        add(key,
            fmt::format("{} is more than limits.inflight_bytes ({})", format_size(bytes),
                        format_size(limits.inflight_bytes)),
            "one body must fit into what the node holds at once");
    };
    fits("limits.body", limits.body);
    fits("limits.body_github", limits.body_github);
    if (value_.storage.batch_max > value_.storage.queue_max)
      add("storage.batch_max",
          fmt::format("{} is more than storage.queue_max ({})", value_.storage.batch_max,
                      value_.storage.queue_max),
          "a commit cannot hold more than what may wait for it");
  }

  void check_custom(const std::string& name, const webhook_scheme_config& scheme) {
    const auto key = [&](const char* last) {
      return fmt::format("webhooks.custom.{}.{}", name, last);
    };
    if (std::ranges::any_of(config_sections(), [&](const section_info& section) {
          return section.path == "webhooks." + name;
        }))
      add(key("scheme"), fmt::format("{} ships with Lapwing", quoted(name)),
          fmt::format("set it up under [webhooks.{}], or choose another name", name));
    if (scheme.secret.current.empty())
      add(key("secret"), "is missing", "every platform needs one: nothing unsigned is accepted");
    if (scheme.scheme == "hmac-sha256" && scheme.header.empty())
      add(key("header"), "is missing", "scheme hmac-sha256 needs the header of the digest");
    if (scheme.scheme != "ed25519")
      return;
    for (const auto* secret : {&scheme.secret.current, &scheme.secret.previous})
      if (!secret->empty() && !ed25519_key_rule.holds(*secret))
        add(key(secret == &scheme.secret.current ? "secret" : "secret_previous"),
            "is not a key of scheme ed25519", fmt::format("give {}", ed25519_key_rule.allowed));
  }

  const config& value_;
  const std::function<std::string(std::string_view)>& where_;
  std::vector<config_mistake> mistakes_;
};

} // namespace

std::vector<config_mistake> check(const config& value, config_purpose purpose,
                                  const std::function<std::string(std::string_view)>& where) {
  return checker{value, where}.run(purpose);
}

} // namespace lapwing
