// One request on its way through libcurl: how curl is set up for it, what it gathers, and what its
// end means.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <curl/curl.h>

#include "core/http_client.hpp"
#include "net/outbound/outbound_metrics.hpp"
#include "net/outbound/outbound_rules.hpp"

namespace lapwing::net {

/// One thread. `rules` and `metrics` must outlive it. The handle must leave its multi handle before
/// the transfer dies.
class transfer {
public:
  struct ending {
    result<http_response> outcome;
    std::optional<outbound_failure> failure; ///< Set exactly when `outcome` is an error.
  };

  transfer(const outbound_rules& rules, outbound_metrics& metrics, http_request request);
  transfer(const transfer&) = delete;
  transfer& operator=(const transfer&) = delete;

  /// Null when there is no memory. `left` is what remains of the request's time.
  CURL* prepare(std::chrono::milliseconds left);
  /// What curl's verdict means. The answer moves out.
  ending end(CURLcode verdict);
  /// The transfer a handle belongs to.
  static transfer* of(CURL* handle) noexcept;

private:
  struct free_handle {
    void operator()(CURL* handle) const noexcept { curl_easy_cleanup(handle); }
  };
  struct free_list {
    void operator()(curl_slist* list) const noexcept { curl_slist_free_all(list); }
  };

  void set_safety(std::chrono::milliseconds left);
  void set_request();
  void set_body_once();
  bool add_header(const std::string& line);

  bool take_header(std::string_view line);
  bool take_field(std::string_view line);
  bool take_body(std::string_view part);
  std::size_t give_body(char* to, std::size_t room) noexcept;
  curl_socket_t open_socket(const curl_sockaddr& to) noexcept;
  void unfolded();

  static std::size_t on_header(char* data, std::size_t size, std::size_t count, void* self);
  static std::size_t on_body(char* data, std::size_t size, std::size_t count, void* self);
  static std::size_t on_read(char* data, std::size_t size, std::size_t count, void* self);
  static int on_seek(void* self, curl_off_t offset, int origin);
  static curl_socket_t on_socket(void* self, curlsocktype purpose, curl_sockaddr* to);

  template <class Value>
  void set(CURLoption option, Value value) {
    curl_easy_setopt(handle_.get(), option, value);
  }

  const outbound_rules& rules_;
  outbound_metrics& metrics_;
  http_request request_;
  http_response response_;
  std::unique_ptr<curl_slist, free_list> headers_;
  std::unique_ptr<CURL, free_handle> handle_; ///< After what it points at.
  std::size_t body_given_ = 0;
  std::size_t header_bytes_ = 0;
  std::size_t sockets_ = 0;
  std::size_t sockets_refused_ = 0;
  int status_ = 0; ///< Of the header section that is being read.
  bool headers_done_ = false;
  bool too_large_ = false;
  const char* fault_ = nullptr; ///< Why the answer is none, in words.
};

} // namespace lapwing::net
