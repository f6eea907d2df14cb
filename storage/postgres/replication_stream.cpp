#include "storage/postgres/replication_stream.hpp"

#include <libpq-fe.h>
#include <poll.h>

#include "realtime/byte_reader.hpp"

namespace lapwing::postgres {
namespace {

/// PostgreSQL's times count from 2000-01-01.
constexpr std::int64_t epoch_us = 946'684'800'000'000;

/// A slot that the server had to give up (max_slot_wal_keep_size).
constexpr std::string_view gone_states[] = {"55000", "58P01"};
/// A slot that another connection has: object_in_use.
constexpr std::string_view busy_state = "55006";

std::string quoted(const std::string& name, char quote) {
  std::string out(1, quote);
  for (char c : name) {
    if (c == quote)
      out += quote;
    out += c;
  }
  return out + quote;
}

void append_big_endian(std::string& out, std::uint64_t value) {
  for (int shift = 56; shift >= 0; shift -= 8)
    out += static_cast<char>(value >> shift);
}

error broken(PGconn* connection) {
  std::string text{PQerrorMessage(connection)};
  return {errc::store_unavailable, text.substr(0, text.find('\n'))};
}

} // namespace

result<replication_stream> replication_stream::open(const std::string& parameters,
                                                    const std::string& slot,
                                                    const std::string& publication) {
  auto opened = open_connection(parameters + " replication=database");
  if (!opened)
    return opened.error();
  auto* connection = opened->get();
  // The publication's name is an identifier inside of a text.
  auto sql = "START_REPLICATION SLOT " + quoted(slot, '"')
             + " LOGICAL 0/0 (proto_version '1', publication_names "
             + quoted(quoted(publication, '"'), '\'') + ")";
  auto* started = PQexec(connection, sql.c_str());
  bool streams = PQresultStatus(started) == PGRES_COPY_BOTH;
  std::string_view state = PQresultErrorField(started, PG_DIAG_SQLSTATE) != nullptr
                             ? PQresultErrorField(started, PG_DIAG_SQLSTATE)
                             : "";
  bool busy = !streams && state == busy_state;
  bool gone = !streams && (state == gone_states[0] || state == gone_states[1]);
  auto why = broken(connection);
  PQclear(started);
  if (gone)
    return error{errc::not_found, why.detail};
  if (busy)
    return error{errc::too_many_sessions, why.detail};
  if (!streams)
    return why;
  return replication_stream{std::move(*opened)};
}

result<replication_stream::message> replication_stream::next() {
  auto* connection = connection_.get();
  // Input is taken only when no whole message is left: each taking moves all that is buffered.
  char* buffer = nullptr;
  int size = PQgetCopyData(connection, &buffer, 1);
  if (size == 0) {
    if (PQconsumeInput(connection) == 0)
      return broken(connection);
    size = PQgetCopyData(connection, &buffer, 1);
  }
  if (size == 0)
    return message{};
  if (size < 0) {
    while (auto* rest = PQgetResult(connection)) // Says why it ended.
      PQclear(rest);
    return broken(connection);
  }
  message made;
  realtime::byte_reader in{{buffer, static_cast<std::size_t>(size)}};
  auto kind = in.u8();
  if (kind == 'w') {
    in.u64(); // Where this begins,
    in.u64(); // where the server's log ends,
    in.u64(); // and when it was sent.
    made.what = event::change;
    made.payload = in.bytes(in.left());
  } else if (kind == 'k') {
    made.what = event::keepalive;
    made.end = in.u64();
    in.u64();
    made.answer = in.u8() == 1;
  }
  bool understood = in.ok() && made.what != event::nothing;
  PQfreemem(buffer);
  if (!understood)
    return error{errc::protocol_error, "a replication message of an unknown kind"};
  return made;
}

void replication_stream::wait(int wake_descriptor, std::chrono::milliseconds longest) {
  pollfd watched[] = {{PQsocket(connection_.get()), POLLIN, 0}, {wake_descriptor, POLLIN, 0}};
  ::poll(watched, 2, static_cast<int>(longest.count()));
}

bool replication_stream::confirm(realtime::lsn received, realtime::lsn forget, bool ask) {
  std::string word = "r";
  append_big_endian(word, received);
  append_big_endian(word, forget);
  append_big_endian(word, forget);
  auto now = std::chrono::duration_cast<std::chrono::microseconds>(
    std::chrono::system_clock::now().time_since_epoch());
  append_big_endian(word, static_cast<std::uint64_t>(now.count() - epoch_us));
  word += ask ? '\1' : '\0';
  return PQputCopyData(connection_.get(), word.data(), static_cast<int>(word.size())) == 1
         && PQflush(connection_.get()) >= 0;
}

} // namespace lapwing::postgres
