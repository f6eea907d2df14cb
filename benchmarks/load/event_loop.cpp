#include "benchmarks/load/event_loop.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <future>
#include <system_error>

#include "benchmarks/load/clock.hpp"

namespace lapwing::load {
namespace {

constexpr std::size_t scratch_bytes = 512 * 1024;
/// The longest sleep: a bound, in case a wake-up is missed; nothing depends on it.
constexpr std::uint64_t sleep_max = 50'000'000;

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

} // namespace

event_loop::event_loop() : scratch_(scratch_bytes) {
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  wake_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (epoll_ < 0 || wake_ < 0)
    fail("epoll");
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = nullptr; // Ours.
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &event) != 0)
    fail("epoll");
}

event_loop::~event_loop() {
  close(wake_);
  close(epoll_);
}

void event_loop::watch(int fd, std::uint32_t events, io_handler& handler) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &handler;
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0)
    fail("epoll");
}

void event_loop::change(int fd, std::uint32_t events, io_handler& handler) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &handler;
  if (epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &event) != 0)
    fail("epoll");
}

void event_loop::add_ticker(ticker& what) { tickers_.push_back(&what); }

void event_loop::remove_ticker(ticker& what) { std::erase(tickers_, &what); }

void event_loop::post(std::function<void()> work) {
  {
    const std::lock_guard lock{mutex_};
    posted_.push_back(std::move(work));
  }
  const std::uint64_t one = 1;
  // Full means that a wake-up is already waiting.
  [[maybe_unused]] const auto written = write(wake_, &one, sizeof one);
}

void event_loop::post_and_wait(const std::function<void()>& work) {
  std::promise<void> done;
  post([&] {
    work();
    done.set_value();
  });
  done.get_future().wait();
}

void event_loop::run() {
  std::array<epoll_event, 512> events{};
  while (!stop_.load(std::memory_order_relaxed)) {
    const auto now = monotonic_ns();
    auto deadline = now + sleep_max;
    for (auto* what : tickers_)
      deadline = std::min(deadline, what->tick(now));
    const auto wait = deadline > now ? deadline - now : 0;
    const timespec timeout{static_cast<time_t>(wait / ns_per_second),
                           static_cast<long>(wait % ns_per_second)};
    const int count
      = epoll_pwait2(epoll_, events.data(), static_cast<int>(events.size()), &timeout, nullptr);
    if (count < 0 && errno != EINTR)
      fail("epoll");
    bool posted = false;
    for (int i = 0; i < count; ++i) {
      const auto& event = events[static_cast<std::size_t>(i)];
      if (event.data.ptr == nullptr)
        posted = true;
      else
        static_cast<io_handler*>(event.data.ptr)->on_io(event.events);
    }
    if (posted)
      run_posted();
  }
  run_posted();
}

void event_loop::stop() {
  stop_.store(true, std::memory_order_relaxed);
  post([] {});
}

void event_loop::run_posted() {
  std::uint64_t count = 0;
  [[maybe_unused]] const auto size = read(wake_, &count, sizeof count);
  std::vector<std::function<void()>> work;
  {
    const std::lock_guard lock{mutex_};
    work.swap(posted_);
  }
  for (const auto& item : work)
    item();
}

} // namespace lapwing::load
