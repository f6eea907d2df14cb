// One request's head and the strict reading of it. Beast parses; what it lets pass for leniency
// and a proxy in front of us might read differently (request smuggling) is refused here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/field.hpp>
#include <boost/beast/http/verb.hpp>

#include "core/error.hpp"

namespace lapwing::net {

using boost::beast::http::field;
using boost::beast::http::verb;

/// More header lines than that are refused (431).
inline constexpr std::size_t header_lines_max = 100;
/// A longer request target is refused (414): tokens in queries are below it.
inline constexpr std::size_t target_bytes_max = 8192;

struct header_line {
  field id;
  std::string_view name;
  std::string_view value;
};

/// The head of a request. Its views point into the block it was parsed from.
struct request_head {
  verb method = verb::unknown;
  std::string_view target;
  std::string_view path;  ///< Without the query; of an absolute-form target its path.
  std::string_view query; ///< Without `?`. Never logged.
  unsigned version = 11;  ///< 10 or 11.
  std::vector<header_line> headers;

  /// First value of a header; empty when absent.
  std::string_view header(field id) const noexcept;
  /// By name in any case of letters.
  std::string_view header(std::string_view name) const noexcept;
  std::size_t count(field id) const noexcept;
  /// The decoded value of a query parameter; nothing when absent or badly encoded.
  std::optional<std::string> parameter(std::string_view name) const;
};

/// Percent-decodes; `plus_is_space` for queries. Nothing for a broken or a zero byte.
std::optional<std::string> percent_decoded(std::string_view text, bool plus_is_space);

/// Where the head ends (behind the empty line), 0 when it has not come whole, or what makes it no
/// head at all: a bare LF or CR, a folded line, a zero byte.
result<std::size_t> find_head_end(std::string_view bytes);

/// Reads one request. First `read_head`, then `feed` until `complete`.
class request_reader final : private boost::beast::http::basic_parser<true> {
public:
  request_reader();

  /// `block` is exactly the head, as find_head_end says, and must live as long as the views are
  /// used: see `rebase`.
  std::optional<error> read_head(std::string_view block);

  const request_head& head() const noexcept { return head_; }

  bool keeps_alive() const { return basic_parser::keep_alive(); }
  bool wants_upgrade() const { return basic_parser::upgrade(); }
  bool is_chunked() const { return basic_parser::chunked(); }
  std::optional<std::uint64_t> declared_bytes() const;
  bool has_body() const;
  bool complete() const { return basic_parser::is_done(); }

  /// Takes body bytes and appends them to `body`, which may grow to `bytes_max`. Returns how many
  /// bytes were taken; the rest belongs to the next request or must come again with more.
  result<std::size_t> feed(std::string_view bytes, std::string& body, std::size_t bytes_max);

  /// Moves the views from the block they point into to an equal one.
  void rebase(std::string_view from, std::string_view to);

private:
  using error_code = boost::beast::error_code;
  using string_view = boost::beast::string_view;

  void on_request_impl(verb, string_view, string_view, int, error_code&) override;
  void on_response_impl(int, string_view, int, error_code&) override {}
  void on_field_impl(field, string_view, string_view, error_code&) override;
  void on_header_impl(error_code&) override;
  void on_body_init_impl(boost::optional<std::uint64_t> const&, error_code&) override {}
  std::size_t on_body_impl(string_view, error_code&) override;
  void on_chunk_header_impl(std::uint64_t, string_view, error_code&) override;
  std::size_t on_chunk_body_impl(std::uint64_t, string_view, error_code&) override;
  void on_finish_impl(error_code&) override {}

  void refuse(errc code, const char* detail, error_code& ec);
  std::size_t take(string_view bytes, error_code& ec);

  request_head head_;
  std::optional<error> refusal_;
  bool head_read_ = false;
  std::string* body_ = nullptr;
  std::size_t bytes_max_ = 0;
};

} // namespace lapwing::net
