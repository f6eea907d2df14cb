// One answer of a polled endpoint, read: its items with their keys, and where to go on.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "core/connection_store.hpp"
#include "core/error.hpp"
#include "core/http_client.hpp"
#include "platforms/poll/json_slice.hpp"
#include "platforms/spec.hpp"

namespace lapwing {

struct poll_page {
  static constexpr std::size_t item_bytes_max = 1024 * 1024;
  static constexpr std::size_t items_max = 10'000;
  static constexpr std::size_t cursor_bytes_max = 4096;
  static constexpr std::size_t key_bytes_max = 512;

  /// Slices of the answer: good while it is.
  struct item {
    std::string key;
    json_slice value;
    std::string order; ///< newest_field; "" none.
  };

  std::vector<item> items;
  std::string cursor;               ///< `value`: "" none.
  std::string next;                 ///< Token or URL of the next page; "" the last.
  std::vector<std::string> digests; ///< `digest`: of each item.
};

/// What was asked for.
struct page_question {
  const endpoint_spec* endpoint = nullptr; ///< Outlives the question.
  std::string resource; ///< "" when the endpoint has none.
  std::string url;
  bool is_listing = false; ///< It was `first_sync_url`.
};

/// `answer` must outlive the page. An error: not what the platform documents, or over a bound.
result<poll_page> read_page(const page_question& asked, const http_response& answer);

/// A cursor in an answer: text or a number; "" for null and absent; an error for what no cursor can
/// be. `path` is what the error names.
result<std::string> page_cursor(json_slice value, const std::string& path);

} // namespace lapwing
