// errc to what clients are told: HTTP status, WebSocket close code, when to come again. Nothing
// else in the program picks these numbers.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "core/error.hpp"

namespace lapwing::net {

struct error_row {
  errc code;
  unsigned status;
  std::string_view title;
  std::uint16_t close_code;      ///< RFC 6455 7.4; from 4400 the status plus 4000.
  unsigned retry_after_seconds;  ///< 0: no `Retry-After`.
};

/// Every errc has a row; `internal`'s for a number from nowhere.
const error_row& row_of(errc code) noexcept;
std::span<const error_row> error_table() noexcept;

/// The reason phrase of a status this server sends; empty for others.
std::string_view reason_phrase(unsigned status) noexcept;

/// RFC 9457, with our `code` and `request_id`.
std::string problem_document(const error& failure, unsigned status, std::string_view request_id);

} // namespace lapwing::net
