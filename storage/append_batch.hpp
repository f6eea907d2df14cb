// A batch of events on its way into a store: the requests, and their payloads as they are kept.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "core/store.hpp"

namespace lapwing {

/// Bytes an event takes in memory, roughly.
std::size_t event_bytes(const event& e) noexcept;

/// True when every request has an event whose number a database can hold.
bool storable(const std::vector<append_request>& requests) noexcept;

class append_batch {
public:
  /// Packs what is small, on the caller's thread: there are more of those than writers.
  explicit append_batch(std::vector<append_request> requests);

  /// Packs the rare large payloads, which would hold up the caller's actors for milliseconds. To be
  /// called by the writer before it looks at packed(); more than once costs nothing.
  void pack_rest();

  const std::vector<append_request>& requests() const noexcept { return requests_; }
  /// The payload in the form of pack_payload, or nothing: then it is stored as it is.
  const std::optional<std::string>& packed(std::size_t i) const noexcept { return packed_[i]; }
  /// Against the bounds of queues and groups, in events of a usual size.
  std::size_t weight() const noexcept { return weight_; }

private:
  std::vector<append_request> requests_;
  std::vector<std::optional<std::string>> packed_;
  std::size_t weight_;
  bool rest_packed_ = false;
};

} // namespace lapwing
