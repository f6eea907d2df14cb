#include "app/node.hpp"

#include <chrono>
#include <random>
#include <thread>

#include <unistd.h>

#include <caf/actor_registry.hpp>
#include <caf/actor_system.hpp>
#include <caf/send.hpp>
#include <spdlog/spdlog.h>

#include "actors/admin.hpp"
#include "actors/node_context.hpp"
#include "actors/retention.hpp"
#include "actors/runtime/asio_scheduler.hpp"
#include "actors/runtime/metered.hpp"
#include "actors/runtime/runtime_config.hpp"
#include "app/bridge.hpp"
#include "app/logging.hpp"
#include "app/version.hpp"
#include "net/http/server.hpp"
#include "storage/open_store.hpp"

namespace lapwing {
namespace {

using namespace std::chrono_literals;

std::uint64_t draw() {
  thread_local std::mt19937_64 engine{std::random_device{}()};
  return engine();
}

void log_fault(const actor_fault& fault) {
  spdlog::error("actor {} {} {}: {}: {}", fault.actor, fault.id, fault.label,
                fault.kind == actor_fault::what::exception ? "exception" : "unexpected message",
                fault.text);
}

std::string node_name() {
  char host[256] = "node";
  ::gethostname(host, sizeof host - 1);
  return std::string{host} + '-' + std::to_string(::getpid());
}

runtime_options runtime_of(const config& settings) {
  runtime_options options;
  options.threads = settings.node.threads;
  options.on_fault = log_fault;
  return options;
}

void take_limits(node_context& context, const config& settings) {
  context.limits.sessions_per_user = settings.limits.sessions_per_user;
  context.limits.session_queue = settings.limits.session_queue;
  context.limits.webhook_requests = settings.limits.webhook_requests;
  context.limits.rate_window_ms = settings.limits.rate_window.count();
}

} // namespace

struct node::parts {
  explicit parts(const config& settings) : runtime(runtime_of(settings)), system(runtime) {}

  // In the order of their births; gone in the reverse.
  system_wall_clock clock;
  std::unique_ptr<event_store> store;
  runtime_config runtime;
  caf::actor_system system;
  node_context context;
  admin_actor admin;
  retention_actor retention;
  std::unique_ptr<bridge> core;
  std::unique_ptr<net::server> server;
  std::vector<std::string> addresses;

  void spawn_actors(const config& settings);
  void end_actors();
};

void node::parts::spawn_actors(const config& settings) {
  context.store = store.get();
  context.clock = &clock;
  context.random = draw;
  context.batch_max = settings.storage.batch_max;
  context.accept_unknown_users = settings.webhooks.accept_unknown_users;
  context.heartbeat = settings.streams.heartbeat;
  context.request_timeout = settings.limits.engine_timeout;
  take_limits(context, settings);
  auto homes = home_count(system);
  for (std::size_t home = 0; home < homes; ++home) {
    context.writers.push_back(spawn_batch_writer(system, home, store.get(), context.batch_max));
    context.relays.push_back(spawn_room_relay(system, home, context));
    context.keepers.push_back(spawn_stream_keeper(system, home, context));
    context.directories.push_back(spawn_user_directory(system, home, context));
  }
  retention = spawn_retention(system, store.get(), &clock,
                              {settings.events.retention_count, settings.events.retention_age,
                               settings.events.retention_interval});
  node_facts facts;
  facts.id = node_name();
  facts.address = settings.node.listen.empty() ? std::string{} : settings.node.listen.front();
  facts.version = std::string{version};
  facts.ready = [this](std::string& why) { return core && core->ready(why); };
  facts.set_log_level = set_log_level;
  admin = spawn_admin(system, context, std::move(facts));
}

void node::parts::end_actors() {
  auto end = [](auto& handles) {
    for (auto& handle : handles)
      caf::anon_send_exit(handle, caf::exit_reason::user_shutdown);
    handles.clear();
  };
  caf::anon_send_exit(admin, caf::exit_reason::user_shutdown);
  caf::anon_send_exit(retention, caf::exit_reason::user_shutdown);
  admin = nullptr;
  retention = nullptr;
  end(context.directories); // And with them supervisors, their platform actors, and rooms.
  end(context.relays);
  end(context.keepers);
  end(context.writers);
  auto deadline = std::chrono::steady_clock::now() + 5s;
  while (system.registry().running() > 0) {
    if (std::chrono::steady_clock::now() > deadline) {
      // The actor system would wait for them for ever. Everything acknowledged is on disk.
      spdlog::critical("{} actors did not end; leaving without them", system.registry().running());
      runtime.census().for_each_actor([](const actor_figures& left) {
        spdlog::critical("still there: {} {} {}", left.kind, left.id, left.label);
      });
      spdlog::shutdown();
      std::_Exit(1);
    }
    std::this_thread::sleep_for(5ms);
  }
}

node::node(std::unique_ptr<parts> made) : parts_(std::move(made)) {}

result<std::unique_ptr<node>> node::start(const config& settings) {
  auto store = open_store(settings);
  if (!store)
    return store.error();
  auto made = std::make_unique<parts>(settings);
  made->store = std::move(*store);
  made->spawn_actors(settings);
  made->core = std::make_unique<bridge>(made->system, made->context, made->admin);
  std::vector<boost::asio::io_context*> shards;
  auto& scheduler = asio_scheduler::of(made->system);
  for (std::size_t i = 0; i < scheduler.size(); ++i)
    shards.push_back(&scheduler.io(i));
  made->server
    = std::make_unique<net::server>(settings, std::move(shards), *made->core, made->clock);
  made->core->start();
  auto bound = made->server->start();
  std::unique_ptr<node> ready{new node{std::move(made)}};
  if (!bound)
    return bound.error();
  ready->parts_->addresses = std::move(*bound);
  return ready;
}

node::~node() {
  parts& all = *parts_;
  all.server->stop();
  all.core->drain();
  all.core->stop();
  all.end_actors();
  all.server.reset();
  all.core.reset();
  all.store.reset();
}

const std::vector<std::string>& node::addresses() const noexcept {
  return parts_->addresses;
}

result<bool> node::reload(const config& merged) {
  auto taken = parts_->server->reload(merged);
  if (taken)
    take_limits(parts_->context, merged);
  return taken;
}

void node::drain() {
  parts_->server->drain();
}

bool node::drained() const {
  return parts_->server->connections() == 0;
}

} // namespace lapwing
