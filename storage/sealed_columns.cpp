#include "storage/sealed_columns.hpp"

#include <algorithm>

namespace lapwing {
namespace {

constexpr sealed_column all_sealed[] = {sealed_access_token, sealed_refresh_token,
                                        sealed_webhook_secret, sealed_verifier};

error no_keys() {
  return {errc::not_configured, "security.encryption_keys is empty: secrets can be neither kept"
                                " nor read"};
}

} // namespace

std::span<const sealed_column> sealed_columns() noexcept {
  return all_sealed;
}

error sealed_with_foreign_keys(std::size_t count) {
  return {errc::not_configured,
          "secrets sealed with keys that are not in security.encryption_keys: "
            + std::to_string(count)};
}

std::optional<error> secret_columns::refusal(
  std::initializer_list<std::string_view> secrets) const {
  const bool any = std::any_of(secrets.begin(), secrets.end(),
                               [](std::string_view secret) { return !secret.empty(); });
  if (box_ || !any)
    return std::nullopt;
  return no_keys();
}

result<std::optional<std::string>> secret_columns::seal(const sealed_column& column,
                                                        std::string_view row_id,
                                                        std::string_view secret) const {
  if (secret.empty())
    return std::optional<std::string>{};
  if (!box_)
    return no_keys();
  auto sealed = box_->seal(secret, {column.table, column.column, row_id});
  if (!sealed)
    return sealed.error();
  return std::optional{std::move(*sealed)};
}

result<std::string> secret_columns::open(const sealed_column& column, std::string_view row_id,
                                         const std::optional<std::string_view>& box) const {
  if (!box)
    return std::string{};
  if (!box_)
    return no_keys();
  return box_->open(*box, {column.table, column.column, row_id});
}

} // namespace lapwing
