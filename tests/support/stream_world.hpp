// A whole node's actors without threads: the real directories, supervisors, rooms, relays, keepers
// and sessions over a store in memory and clients that record. Order comes from a seed, time and
// the store's answers from the test.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actors/node_context.hpp"
#include "actors/session.hpp"
#include "tests/support/actor_fixture.hpp"
#include "tests/support/memory_store.hpp"
#include "tests/support/recording_sink.hpp"

namespace lapwing::test {

struct stream_world : actor_fixture<> {
  memory_store store;
  line_codec codec;
  node_context context;
  std::uint64_t next_session = 1;
  std::vector<result<publish_receipt>> receipts;

  struct client {
    std::shared_ptr<recording_sink> sink = std::make_shared<recording_sink>();
    session_actor session;
  };

  stream_world() {
    context.store = &store;
    context.clock = &clock;
    context.random = [this] { return static_cast<std::uint64_t>(random()); };
    context.accept_unknown_users = true;
    context.writers.push_back(spawn_batch_writer(sys, 0, &store, context.batch_max));
    context.relays.push_back(spawn_room_relay(sys, 0, context));
    context.keepers.push_back(spawn_stream_keeper(sys, 0, context));
    context.directories.push_back(spawn_user_directory(sys, 0, context));
    run();
  }
  ~stream_world() {
    context.directories.clear();
    context.relays.clear();
    context.keepers.clear();
    context.writers.clear();
  }

  /// Until neither an actor nor the store has anything to do at this moment.
  void run() {
    do
      settle();
    while (store.run() > 0);
  }
  void pass(std::chrono::milliseconds time) {
    run();
    for (auto step = std::chrono::milliseconds{50}; time.count() > 0; time -= step) {
      advance(std::min(step, time));
      run();
    }
  }

  client connect(const std::string& user, std::optional<std::string> last_event_id = {},
                 std::vector<std::string> rooms = {}, stream_filter filter = {}) {
    client one;
    stream_request request;
    request.id = session_id{next_session++};
    request.user = user_id{user};
    request.codec = &codec;
    request.filter = std::move(filter);
    request.last_event_id = std::move(last_event_id);
    request.transport = "sse";
    for (auto& room : rooms)
      request.rooms.emplace_back(room);
    one.session = spawn_session(sys, 0, context, std::move(request), one.sink);
    return one;
  }
  void disconnect(client& one) {
    caf::anon_send(one.session, stream_closed{});
    one.session = nullptr;
  }
  void say(client& one, client_command what) { caf::anon_send(one.session, std::move(what)); }

  void publish(log_id target, std::string delivery = {}, bool ephemeral = false,
               publish_origin origin = publish_origin::api, std::string type = "x") {
    auto job = std::make_shared<publish_job>();
    job->request.target = std::move(target);
    job->request.draft.type = std::move(type);
    job->request.source = "github";
    job->request.delivery_id = std::move(delivery);
    job->request.ephemeral = ephemeral;
    job->request.origin = origin;
    job->done = [this](result<publish_receipt> what) { receipts.push_back(std::move(what)); };
    caf::anon_send(context.directories[0], publish_message{std::move(job)});
  }
  void publish_to(const std::string& user, std::string delivery = {}) {
    publish(log_id::of(user_id{user}), std::move(delivery));
  }

  std::size_t living(std::string_view kind) {
    std::size_t count = 0;
    config.census().for_each_actor(
      [&](const actor_figures& one) { count += kind == one.kind ? 1 : 0; });
    return count;
  }
};

} // namespace lapwing::test
