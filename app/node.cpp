#include "app/node.hpp"

#include <chrono>
#include <latch>
#include <random>
#include <thread>

#include <unistd.h>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <caf/actor_registry.hpp>
#include <caf/actor_system.hpp>
#include <caf/send.hpp>
#include <spdlog/spdlog.h>

#include "actors/admin.hpp"
#include "actors/due_scanner.hpp"
#include "actors/mail/mail_carrier.hpp"
#include "actors/node_context.hpp"
#include "actors/retention.hpp"
#include "actors/runtime/asio_scheduler.hpp"
#include "actors/runtime/metered.hpp"
#include "actors/runtime/runtime_config.hpp"
#include "app/bridge.hpp"
#include "app/channel_archive.hpp"
#include "app/connection_office.hpp"
#include "app/log_journal.hpp"
#include "app/logging.hpp"
#include "app/mail_setup.hpp"
#include "app/realtime_office.hpp"
#include "app/platform_webhooks.hpp"
#include "app/random_name.hpp"
#include "app/version.hpp"
#include "core/chance.hpp"
#include "net/http/server.hpp"
#include "net/outbound/outbound_client.hpp"
#include "platforms/drive/token_endpoints.hpp"
#include "platforms/drive/traffic_control.hpp"
#include "platforms/lasting_kinds.hpp"
#include "storage/open_change_feed.hpp"
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

std::string address_of(const config& settings) {
  return settings.node.listen.empty() ? std::string{} : settings.node.listen.front();
}

node_identity identity_of(const config& settings) {
  return {node_name(), address_of(settings), std::string{version}};
}

runtime_options runtime_of(const config& settings) {
  runtime_options options;
  options.threads = settings.node.threads;
  options.on_fault = log_fault;
  return options;
}

/// Nobody among the users is to blame, and nobody of them is told.
void tell_operator(token_circuit::news what, const std::string& title, const std::string& code) {
  switch (what) {
    case token_circuit::news::refused:
      spdlog::error("{} does not accept this node's client ({}): check its client id and secret."
                    " People stay connected; their tokens are not renewed",
                    title, code);
      break;
    case token_circuit::news::failing:
      spdlog::warn("{} does not renew tokens at the moment ({}); asked again ever more rarely",
                   title, code);
      break;
    case token_circuit::news::works:
      spdlog::info("{} renews tokens again (it was: {})", title, code);
      break;
    case token_circuit::news::none: break;
  }
}

void take_limits(node_context& context, const config& settings) {
  context.limits.sessions_per_user = settings.limits.sessions_per_user;
  context.limits.session_queue = settings.limits.session_queue;
  context.limits.webhook_requests = settings.limits.webhook_requests;
  context.limits.rate_window_ms = settings.limits.rate_window.count();
}

realtime::socket_limits realtime_limits(const config& settings) {
  const auto& from = settings.realtime;
  realtime::socket_limits limits;
  limits.channels = from.channels;
  limits.joins_per_second = from.joins_per_second;
  limits.messages_per_second = from.messages_per_second;
  limits.payload_bytes = from.payload_bytes;
  limits.presence_calls = from.presence_calls;
  limits.presence_window = from.presence_window;
  limits.private_only = from.private_only;
  return limits;
}

} // namespace

struct node::parts {
  explicit parts(const config& settings) : runtime(runtime_of(settings)), system(runtime) {}

  // In the order of their births; gone in the reverse.
  system_wall_clock clock;
  log_journal log;
  std::unique_ptr<node_store> store;
  runtime_config runtime;
  caf::actor_system system;
  node_context context;
  admin_actor admin;
  retention_actor retention;
  due_scanner_actor scanner; ///< Null: this node does not monitor.
  mail_context mailing;
  std::unique_ptr<traffic_control> traffic;
  std::unique_ptr<token_endpoints> endpoints;
  std::vector<std::unique_ptr<net::outbound_client>> outbound; ///< One for each thread.
  std::unique_ptr<connection_office> office;
  std::unique_ptr<realtime::channel_policy> channel_policy;
  channel_archive archive{context}; ///< Of broadcasts.
  std::unique_ptr<realtime::departures> departed;
  std::unique_ptr<realtime::change_feed> feed; ///< Null: no table is live.
  realtime::realtime_context channels;
  std::unique_ptr<realtime_office> realtime;
  std::unique_ptr<bridge> core;
  std::unique_ptr<net::server> server;
  std::vector<std::string> addresses;

