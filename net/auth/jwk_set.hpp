// A JSON Web Key Set (RFC 7517) as immutable public keys.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "net/auth/public_key.hpp"

namespace lapwing {

struct jwk {
  std::string id; ///< `kid`, may be empty.
  public_key key;
};

/// Immutable after parsing; any thread.
class jwk_set {
public:
  static constexpr std::size_t text_bytes_max = 1024 * 1024;
  static constexpr std::size_t keys_max = 256;

  /// Keys that are no signature keys of a kind we know are skipped; a broken key of a known kind,
  /// a private or symmetric key or two keys with one id fail the set (errc::bad_request).
  static result<jwk_set> parse(std::string_view json);

  /// The key with this id and kind. With an empty id: the only key of that kind, if there is
  /// exactly one. Null otherwise.
  const public_key* find(std::string_view id, key_kind kind) const noexcept;
  bool contains(std::string_view id) const noexcept;
  std::size_t size() const noexcept { return keys_.size(); }
  bool empty() const noexcept { return keys_.empty(); }

private:
  std::vector<jwk> keys_;
};

/// Reads `auth.jwks_file` at start or reload; errc::not_configured when it cannot be read.
result<jwk_set> read_jwk_set_file(const std::string& path);

} // namespace lapwing
