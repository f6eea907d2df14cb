// GitHub push deliveries (octokit's example events in shape and size), cheap to make by the
// thousand: only their end differs, so only their end has to be hashed again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace lapwing::load {

class push_delivery {
public:
  explicit push_delivery(const std::string& secret);
  ~push_delivery();
  push_delivery(const push_delivery&) = delete;
  push_delivery& operator=(const push_delivery&) = delete;

  /// Bytes of every body.
  std::size_t size() const noexcept;

  /// Appends the delivery whose `after` commit starts with `number` in hex digits.
  void append_body(std::string& out, std::uint64_t number) const;
  /// Appends the hex digits of X-Hub-Signature-256 for the same delivery.
  void append_signature(std::string& out, std::uint64_t number);

private:
  struct parts;
  std::unique_ptr<parts> parts_;
};

} // namespace lapwing::load