  void open_outbound(const config& settings);
  void spawn_actors(const config& settings);
  void stop_outbound();
  void end_actors();
};

void node::parts::open_outbound(const config& settings) {
  net::outbound_rules rules;
  rules.allow_private_addresses = settings.outbound.allow_private_addresses;
  rules.user_agent = "lapwing/" + std::string{version};
  auto& scheduler = asio_scheduler::of(system);
  for (std::size_t i = 0; i < scheduler.size(); ++i) {
    outbound.push_back(std::make_unique<net::outbound_client>(scheduler.io(i), rules));
    context.outbound.push_back(outbound.back().get());
  }
}

void node::parts::spawn_actors(const config& settings) {
  context.store = store.get();
  context.connections = &store->connections();
  context.public_url = settings.node.public_url;
  context.fresh_secret = random_name;
  traffic = std::make_unique<traffic_control>(
    context.platforms, clock, [] { return unit_chance(draw()); },
    [this](std::chrono::milliseconds wait, std::function<void()> call) {
      auto& io = asio_scheduler::of(system).io(0);
      boost::asio::post(io, [&io, wait, call = std::move(call)] {
        auto timer = std::make_shared<boost::asio::steady_timer>(io, wait);
        timer->async_wait([timer, call](boost::system::error_code stopped) {
          if (!stopped)
            call();
        });
      });
    });
  context.traffic = traffic.get();
  context.log = &log;
  endpoints = std::make_unique<token_endpoints>(context.platforms, tell_operator);
  context.endpoints = endpoints.get();
  context.clock = &clock;
  context.random = draw;
  context.batch_max = settings.storage.batch_max;
  context.accept_unknown_users = settings.webhooks.accept_unknown_users;
  context.heartbeat = settings.streams.heartbeat;
  context.request_timeout = settings.limits.engine_timeout;
  context.idle_after = settings.node.idle_after;
  take_limits(context, settings);
  auto homes = home_count(system);
  for (std::size_t home = 0; home < homes; ++home) {
    context.writers.push_back(spawn_batch_writer(system, home, store.get(), context.batch_max));
    context.relays.push_back(spawn_room_relay(system, home, context));
    context.keepers.push_back(spawn_stream_keeper(system, home, context));
    context.directories.push_back(spawn_user_directory(system, home, context));
  }
  channels.policy = channel_policy.get();
  if (settings.realtime.keep_broadcasts)
    channels.archive = &archive;
  channels.clock = &clock;
  channels.random = draw;
  channels.limits = realtime_limits(settings);
  // All of them before the first message: a hub looks the others up.
  for (std::size_t home = 0; home < homes; ++home)
    channels.hubs.push_back(realtime::spawn_channel_hub(system, home, channels));
  if (feed) {
    departed = std::make_unique<realtime::departures>(settings.realtime.resume_window);
    channels.desk = {feed.get(), departed.get(), {}};
    channels.desk.settings.resume_window = settings.realtime.resume_window;
    std::vector<realtime::change_feed::listener> listeners;
    for (std::size_t home = 0; home < homes; ++home) {
      channels.desks.push_back(realtime::spawn_change_desk(system, home, channels.desk));
      listeners.push_back([this, desk = channels.desks.back()](realtime::change_batch_ptr batch,
                                                               std::shared_ptr<void> hold) {
        channels.replicating = !batch->elsewhere; // The first batch says only that.
        caf::anon_send(desk, realtime::change_news{std::move(batch), std::move(hold)});
      });
    }
    feed->start(std::move(listeners));
  }
  retention = spawn_retention(system, store.get(), &clock,
                              {settings.events.retention_count, settings.events.retention_age,
                               settings.events.retention_interval,
                               settings.platforms.data_retention_age,
                               lasting_kinds(context.platforms)});
  if (settings.platforms.monitor) {
    due_scanner_settings scan;
    scan.interval = settings.platforms.scan;
    scanner = spawn_due_scanner(system, context, scan);
  }
  mailing.store = &store->outbox();
  mailing.http = outbound.front().get();
  mailing.clock = &clock;
  mailing.chance = [] { return unit_chance(draw()); };
  mailing.rules = mail_rules_of(settings.mail);
  mailing.kept = settings.mail.kept;
  mailing.tell = log_mail;
  mailing.counts = &context.mail_figures;
  context.mails = spawn_mail_carrier(system, mailing);
  caf::anon_send(context.mails, mail_configured{mail_settings_of(settings)});
  node_facts facts;
  facts.id = node_name();
  facts.address = address_of(settings);
  facts.version = std::string{version};
  facts.ready = [this](std::string& why) { return core && core->ready(why); };
  facts.set_log_level = set_log_level;
  admin = spawn_admin(system, context, std::move(facts));
}

