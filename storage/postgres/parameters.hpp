// Parameters of a statement in PostgreSQL's binary form (src/backend/utils/adt/*send, *recv): single
// values, and arrays that carry a whole batch.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/log.hpp"
#include "core/time.hpp"

namespace lapwing::postgres {

using oid = unsigned int;

namespace type {
inline constexpr oid boolean = 16;
inline constexpr oid bytea = 17;
inline constexpr oid bigint = 20;
inline constexpr oid integer = 23;
inline constexpr oid text = 25;
inline constexpr oid timestamptz = 1184;
inline constexpr oid uuid = 2950;
} // namespace type

/// Builds one array with lower bound 1.
class array {
public:
  explicit array(oid element);

  void add(std::string_view bytes); ///< text, bytea; 16 bytes of a uuid.
  void add(std::int64_t value);
  void add(bool value);
  void add(timestamp time);
  void add_null();

  std::size_t size() const noexcept { return count_; }
  const std::string& bytes() const noexcept { return bytes_; }
  std::string take() && noexcept { return std::move(bytes_); }

private:
  void begin_element(std::size_t size);

  std::string bytes_;
  std::size_t count_ = 0;
};

class parameters {
public:
  parameters& add(std::string_view text);
  parameters& add(std::int64_t number);
  parameters& add_integer(std::int32_t number);
  parameters& add(timestamp time);
  parameters& add_null();
  parameters& add(array values);

  std::size_t size() const noexcept { return values_.size(); }
  /// Null: NULL.
  const char* data(std::size_t i) const noexcept;
  std::size_t length(std::size_t i) const noexcept { return values_[i].bytes.size(); }

private:
  struct value {
    std::string bytes;
    bool is_null;
  };
  std::vector<value> values_;
};

/// Microseconds since 2000, which is how timestamptz travels. A time outside the years 1970 to 9999
/// becomes the nearest in them.
std::int64_t to_wire(timestamp time) noexcept;
timestamp from_wire(std::int64_t microseconds) noexcept;

/// Text that a column of text can hold, and that can be told from all others: what is no UTF-8 or has
/// a zero byte, or begins with "\x", becomes "\x" and its bytes in hexadecimal.
std::string to_text_column(std::string_view text);

/// The log's name in the database: to_key(log), the part after the colon as in to_text_column.
std::string to_log_column(const log_id& log);

/// A document as text that PostgreSQL takes: what is no UTF-8, and zero bytes, become U+FFFD.
std::string to_document(std::string_view text);

/// The 16 bytes of a UUID in its usual form, which it must have.
std::string uuid_bytes(std::string_view text);

} // namespace lapwing::postgres
