// Which columns hold secrets, and the keys to them. A store without keys works, but for these.
#pragma once

#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "core/error.hpp"
#include "storage/secret_box.hpp"

namespace lapwing {

/// A BLOB column of sealed boxes; NULL where there is no secret.
struct sealed_column {
  std::string_view table;
  std::string_view column;
  std::string_view id; ///< The column that names the row: unique, never changed.
};

inline constexpr sealed_column sealed_access_token{"platform_connections", "access_token", "id"};
inline constexpr sealed_column sealed_refresh_token{"platform_connections", "refresh_token", "id"};
inline constexpr sealed_column sealed_webhook_secret{"platform_webhooks", "webhook_secret", "id"};
inline constexpr sealed_column sealed_verifier{"oauth_states", "verifier", "state"};

/// All of them: what a change of keys has to visit.
std::span<const sealed_column> sealed_columns() noexcept;

/// So many cannot be sealed anew: whoever removed their key needs it back.
error sealed_with_foreign_keys(std::size_t count);

/// Seals and opens what stands in those columns. "" is no secret, and is kept as NULL. Any thread.
class secret_columns {
public:
  explicit secret_columns(std::optional<secret_box> box) : box_(std::move(box)) {}

  /// errc::not_configured unless there are keys or every one of the secrets is "".
  std::optional<error> refusal(std::initializer_list<std::string_view> secrets) const;

  /// As secret_box::seal; nothing for "". errc::not_configured without keys.
  result<std::optional<std::string>> seal(const sealed_column& column, std::string_view row_id,
                                          std::string_view secret) const;
  /// As secret_box::open; "" for NULL. errc::not_configured without keys.
  result<std::string> open(const sealed_column& column, std::string_view row_id,
                           const std::optional<std::string_view>& box) const;

  const std::optional<secret_box>& box() const noexcept { return box_; }

private:
  std::optional<secret_box> box_;
};

} // namespace lapwing