/// Everybody who waits for a platform is told, before the actors that asked are gone.
void node::parts::stop_outbound() {
  std::latch stopped{static_cast<std::ptrdiff_t>(outbound.size())};
  for (auto& client : outbound)
    client->stop([&stopped] { stopped.count_down(); });
  stopped.wait();
}

void node::parts::end_actors() {
  auto end = [](const auto& handles) {
    for (auto& handle : handles)
      caf::anon_send_exit(handle, caf::exit_reason::user_shutdown);
  };
  caf::anon_send_exit(admin, caf::exit_reason::user_shutdown);
  caf::anon_send_exit(retention, caf::exit_reason::user_shutdown);
  if (scanner)
    caf::anon_send_exit(scanner, caf::exit_reason::user_shutdown);
  caf::anon_send_exit(context.mails, caf::exit_reason::user_shutdown);
  admin = nullptr;
  retention = nullptr;
  scanner = nullptr;
  end(context.directories); // And with them supervisors, their platform actors, and rooms.
  end(context.relays);
  end(context.keepers);
  end(context.writers);
  end(channels.hubs);
  end(channels.desks);
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
  // Only now: until they have ended, actors look each other up here.
  context.directories.clear();
  context.relays.clear();
  context.keepers.clear();
  context.mails = nullptr;
  context.writers.clear();
  channels.hubs.clear();
  channels.desks.clear();
}

node::node(std::unique_ptr<parts> made) : parts_(std::move(made)) {}

result<std::unique_ptr<node>> node::start(const config& settings,
                                          std::vector<platform_spec> platforms) {
  auto store = open_store(settings, identity_of(settings));
  if (!store)
    return store.error();
  auto made = std::make_unique<parts>(settings);
  made->store = std::move(*store);
  made->context.platforms = std::move(platforms);
  auto feed = open_change_feed(settings);
  if (!feed)
    return feed.error();
  made->feed = std::move(*feed);
  auto policy = open_channel_policy(settings);
  if (!policy)
    return policy.error();
  made->channel_policy = std::move(*policy);
  made->open_outbound(settings);
  made->spawn_actors(settings);
  auto& io = asio_scheduler::of(made->system);
  made->office = std::make_unique<connection_office>(
    io, made->context, *made->outbound.front(), made->context.platforms,
    settings.node.public_url, made->scanner);
  made->core = std::make_unique<bridge>(made->system, made->context, made->admin);
  made->core->set_connections(made->office.get());
  made->realtime = std::make_unique<realtime_office>(made->system, made->channels);
  made->core->set_realtime(made->realtime.get());
  std::vector<boost::asio::io_context*> shards;
  auto& scheduler = asio_scheduler::of(made->system);
  for (std::size_t i = 0; i < scheduler.size(); ++i)
    shards.push_back(&scheduler.io(i));
  made->server
    = std::make_unique<net::server>(with_platform_webhooks(settings, made->context.platforms),
                                    std::move(shards), *made->core, made->clock);
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
  all.stop_outbound();
  if (all.feed)
    all.feed->stop();
  all.channel_policy->stop();
  all.end_actors();
  all.server.reset();
  all.core.reset();
  all.store.reset(); // Its last callbacks still find the office and the outbound clients.
  all.office.reset();
  all.outbound.clear();
}

const std::vector<std::string>& node::addresses() const noexcept {
  return parts_->addresses;
}

result<bool> node::reload(const config& merged) {
  auto taken = parts_->server->reload(with_platform_webhooks(merged, parts_->context.platforms));
  if (taken) {
    take_limits(parts_->context, merged);
    caf::anon_send(parts_->context.mails, mail_configured{mail_settings_of(merged)});
  }
  return taken;
}

void node::drain() {
  parts_->server->drain();
  caf::anon_send(parts_->context.mails, mail_closing{});
}

bool node::drained() const {
  return parts_->server->connections() == 0 && parts_->context.mail_figures.at_rest;
}

} // namespace lapwing
