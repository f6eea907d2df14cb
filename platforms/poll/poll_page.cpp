#include "platforms/poll/poll_page.hpp"

#include <algorithm>
#include <utility>

#include "platforms/poll/request_url.hpp"

namespace lapwing {
namespace {

bool has_control(std::string_view text) noexcept {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20; });
}

void append_key_part(std::string& out, const std::string& part) {
  for (char c : part) {
    if (c == '%')
      out += "%25";
    else if (c == '|')
      out += "%7C";
    else
      out += c;
  }
}

result<std::string> next_page_of(const page_question& asked, const http_response& answer,
                                 const json_slice& root) {
  const auto& endpoint = *asked.endpoint;
  if (endpoint.pages == page_style::link_header) {
    auto link = next_link(answer, asked.url);
    if (!link)
      return std::string{};
    // Our token goes where the link points.
    auto origin = origin_of(*link);
    if (!origin || origin != origin_of(asked.url) || link->size() > poll_page::cursor_bytes_max)
      return error{errc::malformed_json, "the next page is on another server"};
    return std::move(*link);
  }
  if (endpoint.pages == page_style::token) {
    auto token = root.at(endpoint.next_page);
    if (token.is_false())
      return std::string{};
    return page_cursor(token, endpoint.next_page);
  }
  return std::string{};
}

std::string key_of(const page_question& asked, const json_slice& item) {
  const auto& endpoint = *asked.endpoint;
  // The same thing may be in two resources: what tells them apart is part of the key.
  bool is_simple = endpoint.key.size() == 1 && asked.resource.empty();
  std::string key;
  if (!asked.resource.empty()) {
    append_key_part(key, asked.resource);
    key += '|';
  }
  auto head_bytes = key.size();
  bool has_part = false;
  bool is_next = false;
  for (const auto& path : endpoint.key) {
    if (std::exchange(is_next, true))
      key += '|';
    auto part = item.at(path).scalar();
    if (!part || part->empty())
      continue;
    has_part = true;
    if (is_simple)
      key = std::move(*part);
    else
      append_key_part(key, *part);
  }
  if (!has_part || key.size() > poll_page::key_bytes_max || has_control(key)) {
    key.resize(head_bytes);
    key += "digest:" + digest_of(item, endpoint.ignored);
  }
  return key;
}

} // namespace

result<std::string> page_cursor(json_slice value, const std::string& path) {
  switch (value.kind()) {
  case json_kind::none:
  case json_kind::null: return std::string{};
  case json_kind::string:
  case json_kind::number: break;
  default: return error{errc::malformed_json, '"' + path + "\" is neither text nor a number"};
  }
  auto text = *value.scalar();
  if (text.size() > poll_page::cursor_bytes_max || has_control(text))
    return error{errc::malformed_json, '"' + path + "\" cannot be a cursor"};
  return text;
}

result<poll_page> read_page(const page_question& asked, const http_response& answer) {
  const auto& endpoint = *asked.endpoint;
  if (answer.body.size() > http_request{}.response_bytes_max)
    return error{errc::payload_too_large, "the answer is too large"};
  auto root = json_slice::check(answer.body);
  if (!root)
    return root.error();
  poll_page out;
  auto next_page = next_page_of(asked, answer, *root);
  if (!next_page)
    return next_page.error();
  out.next = std::move(*next_page);
  if (endpoint.cursor == cursor_style::value
      && !(asked.is_listing && !endpoint.start_url.empty())) {
    auto cursor = page_cursor(root->at(endpoint.next_cursor), endpoint.next_cursor);
    if (!cursor)
      return cursor.error();
    out.cursor = std::move(*cursor);
  }
  std::optional<error> wrong;
  auto walked = for_each_item(
    *root, asked.is_listing ? endpoint.first_sync_items : endpoint.items, [&](json_slice item) {
      if (out.items.size() >= poll_page::items_max) {
        wrong = error{errc::malformed_json, "the answer has too many items"};
        return false;
      }
      std::string order;
      if (endpoint.cursor == cursor_style::newest_field) {
        auto text = page_cursor(item.at(endpoint.next_cursor), endpoint.next_cursor);
        if (!text) {
          wrong = text.error();
          return false;
        }
        order = std::move(*text);
      }
      if (endpoint.cursor == cursor_style::digest)
        out.digests.push_back(digest_of(item, endpoint.ignored));
      out.items.push_back({key_of(asked, item), item, std::move(order)});
      return true;
    });
  if (wrong)
    return *wrong;
  if (!walked)
    return walked.error();
  return out;
}

} // namespace lapwing
