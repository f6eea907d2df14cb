// One connection that streams a publication's changes from a replication slot: libpq's COPY BOTH
// (PostgreSQL 15 manual, 55.4 "Streaming Replication Protocol"). One thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/error.hpp"
#include "realtime/pgoutput.hpp"
#include "storage/postgres/text_link.hpp"

namespace lapwing::postgres {

class replication_stream {
public:
  /// Streams from where the slot was confirmed. errc::store_unavailable: the server is away;
  /// errc::too_many_sessions: somebody else has the slot; errc::not_found: the slot has lost what it
  /// kept.
  static result<replication_stream> open(const std::string& parameters, const std::string& slot,
                                         const std::string& publication);

  enum class event : unsigned char {
    nothing,   ///< No message is there yet.
    change,    ///< `payload` is a pgoutput message.
    keepalive, ///< The server's log ends at `end`; it wants a word back when `answer`.
  };
  struct message {
    event what = event::nothing;
    std::string payload;
    realtime::lsn end = 0;
    bool answer = false;
  };

  /// The next message, without waiting. errc::store_unavailable: the connection broke;
  /// errc::protocol_error.
  result<message> next();
  /// Waits until something came, or `wake_descriptor` can be read, or the time is over.
  void wait(int wake_descriptor, std::chrono::milliseconds longest);
  /// Tells how far we have read, and what the server may forget; `ask` for a keepalive now. False:
  /// the connection broke.
  bool confirm(realtime::lsn received, realtime::lsn forget, bool ask);

private:
  explicit replication_stream(connection_ptr connection) : connection_(std::move(connection)) {}

  connection_ptr connection_;
};

} // namespace lapwing::postgres
