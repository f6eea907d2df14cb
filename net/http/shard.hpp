// One I/O thread's share of the network: its listeners, its sockets, its receive buffer, its clock
// tick.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include "net/http/connection.hpp"
#include "net/http/metrics.hpp"
#include "net/http/poller.hpp"
#include "net/http/settings.hpp"

namespace lapwing::net {

struct node;

class shard {
public:
  using clock = std::chrono::steady_clock;

  shard(node& owner, std::size_t index, boost::asio::io_context& io, settings_ptr initial);
  ~shard();

  /// Takes over a listening, non-blocking socket. Before `start`.
  void add_listener(int socket);

  // -- posted by the server, on this thread -----------------------------------
  void start();
  void use(settings_ptr fresh);
  void drain();
  void stop();

  // -- for connections, on this thread ----------------------------------------
  node& owner() noexcept { return node_; }
  std::size_t index() const noexcept { return index_; }
  boost::asio::io_context& io() noexcept { return io_; }
  const settings& current() const noexcept { return *settings_; }
  const settings_ptr& current_ptr() const noexcept { return settings_; }
  shard_metrics& counts() noexcept { return counts_; }
  bool draining() const noexcept { return draining_; }

  /// Runs on this shard's thread, later; any thread may call.
  template <class Function>
  void post(Function&& function) {
    boost::asio::post(io_, std::forward<Function>(function));
  }

  /// Gives the connection a slot and calls its on_ready(). Dropped when the shard has stopped.
  void add(std::shared_ptr<connection> added);
  /// Ends the connection's membership; its object dies at the end of the turn. Its socket closes
  /// with it.
  void remove(connection& gone);
  /// The same, but the socket lives on and is the caller's.
  transport release(connection& gone);
  void watch_writable(connection& blocked);

  /// Replaces an earlier deadline; rounded up to the next tick. Zero: none.
  void set_deadline(const connection& whose, std::chrono::milliseconds from_now);

  /// Whoever reads holds one of these: the receive buffer is the thread's.
  class reading {
  public:
    explicit reading(shard& on) noexcept : on_(on) { on_.reading_ = true; }
    ~reading() { on_.reading_ = false; }
    reading(const reading&) = delete;
    reading& operator=(const reading&) = delete;

  private:
    shard& on_;
  };
  /// Somebody further up on the call stack reads.
  bool being_read() const noexcept { return reading_; }
  /// Calls on_ready() later in this thread.
  void wake_later(const connection& sleeper);

  /// Receive buffer of this thread, for who holds a `reading`.
  std::span<char> buffer() noexcept { return buffer_; }
  /// Text for answers on this thread, empty; the same rule.
  std::string& scratch() noexcept {
    scratch_.clear();
    return scratch_;
  }

  timestamp now() const;
  /// "Sat, 21 Nov 2026 09:00:00 GMT", made once a second.
  std::string_view http_date();
  std::string next_request_id();

private:
  struct place {
    std::shared_ptr<connection> member;
    std::uint32_t generation = 0;
    std::uint32_t deadline = 0; ///< In ticks; 0: none.
  };

  void ready(std::uint64_t tag);
  void deliver(connection& member);
  void end_of_turn();
  void accept_from(int listener);
  void shed_one(int listener);
  void admit(int socket, const peer_address& peer);
  void refuse(int socket);
  void tick();
  void arm_tick();
  void close_listeners();
  void bury(std::shared_ptr<connection> gone);

  node& node_;
  const std::size_t index_;
  boost::asio::io_context& io_;
  settings_ptr settings_;
  shard_metrics counts_;

  std::vector<int> listeners_;
  int spare_socket_ = -1; ///< Given up to accept and refuse one when descriptors run out.
  std::vector<place> places_;
  std::vector<std::uint32_t> free_places_;
  std::vector<std::shared_ptr<connection>> buried_;
  bool burial_posted_ = false;

  std::vector<char> buffer_;
  std::string scratch_;

  boost::asio::basic_waitable_timer<clock, boost::asio::wait_traits<clock>,
                                    boost::asio::io_context::executor_type>
    tick_timer_;
  std::chrono::milliseconds tick_length_{1000};
  std::uint32_t ticks_ = 1;

  std::int64_t date_second_ = -1;
  std::string date_;
  std::uint64_t request_count_ = 0;
  bool reading_ = false;
  bool draining_ = false;
  bool stopped_ = false;
  poller poller_; ///< Last: destroyed first.
};

} // namespace lapwing::net
