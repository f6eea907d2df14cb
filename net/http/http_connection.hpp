// One HTTP/1.1 connection: keep-alive, pipelined requests answered in order, one at a time. While
// it waits it holds no buffer.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "net/http/connection.hpp"
#include "net/http/exchange.hpp"

namespace lapwing::net {

class http_connection final : public connection {
public:
  http_connection(shard& home, transport link) : connection(home, std::move(link)) {}
  ~http_connection() override;

  void on_ready() override;
  void on_deadline() override;
  void on_drain() override;
  void on_stop() override;

  // -- for the exchange ---------------------------------------------------------

  void send_answer(exchange& answered, const response& made);

  struct detached {
    transport link;
    std::string received; ///< What has come after the request.
  };
  /// Takes the socket away for a stream; this connection is over.
  detached detach();

private:
  enum class phase : unsigned char { idle, head, body, handling, lingering };

  void pump();
  void resume();
  void consume(std::span<char> bytes);
  /// Both return how many bytes they took; what is left begins with an incomplete part.
  std::size_t take_head(std::string_view bytes);
  std::size_t take_body(std::string_view bytes);
  bool accept_head();
  void dispatch();
  void preflight();
  void refuse(const error& why);
  void enter(phase next);
  void extend_body_deadline();
  void send(std::string_view bytes);
  bool write_more();
  void begin_lingering();
  void close();

  std::string carry_;  ///< Received but not yet parsed.
  std::string output_; ///< Not yet taken by the socket.
  std::size_t output_at_ = 0;
  std::shared_ptr<exchange> exchange_;
  std::string_view rest_; ///< During consume: what follows the request being handled.
  std::string* joined_ = nullptr; ///< During consume: where answers are collected for one send.
  std::uint32_t lingered_kilobytes_ = 0;
  phase phase_ = phase::idle;
  bool alive_ = true;
  bool fresh_ = true;
  bool readable_ = false;
  bool carry_tried_ = true; ///< `carry_` was parsed as far as it goes.
  bool close_after_answer_ = false;
};

} // namespace lapwing::net
