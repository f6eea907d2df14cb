#include "app/bridge.hpp"

#include <future>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <caf/send.hpp>
#include <spdlog/spdlog.h>

#include "actors/ring_queue.hpp"
#include "actors/runtime/asio_scheduler.hpp"
#include "actors/session.hpp"
#include "app/connection_doctor.hpp"
#include "app/returning.hpp"

namespace lapwing {
namespace {

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

constexpr auto sweep_interval = 250ms;
constexpr auto probe_interval = 1s;
/// Readiness is lost when a probe has not been well for this long.
constexpr auto probe_patience = 5s;
/// By then a commit whose answer was lost has ended one way or the other.
constexpr auto late_commit = 30s;

steady::rep steady_now() {
  return steady::now().time_since_epoch().count();
}

} // namespace

/// One publication that waits for its answer; belongs to the thread that asked.
struct bridge::call {
  callback<publish_receipt> done;
  steady::time_point deadline;
};

/// What is waiting on one thread, in the order of the deadlines, which are all equally far away.
struct bridge::sweep {
  explicit sweep(boost::asio::io_context& io) : timer(io) {}
  boost::asio::steady_timer timer;
  ring_queue<std::shared_ptr<call>> calls;
  unsigned ticks = 0;
};

/// The connection's handle on its session actor.
class bridge::actor_session final : public stream_session {
public:
  actor_session(session_actor handle, std::atomic<std::size_t>& count)
    : handle_(std::move(handle)), count_(count) {
    ++count_;
  }
  ~actor_session() override { closed(); }

