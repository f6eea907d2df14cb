#include "storage/postgres/server_watch.hpp"

#include <algorithm>

#include <pthread.h>
#include <sys/socket.h>

#include <spdlog/spdlog.h>

namespace lapwing::postgres {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds delay_min{50};
constexpr std::chrono::milliseconds delay_max{1000};
constexpr auto log_pause = 10s; // A server that comes and goes must not fill the log.

} // namespace

server_watch::server_watch(std::chrono::milliseconds patience) : patience_(patience) {
  thread_ = std::thread{[this] { cut_off_late_ones(); }};
  pthread_setname_np(thread_.native_handle(), "pg-watch");
}

server_watch::~server_watch() {
  {
    std::lock_guard lock{mutex_};
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

bool server_watch::may_connect(const retry& state) const noexcept {
  std::lock_guard lock{mutex_};
  return connects_ != state.connects_seen || clock::now() >= state.next;
}

void server_watch::connected(retry& state) {
  std::lock_guard lock{mutex_};
  ++connects_;
  state = {};
  state.connects_seen = connects_;
  if (outage_logged_) {
    outage_logged_ = false;
    spdlog::info("the database is there again");
  }
}

void server_watch::not_connected(retry& state, const failure& why) {
  {
    std::lock_guard lock{mutex_};
    state.delay = std::clamp(2 * state.delay, delay_min, delay_max);
    state.next = clock::now() + state.delay;
    state.connects_seen = connects_;
  }
  failed(why);
}

void server_watch::failed(const failure& why) {
  std::lock_guard lock{mutex_};
  const auto now = clock::now();
  if (outage_logged_ || now < next_log_)
    return;
  outage_logged_ = why.kind() == fault::connection;
  next_log_ = now + log_pause;
  std::string said{why.what()};
  std::replace(said.begin(), said.end(), '\n', ' ');
  spdlog::error("{}: {}", to_error(why).detail, said);
}

server_watch::turn::turn(server_watch& watch, int socket) : watch_(watch) {
  std::lock_guard lock{watch_.mutex_};
  place_ = watch_.turns_.emplace(clock::now() + watch_.patience_, socket);
}

server_watch::turn::~turn() {
  std::lock_guard lock{watch_.mutex_};
  watch_.turns_.erase(place_);
}

void server_watch::cut_off_late_ones() {
  std::unique_lock lock{mutex_};
  while (!stopping_) {
    const auto now = clock::now();
    for (auto& [end, socket] : turns_) {
      if (end > now)
        break;
      // Whoever waits in a client library now reads an end of file; the descriptor stays theirs.
      if (socket >= 0)
        ::shutdown(socket, SHUT_RDWR);
      socket = -1;
    }
    wake_.wait_for(lock, std::max<std::chrono::milliseconds>(patience_ / 8, 10ms));
  }
}

} // namespace lapwing::postgres
