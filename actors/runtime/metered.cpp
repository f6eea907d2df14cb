#include "actors/runtime/metered.hpp"

#include <caf/type_erased_tuple.hpp>

#include "actors/runtime/asio_scheduler.hpp"
#include "actors/runtime/runtime_config.hpp"

namespace lapwing {
namespace {

io_worker* home_worker(caf::actor_system& system, caf::execution_unit* host) {
  if (auto* worker = dynamic_cast<io_worker*>(host))
    return worker;
  auto* scheduler = asio_scheduler::find(system);
  return scheduler ? &scheduler->worker(scheduler->next_home()) : nullptr;
}

} // namespace

metered_part::metered_part(caf::actor_system& system, caf::execution_unit* host)
  : worker_(home_worker(system, host)), config_(runtime_config::find(system)) {
  if (worker_)
    meter_.home = static_cast<std::uint16_t>(worker_->index());
}

metered_part::~metered_part() { leave_census(); }

void metered_part::enter_census(caf::actor_control_block* self, const char* kind) {
  meter_.self = self;
  meter_.kind = kind;
  if (config_)
    config_->census().enter(meter_);
}

void metered_part::leave_census() noexcept {
  if (config_)
    config_->census().leave(meter_);
}

caf::error metered_part::report_exception(std::exception_ptr& thrown) {
  std::string text = "not a std::exception";
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& failure) {
    text = failure.what();
  } catch (...) {
    // The text above stands for it.
  }
  if (config_)
    config_->report({actor_fault::what::exception, meter_.self->id(), meter_.kind,
                     config_->census().label_of(meter_),
                     std::move(text)});
  return caf::make_error(caf::sec::runtime_error);
}

void metered_part::report_unexpected(const caf::type_erased_tuple& message) {
  if (!config_)
    return;
  std::string types;
  for (std::size_t index = 0; index < message.size(); ++index) {
    auto type = message.type(index);
    types += index > 0 ? ", " : "";
    if (type.first == caf::type_nr<caf::atom_value>::value)
      types += to_string(message.get_as<caf::atom_value>(index));
    else if (type.second)
      types += type.second->name();
    else
      types += "type " + std::to_string(type.first);
  }
  config_->report({actor_fault::what::unexpected_message, meter_.self->id(), meter_.kind,
                     config_->census().label_of(meter_),
                   std::move(types)});
}

std::size_t home_count(caf::actor_system& system) {
  auto* scheduler = asio_scheduler::find(system);
  return scheduler ? scheduler->size() : 1;
}

std::size_t current_home(caf::actor_system& system) {
  auto* scheduler = asio_scheduler::find(system);
  if (!scheduler)
    return 0;
  auto index = scheduler->current();
  return index == asio_scheduler::npos ? any_home : index;
}

caf::execution_unit* home_host(caf::actor_system& system, std::size_t home) {
  auto* scheduler = home == any_home ? nullptr : asio_scheduler::find(system);
  return scheduler ? &scheduler->worker(home) : nullptr;
}

void label_actor(caf::actor_system& system, metered_part& actor, std::string text) {
  if (auto* config = runtime_config::find(system))
    config->census().label(actor.meter(), std::move(text));
}

} // namespace lapwing
