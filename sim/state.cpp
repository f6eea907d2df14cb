#include "sim/state.hpp"

namespace lapwing::sim {

world_state::world_state(world_options chosen)
  : options(std::move(chosen)), now(options.start), luck(mix(options.seed, 0x5eed)),
    applications(options.applications), persons(options), grants(mix(options.seed, 0x70ce)) {
  for (std::size_t i = 0; i < provider_count; ++i) {
    auto at = static_cast<provider>(i);
    bool known = false;
    for (const auto& one : applications)
      known = known || one.at == at;
    if (known)
      continue;
    application usual;
    usual.at = at;
    usual.client_id = "sim-" + std::string{name_of(at)} + "-id";
    usual.client_secret = "sim-" + std::string{name_of(at)} + "-secret";
    applications.push_back(std::move(usual));
  }
  discord_key = std::make_unique<ed25519_key>(sha256("discord " + std::to_string(options.seed)));
}

std::string world_state::origin(std::string_view host) const {
  return (options.base_url.empty() ? "https://" : options.base_url + '/') + std::string{host};
}

std::chrono::milliseconds world_state::delivery_delay() {
  auto mean = static_cast<double>(options.delivery_delay.count());
  auto more = mean <= 0 ? 0 : luck.exponential(mean);
  return options.delivery_delay + std::chrono::milliseconds{static_cast<std::int64_t>(more)};
}

void world_state::deliver(pending_delivery what, std::chrono::milliseconds in) {
  what.due = now + in;
  auto user = name_of_person(what.person);
  auto strike = [&](fault_kind kind) {
    return faults.empty() ? nullptr
                          : faults.strike(kind, kind, what.where, user, {}, now, luck);
  };
  if (auto late = strike(fault_kind::late_delivery))
    what.due += late->delay;
  if (auto mixed = strike(fault_kind::reorder_deliveries))
    what.due += std::chrono::milliseconds{
      luck.below(static_cast<std::uint64_t>(mixed->delay.count()) + 1)};
  what.bad_signature = strike(fault_kind::bad_signature) != nullptr;
  if (strike(fault_kind::duplicate_delivery) != nullptr) {
    auto twin = what;
    twin.copy = true;
    twin.due += std::chrono::milliseconds{luck.below(2000)};
    deliveries.add(twin);
  }
  deliveries.add(what);
}

} // namespace lapwing::sim
