// Server-sent events (WHATWG HTML 9.2): our envelopes as named events with ids.
#pragma once

#include <atomic>
#include <string>

#include "core/stream.hpp"

namespace lapwing {

/// `event: push\nid: u42\ndata: {...}\n\n`. Only `connected` has no `event` line, so that a page's
/// `onmessage` sees exactly it (CONTRACT 4).
class sse_codec final : public wire_codec {
public:
  std::string_view name() const noexcept override { return "sse"; }
  void append_event(std::string& out, const event& e, std::string_view cursor,
                    bool full_payload) const override;
  void append_control(std::string& out, std::string_view type, std::string_view json,
                      std::string_view cursor) const override;
};

/// The same events with a structured CloudEvent as data.
class sse_cloudevents_codec final : public wire_codec {
public:
  /// `run` makes the ids of messages without a cursor unique: something of this start of the node.
  explicit sse_cloudevents_codec(std::string run) : run_(std::move(run)) {}

  std::string_view name() const noexcept override { return "sse-cloudevents"; }
  void append_event(std::string& out, const event& e, std::string_view cursor,
                    bool full_payload) const override;
  void append_control(std::string& out, std::string_view type, std::string_view json,
                      std::string_view cursor) const override;

private:
  std::string run_;
  mutable std::atomic<std::uint64_t> unnamed_{0};
};

/// `: text\n\n`, which clients ignore. `text` is ours and has no line break.
void append_sse_comment(std::string& out, std::string_view text);

/// `retry: milliseconds\n\n`.
void append_sse_retry(std::string& out, std::chrono::milliseconds delay);

} // namespace lapwing
