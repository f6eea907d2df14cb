#include "storage/postgres/parameters.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "core/json_text.hpp"

namespace lapwing::postgres {
namespace {

using std::chrono::milliseconds;

constexpr timestamp year_2000{milliseconds{946684800000}};
constexpr timestamp latest{milliseconds{253402300799999}}; // 9999-12-31T23:59:59.999Z
constexpr std::size_t count_at = 12; ///< Where an array's header has its length.

template <class T>
void append_big_endian(std::string& to, T value) {
  const auto bits = static_cast<std::make_unsigned_t<T>>(value);
  for (int shift = 8 * static_cast<int>(sizeof bits) - 8; shift >= 0; shift -= 8)
    to += static_cast<char>(bits >> shift & 0xff);
}

int hex_digit(char c) noexcept {
  return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

} // namespace

array::array(oid element) {
  append_big_endian(bytes_, std::int32_t{1}); // Dimensions.
  append_big_endian(bytes_, std::int32_t{1}); // There may be nulls.
  append_big_endian(bytes_, static_cast<std::int32_t>(element));
  append_big_endian(bytes_, std::int32_t{0}); // Length.
  append_big_endian(bytes_, std::int32_t{1}); // Lower bound.
}

void array::begin_element(std::size_t size) {
  ++count_;
  for (std::size_t i = 0; i < 4; ++i)
    bytes_[count_at + i] = static_cast<char>(count_ >> (24 - 8 * i) & 0xff);
  append_big_endian(bytes_, static_cast<std::int32_t>(size));
}

void array::add(std::string_view bytes) {
  begin_element(bytes.size());
  bytes_ += bytes;
}

void array::add(std::int64_t value) {
  begin_element(sizeof value);
  append_big_endian(bytes_, value);
}

void array::add(bool value) {
  begin_element(1);
  bytes_ += value ? '\1' : '\0';
}

void array::add(timestamp time) {
  add(to_wire(time));
}

void array::add_null() {
  begin_element(static_cast<std::size_t>(-1)); // The length that means NULL.
}

parameters& parameters::add(std::string_view text) {
  values_.push_back({std::string{text}, false});
  return *this;
}

parameters& parameters::add(std::int64_t number) {
  std::string bytes;
  append_big_endian(bytes, number);
  values_.push_back({std::move(bytes), false});
  return *this;
}

parameters& parameters::add_integer(std::int32_t number) {
  std::string bytes;
  append_big_endian(bytes, number);
  values_.push_back({std::move(bytes), false});
  return *this;
}

parameters& parameters::add(timestamp time) {
  return add(to_wire(time));
}

parameters& parameters::add_null() {
  values_.push_back({{}, true});
  return *this;
}

parameters& parameters::add(array values) {
  values_.push_back({std::move(values).take(), false});
  return *this;
}

const char* parameters::data(std::size_t i) const noexcept {
  return values_[i].is_null ? nullptr : values_[i].bytes.data();
}

std::int64_t to_wire(timestamp time) noexcept {
  return (std::clamp(time, timestamp{}, latest) - year_2000).count() * 1000;
}

timestamp from_wire(std::int64_t microseconds) noexcept {
  return year_2000 + std::chrono::floor<milliseconds>(std::chrono::microseconds{microseconds});
}

std::string to_text_column(std::string_view text) {
  // What looks like the other form is written in it too, so that the two stay apart.
  if (!text.starts_with("\\x") && text.find('\0') == std::string_view::npos
      && repaired_utf8(text) == text)
    return std::string{text};
  constexpr std::string_view digits = "0123456789abcdef";
  std::string hex = "\\x";
  for (char c : text) {
    hex += digits[static_cast<unsigned char>(c) >> 4];
    hex += digits[static_cast<unsigned char>(c) & 15];
  }
  return hex;
}

std::string to_log_column(const log_id& log) {
  return to_key(log).substr(0, 2) + to_text_column(log.name);
}

std::string to_document(std::string_view text) {
  auto document = repaired_utf8(text);
  for (auto at = document.find('\0'); at != std::string::npos; at = document.find('\0', at))
    document.replace(at, 1, "\xef\xbf\xbd");
  return document;
}

std::string uuid_bytes(std::string_view text) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    if (text[i] == '-')
      ++i;
    bytes += static_cast<char>(hex_digit(text[i]) * 16 + hex_digit(text[i + 1]));
  }
  return bytes;
}

} // namespace lapwing::postgres
