// What SIGHUP may change.
#define CAF_SUITE config_reload

#include "tests/support/caf_test.hpp"

#include "config/keys.hpp"
#include "config/reload.hpp"

using namespace lapwing;

namespace {

using names = std::vector<std::string>;

/// Something else than the default, of the right type.
void disturb(const value_ref& value) {
  if (auto* text = std::get_if<std::string*>(&value))
    **text += "changed";
  else if (auto* list = std::get_if<names*>(&value))
    (*list)->push_back("changed");
  else if (auto* on = std::get_if<bool*>(&value))
    **on = !**on;
  else if (auto* number = std::get_if<std::uint64_t*>(&value))
    ++**number;
  else
    ++*std::get<milliseconds*>(value);
}

config with_tls() {
  config value;
  value.tls = {"old.pem", "old.key"};
  return value;
}

} // namespace

CAF_TEST(an unchanged configuration changes nothing) {
  const auto plan = apply_reload(config{}, config{});
  CAF_CHECK(plan.changed.empty());
  CAF_CHECK(plan.needs_restart.empty());
}

CAF_TEST(each key is either changed or named as needing a restart) {
  for (const auto& key : config_keys()) {
    const auto current = with_tls();
    auto next = current;
    disturb(key.member(next));
    auto plan = apply_reload(current, next);
    const auto path = std::string{key.path};
    CAF_CHECK((plan.changed == (key.reload ? names{path} : names{})));
    CAF_CHECK((plan.needs_restart == (key.reload ? names{} : names{path})));
    // The merged configuration says what is in force.
    const auto again = apply_reload(plan.merged, next);
    CAF_CHECK(again.changed.empty());
    CAF_CHECK((again.needs_restart == plan.needs_restart));
  }
}

CAF_TEST(log level and limits and secrets and certificates and origins are reloadable) {
  const auto current = with_tls();
  auto next = current;
  next.log.level = "debug";
  next.limits.api_requests = 1;
  next.auth.jwt_secret = "new";
  next.webhooks.github = {"new", "old"};
  next.tls = {"new.pem", "new.key"};
  next.http.cors_origins = {"https://a.example"};
  next.node.threads = 7;
  const auto plan = apply_reload(current, next);
  CAF_CHECK(
      (plan.changed
       == names{"log.level", "auth.jwt_secret", "tls.certificate", "tls.key", "limits.api_requests",
                "http.cors_origins", "webhooks.github.secret", "webhooks.github.secret_previous"}));
  CAF_CHECK((plan.needs_restart == names{"node.threads"}));
  CAF_CHECK_EQUAL(plan.merged.webhooks.github.previous, "old");
  CAF_CHECK_EQUAL(plan.merged.node.threads, 0u);
}

CAF_TEST(switching TLS on or off needs a restart) {
  const auto on = apply_reload(config{}, with_tls());
  CAF_CHECK(on.changed.empty());
  CAF_CHECK((on.needs_restart == names{"tls.certificate", "tls.key"}));
  CAF_CHECK_EQUAL(on.merged.tls.key, "");
  const auto off = apply_reload(with_tls(), config{});
  CAF_CHECK((off.needs_restart == names{"tls.certificate", "tls.key"}));
  CAF_CHECK_EQUAL(off.merged.tls.key, "old.key");
}

CAF_TEST(custom platforms rotate their secrets and otherwise wait for a restart) {
  config current;
  current.webhooks.custom["kept"].secret = {"a", ""};
  current.webhooks.custom["gone"].secret = {"b", ""};
  auto next = current;
  next.webhooks.custom["kept"].secret = {"c", "a"};
  next.webhooks.custom["kept"].header = "X-New";
  next.webhooks.custom.erase("gone");
  next.webhooks.custom["fresh"].secret = {"d", ""};
  const auto plan = apply_reload(current, next);
  CAF_CHECK((plan.changed
             == names{"webhooks.custom.kept.secret", "webhooks.custom.kept.secret_previous"}));
  CAF_CHECK(
      (plan.needs_restart
       == names{"webhooks.custom.fresh", "webhooks.custom.kept.header", "webhooks.custom.gone"}));
  CAF_CHECK_EQUAL(plan.merged.webhooks.custom.at("kept").secret.current, "c");
  CAF_CHECK_EQUAL(plan.merged.webhooks.custom.size(), 2u);
}
