// A column's value read from its text form, so that it can be compared as PostgreSQL would.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "realtime/column_type.hpp"

namespace lapwing::realtime {

/// A decimal number of any length: 0.d1d2d3... * 10^exponent.
struct decimal {
  enum class form : std::uint8_t { minus_infinity, finite, infinity, nan }; ///< In their order.
  form is = form::finite;
  bool negative = false;
  std::string digits; ///< Without zeros at either end; empty: zero.
  std::int64_t exponent = 0;

  static std::optional<decimal> parse(std::string_view text);
  std::strong_ordering operator<=>(const decimal& other) const noexcept;
  bool operator==(const decimal& other) const noexcept { return (*this <=> other) == 0; }
};

/// Equal values of one type are equal, and where the type is ordered, so are they. Texts stand for
/// everything that is compared by its bytes.
class typed_value {
public:
  /// Nothing: the text is not a value of this type.
  static std::optional<typed_value> read(type_kind kind, std::string_view text);

  friend std::strong_ordering operator<=>(const typed_value& a, const typed_value& b) noexcept;
  friend bool operator==(const typed_value& a, const typed_value& b) noexcept {
    return (a <=> b) == 0;
  }

  /// For LIKE and regular expressions: of a textual type.
  std::string_view text() const noexcept;

private:
  /// An integer stands for a bool, a date (days), a time or a timestamp (microseconds).
  std::variant<std::int64_t, double, decimal, std::string> value_;
};

} // namespace lapwing::realtime
