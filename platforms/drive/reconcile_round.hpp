// Asks GitHub for the deliveries that its hooks could not make, of each hook that is due for it.
// What comes again is verified, stored and acknowledged like any delivery; what was stored before is a
// duplicate.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "platforms/drive/driven_connection.hpp"
#include "platforms/drive/token_source.hpp"
#include "platforms/monitor/github_deliveries.hpp"

namespace lapwing {

/// Its timers are rows of poll_progress under this prefix and the resource's name.
inline constexpr std::string_view reconcile_prefix = "~deliveries|";

/// Only its host's thread calls it. Alive until `done` has been called; everything given must outlive
/// it.
class reconcile_round {
public:
  struct hooks {
    /// The hook is gone at the provider; its row in `known` says so and is due.
    std::function<void(const std::string& resource)> hook_missing;
    std::function<void()> done;
  };

  reconcile_round(driven_connection& of, token_source& tokens, hooks calls);

  void start();

private:
  void next();
  void step();
  void send(http_request request, const access_token& token);
  void listed();
  void settle();

  driven_connection& of_;
  token_source& tokens_;
  const hooks calls_;
  std::vector<std::string> left_; ///< Resources; the last one is next.
  std::string resource_;
  std::unique_ptr<github_reconcile> run_;
  bool is_listed_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

} // namespace lapwing
