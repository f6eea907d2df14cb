#include "app/registration_secrets.hpp"

#include <utility>

namespace lapwing {
namespace {

std::string name_of(const connection_key& which) {
  return which.platform.str() + '/' + which.user.str();
}

std::string secret_in(const std::optional<loaded_connection>& found) {
  if (found)
    for (const auto& one : found->registrations)
      if (!one.secret.empty())
        return one.secret;
  return {};
}

} // namespace

std::optional<std::string> registration_secrets::kept(const std::string& name) {
  std::lock_guard lock{mutex_};
  auto at = entries_.find(name);
  if (at == entries_.end())
    return std::nullopt;
  // A clock that was set back makes an entry old, not young for ever.
  auto age = clock_.now() - at->second.read_at;
  if (age < age.zero() || age >= kept_for)
    return std::nullopt;
  return at->second.secret;
}

void registration_secrets::find(const connection_key& which, callback done) {
  auto name = name_of(which);
  if (auto secret = kept(name))
    return done(std::move(*secret));
  if (reads_.fetch_add(1) >= reads_max) {
    --reads_;
    return done(error{errc::store_unavailable, "too many deliveries ask for their secrets"});
  }
  read_(which, [this, name, done](const result<std::optional<loaded_connection>>& found) {
    --reads_;
    if (!found)
      return done(found.error());
    auto secret = secret_in(*found);
    keep(name, secret);
    done(std::move(secret));
  });
}

void registration_secrets::keep(const std::string& name, std::string secret) {
  std::lock_guard lock{mutex_};
  auto [at, is_new] = entries_.try_emplace(name);
  at->second = {std::move(secret), clock_.now()};
  if (!is_new)
    return;
  order_.push_back(name);
  if (order_.size() > size_max) {
    entries_.erase(order_.front());
    order_.pop_front();
  }
}

void registration_secrets::doubt(const connection_key& which) {
  std::lock_guard lock{mutex_};
  auto at = entries_.find(name_of(which));
  if (at != entries_.end() && clock_.now() - at->second.read_at >= doubted_after)
    at->second.read_at = timestamp{};
}

} // namespace lapwing
