#include "net/auth/principal.hpp"

#include <algorithm>

namespace lapwing {

std::string_view to_string_view(principal_role role) noexcept {
  switch (role) {
    case principal_role::anonymous: return "anon";
    case principal_role::authenticated: return "authenticated";
    case principal_role::service_role: return "service_role";
    case principal_role::admin: return "admin";
  }
  return "anon";
}

principal_role principal_role_of(std::string_view text) noexcept {
  if (text.empty() || text == "authenticated")
    return principal_role::authenticated;
  if (text == "service_role")
    return principal_role::service_role;
  if (text == "admin")
    return principal_role::admin;
  return principal_role::anonymous;
}

principal development_principal(user_id user) {
  principal who;
  who.user = std::move(user);
  who.role = principal_role::authenticated;
  who.development = true;
  return who;
}

bool may_act_for(const principal& who, const user_id& user) {
  if (user.empty())
    return false;
  if (who.development || who.role == principal_role::service_role)
    return true;
  return who.role != principal_role::anonymous && who.user == user;
}

bool may_serve(const principal& who) {
  return who.development || who.role == principal_role::service_role;
}

bool may_administer(const principal& who) {
  return who.development || who.role == principal_role::admin;
}

bool may_join(const principal& who, const room_id& room) {
  std::string_view name = room.str();
  if (!valid_room_id(name))
    return false;
  if (who.development || who.role == principal_role::service_role)
    return true;
  if (who.role == principal_role::anonymous)
    return false;
  if (who.role == principal_role::admin && name == "admin")
    return true;
  constexpr std::string_view artist = "artist:";
  if (!who.user.empty() && name.starts_with(artist)
      && name.substr(artist.size()) == who.user.str())
    return true;
  return std::any_of(who.rooms.begin(), who.rooms.end(), [&](std::string_view claim) {
    if (claim.ends_with('*'))
      return name.starts_with(claim.substr(0, claim.size() - 1));
    return claim == name;
  });
}

} // namespace lapwing
