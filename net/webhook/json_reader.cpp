#include "net/webhook/json_reader.hpp"

namespace lapwing {
namespace {

/// simdjson reserves about 13 bytes for each byte of its capacity, so a thread keeps a parser for
/// ordinary deliveries only.
constexpr std::size_t shared_bytes_max = 256 * 1024;

error malformed(simdjson::error_code code) {
  if (code == simdjson::DEPTH_ERROR)
    return {errc::malformed_json, "the JSON is nested too deeply"};
  if (code == simdjson::UTF8_ERROR)
    return {errc::malformed_json, "the body is not UTF-8"};
  if (code == simdjson::NUMBER_ERROR)
    return {errc::malformed_json, "the JSON has a number out of range"};
  return {errc::malformed_json, "the body is not JSON"};
}

simdjson::dom::parser* shared_parser() {
  thread_local auto parser = [] {
    auto made = std::make_unique<simdjson::dom::parser>();
    if (made->allocate(shared_bytes_max, json_document::depth_max) != simdjson::SUCCESS)
      made.reset();
    return made;
  }();
  return parser.get();
}

} // namespace

json_view json_view::operator[](std::string_view name) const noexcept {
  simdjson::dom::object object;
  simdjson::dom::element found;
  if (value_ && value_->get_object().get(object) == simdjson::SUCCESS
      && object.at_key(name).get(found) == simdjson::SUCCESS)
    return json_view{found};
  return {};
}

json_view json_view::first() const noexcept {
  simdjson::dom::array array;
  if (value_ && value_->get_array().get(array) == simdjson::SUCCESS && array.begin() != array.end())
    return json_view{*array.begin()};
  return {};
}

std::size_t json_view::size() const noexcept {
  simdjson::dom::array array;
  if (!value_ || value_->get_array().get(array) != simdjson::SUCCESS)
    return 0;
  auto count = array.size();
  if (count < 0xffffff) // simdjson counts no further.
    return count;
  count = 0;
  for (auto item : array) {
    static_cast<void>(item);
    ++count;
  }
  return count;
}

std::string_view json_view::text() const noexcept {
  std::string_view text;
  if (value_ && value_->get_string().get(text) == simdjson::SUCCESS)
    return text;
  return {};
}

std::optional<std::int64_t> json_view::integer() const noexcept {
  std::int64_t number = 0;
  if (value_ && value_->get_int64().get(number) == simdjson::SUCCESS)
    return number;
  return std::nullopt;
}

bool json_view::truth() const noexcept {
  bool value = false;
  return value_ && value_->get_bool().get(value) == simdjson::SUCCESS && value;
}

result<json_document> json_document::parse(std::string_view text) {
  json_document document;
  auto* parser = text.size() <= shared_bytes_max ? shared_parser() : nullptr;
  if (!parser) {
    document.own_ = std::make_unique<simdjson::dom::parser>();
    parser = document.own_.get();
    if (parser->allocate(text.size(), depth_max) != simdjson::SUCCESS)
      return error{errc::internal, "no memory for the body"};
  }
  simdjson::dom::element root;
  if (auto code = parser->parse(text.data(), text.size(), true).get(root); code)
    return malformed(code);
  document.root_ = json_view{root};
  return document;
}

} // namespace lapwing