  void command(client_command what) override { caf::anon_send(handle_, std::move(what)); }
  void drained() override { caf::anon_send(handle_, atom::drained_v); }
  void closed() override {
    if (std::exchange(closed_, true))
      return;
    --count_;
    caf::anon_send(handle_, stream_closed{});
    handle_ = nullptr;
  }

private:
  session_actor handle_;
  std::atomic<std::size_t>& count_;
  bool closed_ = false;
};

bridge::bridge(caf::actor_system& system, const node_context& context, admin_actor admin)
  : system_(system), scheduler_(asio_scheduler::of(system)), context_(context),
    admin_(std::move(admin)) {
  for (std::size_t i = 0; i < scheduler_.size(); ++i)
    sweeps_.push_back(std::make_unique<sweep>(scheduler_.io(i)));
}

bridge::~bridge() = default;

template <class T>
void bridge::refuse(callback<T> done, error why) {
  auto home = scheduler_.current();
  boost::asio::post(scheduler_.io(home == asio_scheduler::npos ? 0 : home),
                    [done = std::move(done), why = std::move(why)] { done(why); });
}

void bridge::start() {
  for (std::size_t home = 0; home < sweeps_.size(); ++home)
    boost::asio::post(scheduler_.io(home), [this, home] { arm(home); });
}

void bridge::stop() {
  stopped_ = true;
  for (std::size_t home = 0; home < sweeps_.size(); ++home) {
    std::promise<void> gone;
    boost::asio::post(scheduler_.io(home), [this, home, &gone] {
      sweeps_[home]->timer.cancel();
      while (!sweeps_[home]->calls.empty()) {
        auto waiting = sweeps_[home]->calls.take_front();
        if (waiting->done)
          std::exchange(waiting->done, nullptr)(error{errc::shutting_down, "the node has stopped"});
      }
      // Behind the timer's own cancelled handler.
      boost::asio::post(scheduler_.io(home), [&gone] { gone.set_value(); });
    });
    gone.get_future().wait();
  }
}

void bridge::arm(std::size_t home) {
  auto& mine = *sweeps_[home];
  mine.timer.expires_after(sweep_interval);
  mine.timer.async_wait([this, home](const boost::system::error_code& failed) {
    if (failed || stopped_)
      return;
    auto& now = *sweeps_[home];
    while (!now.calls.empty()) {
      call& oldest = *now.calls.front();
      if (oldest.done && oldest.deadline > steady::now())
        break;
      auto late = now.calls.take_front();
      if (late->done)
        std::exchange(late->done, nullptr)(
          error{errc::request_timeout, "no durable answer in time; it may still be stored, try again"});
    }
    if (home == 0 && now.ticks++ % (probe_interval / sweep_interval) == 0)
      probe();
    arm(home);
  });
}

/// Asks the store whether it could write, and sends an event down the path that events take.
void bridge::probe() {
  context_.store->check([this](const result<bool>& well) {
    if (well && *well)
      store_well_ = steady_now();
  });
  publish_request event;
  event.target = log_id::of(room_id{"lapwing:probe"});
  event.draft.type = "probe";
  event.ephemeral = true;
  publish(std::move(event), [this](const result<publish_receipt>& receipt) {
    if (receipt)
      path_well_ = steady_now();
  });
}

bool bridge::ready(std::string& why) const {
  auto well = [](const std::atomic<steady::rep>& last) {
    return steady_now() - last < std::chrono::nanoseconds{probe_patience}.count();
  };
  if (draining_)
    why = "draining";
  else if (!well(store_well_))
    why = "the store does not answer";
  else if (!well(path_well_))
    why = "the synthetic event did not come through";
  else
    return true;
  return false;
}

void bridge::publish(publish_request request, callback<publish_receipt> done) {
  auto home = scheduler_.current();
  if (draining_)
    return refuse(std::move(done), {errc::shutting_down, "the node is draining; try another or later"});
  auto target = home_of(request.target, context_.homes());
  auto job = std::make_shared<publish_job>();
  job->request = std::move(request);
  if (home == asio_scheduler::npos) {
    job->done = std::move(done);
  } else {
    auto waiting = std::make_shared<call>(
      call{std::move(done), steady::now() + context_.request_timeout});
    auto& calls = sweeps_[home]->calls;
    // Most are answered in the order they came: keep only what is not.
    while (!calls.empty() && !calls.front()->done)
      calls.take_front();
    calls.push_back(waiting);
    job->done = [this, home, waiting](result<publish_receipt> what) {
      auto tell = [waiting, what = std::move(what)]() mutable {
        if (auto call_back = std::exchange(waiting->done, nullptr))
          call_back(std::move(what));
      };
      if (scheduler_.current() == home)
        return tell();
      boost::asio::post(scheduler_.io(home), std::move(tell));
    };
  }
  if (job->request.outgoing && context_.mails)
    job->done = telling_the_carrier(std::move(job->done));
  caf::anon_send(context_.directories[target], publish_message{std::move(job)});
}

/// The mail is in the outbox when the event is stored. After a failure it may be there all the same,
/// or may still come there.
bridge::callback<publish_receipt> bridge::telling_the_carrier(callback<publish_receipt> done) {
  return [carrier = context_.mails, done = std::move(done)](result<publish_receipt> what) {
    caf::anon_send(carrier, mail_stored{});
    if (!what)
      caf::delayed_anon_send(carrier, late_commit, mail_stored{});
    done(std::move(what));
  };
}

std::unique_ptr<stream_session> bridge::open_stream(stream_request request,
                                                    std::shared_ptr<client_sink> sink) {
  auto& count = request.transport == "sse" ? sse_sessions_ : websocket_sessions_;
  auto home = home_of(request.user.str(), context_.homes());
  if (spdlog::should_log(spdlog::level::info))
    spdlog::info("{} connected and authenticated for user {}",
                 request.transport == "sse" ? "SSE stream" : "WebSocket", request.user.str());
  return std::make_unique<actor_session>(
    spawn_session(system_, home, context_, std::move(request), std::move(sink)), count);
}

void bridge::history(log_id log, sequence after, std::size_t limit, callback<event_page> done) {
  read_history(std::move(log), after, limit, returning(scheduler_, std::move(done)));
}

void bridge::read_history(log_id log, sequence after, std::size_t limit,
                          callback<event_page> done) {
  // One more than asked for tells whether there is a next page.
  context_.store->read(
    log, after, limit + 1,
    [this, log, after, limit, done](result<event_range> range) mutable {
      if (!range && range.error().code == errc::payload_too_large && limit > 1)
        return read_history(std::move(log), after, limit / 2, std::move(done)); // Large payloads.
      if (!range)
        return done(range.error());
      event_page page{std::move(range->events), false};
      page.more = page.events.size() > limit;
      if (page.more)
        page.events.resize(limit);
      done(std::move(page));
    });
}

void bridge::find_event(log_id log, sequence seq, callback<event_ptr> done) {
  context_.store->find(std::move(log), seq, returning(scheduler_, std::move(done)));
}

void bridge::put_user(user_id user, std::vector<account> accounts, callback<bool> done) {
  auto back = returning(scheduler_, std::move(done));
  auto& directory = context_.directories[home_of(user.str(), context_.homes())];
  context_.store->put_user(user, std::move(accounts),
                           [back, user, directory](const result<bool>& made) {
                             if (made)
                               caf::anon_send(directory, user_created{user});
                             back(made);
                           });
}

void bridge::find_account(account which, callback<std::optional<user_id>> done) {
  context_.store->find_account(std::move(which), returning(scheduler_, std::move(done)));
}

engine_counts bridge::counts() const {
  const auto& mails = context_.mail_figures;
  return {sse_sessions_,    websocket_sessions_, context_.counts.rooms, context_.counts.users,
          mails.sent,       mails.failures,      mails.waiting,         mails.dead};
}

void bridge::ask(inspect_query query, callback<std::string> done) {
  auto job = std::make_shared<inspect_job>();
  job->query = std::move(query);
  job->done = returning(scheduler_, std::move(done));
  caf::anon_send(admin_, inspect_message{std::move(job)});
}

void bridge::inspect(std::string path, callback<std::string> done) {
  auto slash = path.find('/');
  auto what = path.substr(0, slash);
  if (context_.connections != nullptr && slash != std::string::npos
      && (what == "monitoring" || what == "registrations"))
    done = and_what_sleeps(user_id{path.substr(slash + 1)},
                           what == "monitoring" ? "connections" : "registrations",
                           returning(scheduler_, std::move(done)));
  ask({std::move(path), {}}, std::move(done));
}

/// A callback that adds the connections whose actors do not run before it calls `done`.
bridge::callback<std::string> bridge::and_what_sleeps(user_id user, std::string_view list,
                                                      callback<std::string> done) {
  return [this, user = std::move(user), list, done = std::move(done)](result<std::string> told) {
    if (!told)
      return done(std::move(told));
    context_.connections->list(
      user, [this, list, done, document = std::move(*told)](
              const result<std::vector<loaded_connection>>& stored) {
        if (!stored)
          return done(stored.error());
        done(with_sleeping_connections(document, list, *stored, context_.platforms,
                                       context_.clock->now()));
      });
  };
}

void bridge::command(std::string verb, std::string argument, callback<std::string> done) {
  if (verb != "close-session" && verb != "log-level" && verb != "resend-mail")
    return refuse(std::move(done), {errc::not_found, "no such command; see docs/operations.md"});
  ask({std::move(verb), std::move(argument)}, std::move(done));
}

} // namespace lapwing
