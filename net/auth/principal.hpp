// Who is asking, and what they may do (CONTRACT 3, 5).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/ids.hpp"
#include "core/time.hpp"

namespace lapwing {

enum class principal_role : std::uint8_t {
  anonymous,     ///< A good token without rights here (Supabase's `anon`).
  authenticated, ///< A user.
  service_role,
  admin,
};

std::string_view to_string_view(principal_role role) noexcept;
/// `authenticated` for an empty text, `anonymous` for an unknown one.
principal_role principal_role_of(std::string_view text) noexcept;

struct principal {
  user_id user; ///< Empty only for anonymous, service_role and admin.
  principal_role role = principal_role::anonymous;
  std::vector<std::string> rooms;   ///< Claim `rooms`: names, or prefixes ending in `*`.
  std::optional<timestamp> expires; ///< `exp` of the token; nothing in development identity.
  bool development = false;         ///< Development identity: everything is allowed.
};

/// Somebody believed without a token in development identity.
principal development_principal(user_id user);

/// Their own streams, connections and data; service_role: anybody's.
bool may_act_for(const principal& who, const user_id& user);
/// Send to any user or room, broadcast, put users: service_role.
bool may_serve(const principal& who);
/// Use /admin/*: admin.
bool may_administer(const principal& who);
/// `artist:{own id}`, rooms of the claim; admin: also `admin`; service_role: any.
bool may_join(const principal& who, const room_id& room);

} // namespace lapwing
