// A client that keeps what it is sent, in a wire form a test can read: one line for each message,
// "event <cursor> <type>" or "<type> <cursor> <json>".
#pragma once

#include <sstream>
#include <string>
#include <vector>

#include "core/stream.hpp"

namespace lapwing::test {

struct line_codec final : wire_codec {
  std::string_view name() const noexcept override { return "lines"; }
  void append_event(std::string& out, const event& e, std::string_view cursor,
                    bool full_payload) const override {
    out += "event " + std::string{cursor.empty() ? "-" : cursor} + ' ' + e.type;
    if (full_payload)
      out += ' ' + e.payload;
    out += '\n';
  }
  void append_control(std::string& out, std::string_view type, std::string_view json,
                      std::string_view cursor) const override {
    out += std::string{type} + ' ' + std::string{cursor.empty() ? "-" : cursor} + ' '
           + std::string{json} + '\n';
  }
};

struct recording_sink final : client_sink {
  std::vector<std::string> lines;
  std::vector<error> closed_with;
  std::size_t writes = 0;
  std::size_t queued = 0;       ///< What a test says is waiting in the socket.
  std::size_t writes_left = ~std::size_t{0}; ///< After so many, the queue overflows.
  std::chrono::steady_clock::time_point heard = std::chrono::steady_clock::now();

  bool write(std::string_view bytes) override {
    ++writes;
    if (writes_left-- == 0)
      return false;
    std::istringstream text{std::string{bytes}};
    for (std::string line; std::getline(text, line);)
      lines.push_back(line);
    return true;
  }
  void close(const error& reason) override { closed_with.push_back(reason); }
  void ping() override {}
  std::chrono::steady_clock::time_point last_heard() const noexcept override { return heard; }
  std::size_t queued_bytes() const noexcept override { return queued; }

  /// The cursors of the events, in the order they came.
  std::vector<std::string> ids() const {
    std::vector<std::string> list;
    for (const std::string& line : lines)
      if (line.starts_with("event "))
        list.push_back(line.substr(6, line.find(' ', 6) - 6));
    return list;
  }
  std::size_t count(std::string_view type) const {
    std::size_t n = 0;
    for (const std::string& line : lines)
      n += line.starts_with(std::string{type} + ' ') ? 1 : 0;
    return n;
  }
};

} // namespace lapwing::test
