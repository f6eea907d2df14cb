// A client of server-sent events: an answer that does not end.
#pragma once

#include "net/http/stream_connection.hpp"

namespace lapwing::net {

class sse_stream final : public stream_connection {
public:
  sse_stream(shard& home, stream_opening& opening);

  void ping() override {}
  void on_drain() override;

private:
  struct greeting {
    std::string head_lines;
    std::string request_id;
  };

  void append_greeting(std::string& out) override;
  void append_farewell(std::string& out, const error& reason, bool greeted) override;
  void take(std::span<char>) override {} // An EventSource says nothing.

  std::unique_ptr<greeting> greeting_; ///< Until the first write.
};

/// Brings the connection to its user's shard and starts its session there.
void open_sse_stream(shard& from, stream_opening opening);

} // namespace lapwing::net
