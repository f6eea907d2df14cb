// Payloads as the store keeps them: JSON of some kilobytes, which Zstandard (RFC 8878) shrinks to a
// quarter or less in microseconds. The disk is what limits a node's intake, so this buys rate, latency
// and room at once (docs/adr/0005-packed-payloads.md). Pure; any thread.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace lapwing {

/// Shorter payloads are kept as they are: a row of them is one page anyway.
inline constexpr std::size_t packed_from_bytes = 512;

/// The payload as one Zstandard frame that names its size and carries a checksum; nothing when it
/// is short or would hardly shrink.
std::optional<std::string> pack_payload(std::string_view payload);

/// Bytes of the packed payload when unpacked; nothing when `frame` is no frame of pack_payload.
std::optional<std::size_t> unpacked_bytes(std::string_view frame) noexcept;

/// Nothing when the frame is damaged.
std::optional<std::string> unpack_payload(std::string_view frame);

} // namespace lapwing
