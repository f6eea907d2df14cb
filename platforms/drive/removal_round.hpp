// A person's disconnect carried out: what is registered ends, the grant is revoked, the row says so.
#pragma once

#include <functional>
#include <memory>

#include "platforms/drive/driven_connection.hpp"
#include "platforms/drive/registration_round.hpp"
#include "platforms/drive/token_step.hpp"

namespace lapwing {

/// Only its host's thread calls it. Alive until `done` has been called; everything given must outlive
/// it.
class removal_round {
public:
  /// `done`: whether the row says so now. Nothing but the store's error keeps a person connected.
  removal_round(driven_connection& of, token_step& tokens, std::function<void(result<bool>)> done);

  /// The tokens must be loaded.
  void start();

private:
  void revoke();
  void send_revocation();
  void forget();
  /// Runs `call` on the host's thread if this is still there.
  std::function<void(std::function<void()>)> guarded_post();

  driven_connection& of_;
  token_step& tokens_;
  const std::function<void(result<bool>)> done_;
  registration_round registrations_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

} // namespace lapwing
