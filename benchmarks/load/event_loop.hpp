// One thread's epoll loop: sockets, work posted by other threads, and one thing to do on time.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <vector>

namespace lapwing::load {

/// Something with a socket. Must outlive the loop's run.
class io_handler {
public:
  /// `events` as of epoll_wait(2). After a close and a new socket, an event of the old one may still
  /// come once: handlers must be able to find nothing there.
  virtual void on_io(std::uint32_t events) = 0;

protected:
  ~io_handler() = default;
};

/// Something that acts by the clock, called once a turn of the loop.
class ticker {
public:
  /// Returns the time (monotonic_ns) of the next call it needs at the latest; `no_deadline` when
  /// only sockets matter.
  virtual std::uint64_t tick(std::uint64_t now) = 0;

  static constexpr std::uint64_t no_deadline = ~std::uint64_t{0};

protected:
  ~ticker() = default;
};

class event_loop {
public:
  event_loop();
  ~event_loop();
  event_loop(const event_loop&) = delete;
  event_loop& operator=(const event_loop&) = delete;

  /// Loop thread only, or before run().
  void watch(int fd, std::uint32_t events, io_handler& handler);
  void change(int fd, std::uint32_t events, io_handler& handler);
  void add_ticker(ticker& what);
  void remove_ticker(ticker& what);

  /// Any thread; done in the order posted, when no handler of the current turn is waiting any
  /// more: the place to destroy one.
  void post(std::function<void()> work);
  /// Posts and waits until it is done. Not from the loop's own thread.
  void post_and_wait(const std::function<void()>& work);

  void run();
  /// Any thread.
  void stop();

  /// What all handlers of this loop receive into: an idle stream then needs no buffer of its own.
  std::vector<char>& scratch() noexcept { return scratch_; }

private:
  void run_posted();

  int epoll_ = -1;
  int wake_ = -1;
  std::atomic<bool> stop_{false};
  std::mutex mutex_;
  std::vector<std::function<void()>> posted_; ///< Guarded by mutex_.
  std::vector<ticker*> tickers_;
  std::vector<char> scratch_;
};

} // namespace lapwing::load
