// What is due of a connection's endpoints, read one after the other once the connection's turn among
// all who poll the platform has come.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "platforms/drive/driven_connection.hpp"
#include "platforms/drive/poll_step.hpp"
#include "platforms/drive/token_source.hpp"
#include "platforms/poll/adaptive.hpp"

namespace lapwing {

struct poll_round_end {
  bool polled_any = false;   ///< Some endpoint was read without a problem.
  std::size_t new_items = 0;
};

/// Only its host's thread calls it. Alive until `done` has been called; everything given must outlive
/// it.
class poll_round {
public:
  struct hooks {
    std::function<poll_pressure(const endpoint_spec&)> pressure;
    /// Stored, and not known before; with when the endpoint was read before this.
    std::function<void(const endpoint_spec&, std::optional<timestamp>)> found_news;
    std::function<void(poll_round_end)> done;
  };

  poll_round(driven_connection& of, token_source& tokens, hooks calls);
  ~poll_round();
  poll_round(const poll_round&) = delete;
  poll_round& operator=(const poll_round&) = delete;

  /// `all`: not only what is due.
  void start(bool all);
  /// Somebody has no time for a turn that has not come: what is due stays due.
  void give_up_waiting();

private:
  /// One endpoint, and which of the things it is read for (a channel, a playlist).
  struct poll_choice {
    std::size_t endpoint = 0; ///< Index in spec.poll.endpoints.
    std::string resource;     ///< "" when the endpoint has none.
  };

  void choose(bool all);
  void forget_far_plans();
  void choose_resources();
  void enter();
  void entered(bool may);
  void next();
  void polled(const poll_choice& what, poll_end how);
  void end();
  timestamp plan(const endpoint_spec& endpoint, poll_progress& progress,
                 const poll_outcome& outcome);
  poll_progress& progress_of(const poll_choice& what);

  driven_connection& of_;
  token_source& tokens_;
  const hooks calls_;
  poll_round_end result_;
  std::unique_ptr<poll_step> polling_;
  std::optional<timestamp> read_before_; ///< What is polled was, the last time.
  std::vector<poll_choice> left_;           ///< The last one is next.
  std::vector<std::size_t> resources_left_; ///< Endpoints whose resources are to be looked up.
  bool all_ = false;
  bool waiting_ = false;                    ///< For its turn.
  bool inside_ = false;                     ///< Holds a place of the platform's traffic.
  std::size_t extra_polls_ = 0;             ///< Beyond one of each endpoint: further pages.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

} // namespace lapwing
