#include "net/http/poller.hpp"

#include <array>
#include <system_error>

#include <sys/epoll.h>

namespace lapwing::net {
namespace {

/// Sockets per wake-up: bounds how long actors and timers of the thread wait. Guess, but a send
/// costs some 5 us, so a bunch ends within a millisecond or two.
constexpr int bunch_max = 128;

} // namespace

poller::poller(boost::asio::io_context& io,
               std::function<void(std::uint64_t, std::uint32_t)> ready,
               std::function<void()> turn_end)
  : set_(io), ready_(std::move(ready)), turn_end_(std::move(turn_end)) {
  int set = ::epoll_create1(EPOLL_CLOEXEC);
  if (set < 0)
    throw std::system_error(errno, std::generic_category(), "epoll_create1");
  set_.assign(set);
}

poller::~poller() = default;

void poller::start() {
  wait();
}

void poller::stop() {
  stopped_ = true;
  boost::system::error_code ignored;
  set_.close(ignored);
}

void poller::wait() {
  set_.async_wait(descriptor::wait_read, [this](boost::system::error_code failure) {
    // After an abort the poller may be gone already: nothing of it may be touched.
    if (failure != boost::asio::error::operation_aborted)
      turn();
  });
}

void poller::turn() {
  if (stopped_)
    return;
  std::array<epoll_event, bunch_max> events;
  int count = ::epoll_wait(set_.native_handle(), events.data(), bunch_max, 0);
  for (int i = 0; i < count; ++i)
    ready_(events[static_cast<std::size_t>(i)].data.u64, events[static_cast<std::size_t>(i)].events);
  turn_end_();
  if (!stopped_)
    wait(); // Reports again at once when sockets are left over.
}

bool poller::watch(int socket, std::uint64_t tag, bool also_writable) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLRDHUP | EPOLLET | (also_writable ? EPOLLOUT : 0u);
  event.data.u64 = tag;
  return ::epoll_ctl(set_.native_handle(), EPOLL_CTL_ADD, socket, &event) == 0;
}

void poller::watch_writable(int socket, std::uint64_t tag) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLRDHUP | EPOLLET | EPOLLOUT;
  event.data.u64 = tag;
  ::epoll_ctl(set_.native_handle(), EPOLL_CTL_MOD, socket, &event);
}

void poller::forget(int socket) {
  epoll_event unused{};
  if (set_.is_open())
    ::epoll_ctl(set_.native_handle(), EPOLL_CTL_DEL, socket, &unused);
}

} // namespace lapwing::net
