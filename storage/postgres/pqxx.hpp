// The one way to libpqxx: Debian's 6.4.5 was built as C++11, so its headers leave out std::optional
// unless told, and know no std::string_view. Both only concern headers, not the library.
#pragma once

#define PQXX_HAVE_OPTIONAL 1
#include <pqxx/pqxx>

#include <string>
#include <string_view>

namespace pqxx {

template <>
struct string_traits<std::string_view> {
  static constexpr const char* name() noexcept { return "string_view"; }
  static constexpr bool has_null() noexcept { return false; }
  static bool is_null(std::string_view) { return false; }
  [[noreturn]] static std::string_view null() { internal::throw_null_conversion("string_view"); }
  static std::string to_string(std::string_view text) { return std::string{text}; }
};

} // namespace pqxx
