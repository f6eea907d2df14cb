// Writes one JSON text member by member: bodies are made millions of times, so no tree is built.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "core/json_text.hpp"

namespace lapwing::sim {

/// Begins inside an object; `text()` closes whatever is open.
class json_writer {
public:
  json_writer() { open('{'); }
  /// '{' or '['.
  explicit json_writer(char first) { open(first); }

  json_writer& field(std::string_view name, std::string_view value) {
    key(name);
    append_json_string(out_, value);
    return *this;
  }
  json_writer& field(std::string_view name, const char* value) {
    return field(name, std::string_view{value});
  }
  json_writer& field(std::string_view name, const std::string& value) {
    return field(name, std::string_view{value});
  }
  json_writer& field(std::string_view name, bool value) {
    return raw(name, value ? "true" : "false");
  }
  template <std::integral Number>
    requires(!std::same_as<Number, bool>)
  json_writer& field(std::string_view name, Number value) {
    return raw(name, std::to_string(value));
  }
  json_writer& null(std::string_view name) { return raw(name, "null"); }
  /// `json` as it is.
  json_writer& raw(std::string_view name, std::string_view json) {
    key(name);
    out_ += json;
    return *this;
  }

  json_writer& object(std::string_view name) {
    key(name);
    open('{');
    return *this;
  }
  json_writer& array(std::string_view name) {
    key(name);
    open('[');
    return *this;
  }
  /// In an array.
  json_writer& object() {
    comma();
    open('{');
    return *this;
  }
  json_writer& value(std::string_view text) {
    comma();
    append_json_string(out_, text);
    return *this;
  }
  json_writer& value_raw(std::string_view json) {
    comma();
    out_ += json;
    return *this;
  }
  /// Closes the innermost.
  json_writer& end() {
    out_ += open_.back();
    open_.pop_back();
    first_ = false;
    return *this;
  }

  std::string text() {
    while (!open_.empty())
      end();
    return std::move(out_);
  }

private:
  void open(char bracket) {
    out_ += bracket;
    open_ += bracket == '{' ? '}' : ']';
    first_ = true;
  }
  void comma() {
    if (!first_)
      out_ += ',';
    first_ = false;
  }
  void key(std::string_view name) {
    comma();
    append_json_string(out_, name);
    out_ += ':';
  }

  std::string out_;
  std::string open_; ///< What closes each open bracket.
  bool first_ = true;
};

} // namespace lapwing::sim
