#include "app/platform_webhooks.hpp"

#include "platforms/builtin.hpp"

namespace lapwing {

config with_platform_webhooks(config settings, const std::vector<platform_spec>& platforms) {
  for (const auto& platform : platforms) {
    const auto& webhook = platform.webhook;
    if (webhook.secret.empty() || is_builtin(platform.name.str()))
      continue;
    settings.webhooks.custom.try_emplace(
      platform.name.str(), webhook_scheme_config{webhook.scheme, {webhook.secret, {}},
                                                 webhook.header, webhook.prefix, webhook.encoding});
  }
  return settings;
}

} // namespace lapwing
