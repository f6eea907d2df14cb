// Who the load client says it is. In development identity a name is enough; otherwise tokens are
// minted with the node's HS256 secret, as `lapwing token` does.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace lapwing::load {

/// A JSON Web Token (RFC 7519) signed with HS256. `claims` is a JSON object.
std::string sign_jwt(std::string_view claims, std::string_view secret);

class identity {
public:
  /// Tokens expire `lifetime` after `now`.
  identity(std::string jwt_secret, std::string service_token, std::chrono::sys_seconds now,
           std::chrono::seconds lifetime);

  /// Empty in development identity. The token allows every room.
  std::string user_token(std::string_view user) const;
  /// Empty in development identity.
  const std::string& service_token() const noexcept { return service_token_; }
  /// True when users have to be made known to the node first (CONTRACT 3).
  bool authenticated() const noexcept { return !service_token_.empty(); }

private:
  std::string token(std::string_view subject, std::string_view role) const;

  std::string jwt_secret_;
  std::chrono::sys_seconds expires_;
  std::string service_token_;
};

} // namespace lapwing::load
