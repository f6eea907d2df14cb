#include "config/reload.hpp"

#include <fmt/format.h>

#include "config/keys.hpp"

namespace lapwing {
namespace {

bool same(const value_ref& a, const value_ref& b) {
  return std::visit([&](auto* left) { return *left == *std::get<decltype(left)>(b); }, a);
}

void assign(const value_ref& to, const value_ref& from) {
  std::visit([&](auto* member) { *member = *std::get<decltype(member)>(from); }, to);
}

/// Walks one list of keys over two owners.
template <class Owner>
void merge(const std::vector<basic_key<Owner>>& keys, Owner& to, Owner& from,
           const std::string& prefix, reload_plan& plan) {
  for (const auto& key : keys) {
    const auto old_value = key.member(to);
    const auto new_value = key.member(from);
    if (same(old_value, new_value))
      continue;
    auto path = prefix + std::string{key.path};
    if (key.reload) {
      assign(old_value, new_value);
      plan.changed.push_back(std::move(path));
    } else {
      plan.needs_restart.push_back(std::move(path));
    }
  }
}

} // namespace

reload_plan apply_reload(const config& current, const config& next) {
  reload_plan plan{current, {}, {}};
  auto wanted = next;
  // New files for TLS are read again; whether listeners speak TLS at all was decided at start.
  if (current.tls.certificate.empty() != next.tls.certificate.empty()) {
    wanted.tls = current.tls;
    plan.needs_restart.insert(plan.needs_restart.end(), {"tls.certificate", "tls.key"});
  }
  merge(config_keys(), plan.merged, wanted, "", plan);

  auto& platforms = plan.merged.webhooks.custom;
  for (auto& [name, scheme] : wanted.webhooks.custom) {
    const auto path = fmt::format("webhooks.custom.{}", name);
    if (const auto found = platforms.find(name); found != platforms.end())
      merge(custom_keys(), found->second, scheme, path + ".", plan);
    else
      plan.needs_restart.push_back(path);
  }
  for (const auto& [name, scheme] : platforms)
    if (!wanted.webhooks.custom.contains(name))
      plan.needs_restart.push_back(fmt::format("webhooks.custom.{}", name));
  return plan;
}

} // namespace lapwing
