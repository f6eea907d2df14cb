// A small node for tests of the load client: it speaks the routes the client uses and commits the
// faults it is told to, so that a test can see each of them counted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "benchmarks/load/endpoint.hpp"
#include "benchmarks/load/event_loop.hpp"

namespace lapwing::load {

/// Each acts on every nth event or request; 0: never.
struct fake_faults {
  std::size_t lose_every = 0;   ///< An event reaches nobody.
  std::size_t double_every = 0; ///< An event is sent twice.
  std::size_t swap_every = 0;   ///< An event is held back until the next one has been sent.
  std::size_t refuse_every = 0; ///< A POST is answered 503 and has no effect.
  std::size_t end_every = 0;    ///< After an event its streams are ended.
  std::size_t streams_max = ~std::size_t{0}; ///< More are answered 503.
  bool forget_log = false;      ///< Nothing is replayed.
  bool chunked = true;    ///< Bodies in chunked coding; otherwise with a length, and SSE without.
  bool bytewise = false;  ///< One byte at a time.
  bool fragments = false; ///< WebSocket messages in two frames with a ping in between.
};

/// Listens on loopback from construction to destruction, on a thread of its own.
class fake_node {
public:
  explicit fake_node(fake_faults faults = {});
  ~fake_node();
  fake_node(const fake_node&) = delete;
  fake_node& operator=(const fake_node&) = delete;

  endpoint address() const noexcept { return address_; }

private:
  class connection;
  class acceptor;
  struct channel {
    std::vector<std::string> log; ///< Envelope tails; the cursor is the position.
    std::string held_back;
    std::size_t published = 0;
  };

  void accept_all();
  void publish(const std::string& name, std::string tail, bool stored);
  void send_to_members(const std::string& name, const std::string& tail, std::size_t seq);
  void replay(connection& to, const std::string& name, std::string_view last_event_id);

  fake_faults faults_;
  endpoint address_;
  event_loop loop_;
  int listener_ = -1;
  std::unique_ptr<acceptor> acceptor_;
  std::map<int, std::unique_ptr<connection>> connections_;
  std::vector<std::unique_ptr<connection>> ended_; ///< Kept until the loop's turn is over.
  std::map<std::string, channel> channels_; ///< "user:ann", "room:a".
  std::size_t posts_ = 0;
  std::size_t streams_ = 0;
  std::thread thread_;
};

} // namespace lapwing::load
