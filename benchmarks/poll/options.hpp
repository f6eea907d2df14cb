// What `lapwing bench poll` was asked for. Durations are seconds.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "core/error.hpp"

namespace lapwing::poll_bench {

struct poll_options {
  std::size_t users = 100'000;
  std::vector<std::string> platforms; ///< Empty: spotify, github and gmail.
  bool linear = true;   ///< Also with a tenth and a third of the users.
  double rest = 20;     ///< How long it is watched at rest.
  double duration = 30; ///< How long it polls, if there is so much to poll.
  double item_rate = 1; ///< Items an hour in a mailbox (`lapwing sim --rate`).
  std::size_t threads = 0; ///< Of the node; 0: one per core.
  bool json = false;
  std::string program;   ///< The lapwing to start.
  std::string directory; ///< Where the stores are made, in a folder that is deleted; "": /tmp.
};

/// Fills what was left open, or says what cannot be done.
result<poll_options> with_defaults(poll_options asked);

} // namespace lapwing::poll_bench
