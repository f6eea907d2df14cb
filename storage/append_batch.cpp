#include "storage/append_batch.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <utility>

#include "core/connection_store.hpp"
#include "core/outbox.hpp"
#include "storage/payload_codec.hpp"

namespace lapwing {
namespace {

/// So many bytes of events weigh as much in queue and group as one event: 256 of them are 16 MiB.
constexpr std::size_t bytes_per_weight = 64 * 1024;

/// So many polled items are as much work as one event.
constexpr std::size_t items_per_weight = 4;

/// Packing more takes milliseconds.
constexpr std::size_t packed_early_max = 64 * 1024;

} // namespace

std::size_t event_bytes(const event& e) noexcept {
  return sizeof(event) + e.tail.size() + e.payload.size();
}

bool storable(const std::vector<append_request>& requests) noexcept {
  constexpr auto largest = static_cast<sequence>(std::numeric_limits<std::int64_t>::max());
  return std::all_of(requests.begin(), requests.end(), [](const append_request& request) {
    return request.item && request.item->seq > 0 && request.item->seq <= largest;
  });
}

append_batch::append_batch(std::vector<append_request> requests)
    : requests_(std::move(requests)), packed_(requests_.size()) {
  std::size_t bytes = 0;
  std::size_t items = 0;
  for (std::size_t i = 0; i < requests_.size(); ++i) {
    const event& item = *requests_[i].item;
    bytes += event_bytes(item);
    if (const auto& with = requests_[i].with) {
      items += with->items.size();
      for (const auto& each : with->items)
        bytes += each.key.size() + each.json.size();
    }
    if (requests_[i].outgoing)
      bytes += requests_[i].outgoing->body.size();
    if (item.payload.size() <= packed_early_max)
      packed_[i] = pack_payload(item.payload);
  }
  weight_ = std::max(requests_.size() + items / items_per_weight, bytes / bytes_per_weight);
}

void append_batch::pack_rest() {
  if (std::exchange(rest_packed_, true))
    return;
  for (std::size_t i = 0; i < requests_.size(); ++i) {
    if (requests_[i].item->payload.size() > packed_early_max)
      packed_[i] = pack_payload(requests_[i].item->payload);
  }
}

} // namespace lapwing
