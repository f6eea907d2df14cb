// Our envelopes as WebSocket text frames, framed once for all who get the same bytes.
#pragma once

#include <atomic>
#include <string>

#include "core/stream.hpp"

namespace lapwing {

/// One text frame a message; the resume point is the envelope's `id`.
class websocket_codec final : public wire_codec {
public:
  std::string_view name() const noexcept override { return "websocket"; }
  void append_event(std::string& out, const event& e, std::string_view cursor,
                    bool full_payload) const override;
  void append_control(std::string& out, std::string_view type, std::string_view json,
                      std::string_view cursor) const override;
};

/// The same with structured CloudEvents.
class websocket_cloudevents_codec final : public wire_codec {
public:
  /// `run`: see sse_cloudevents_codec.
  explicit websocket_cloudevents_codec(std::string run) : run_(std::move(run)) {}

  std::string_view name() const noexcept override { return "websocket-cloudevents"; }
  void append_event(std::string& out, const event& e, std::string_view cursor,
                    bool full_payload) const override;
  void append_control(std::string& out, std::string_view type, std::string_view json,
                      std::string_view cursor) const override;

private:
  std::string run_;
  mutable std::atomic<std::uint64_t> unnamed_{0};
};

} // namespace lapwing
