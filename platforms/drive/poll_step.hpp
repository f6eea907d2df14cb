// One endpoint read once, and what it brought stored together with the event that tells of it.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/connection_store.hpp"
#include "platforms/drive/driver_host.hpp"
#include "platforms/drive/token_source.hpp"
#include "platforms/poll/poll_run.hpp"
#include "platforms/spec.hpp"

namespace lapwing {

struct poll_end {
  poll_progress progress;      ///< As it was stored, or (with `failure`) as it was before.
  std::size_t new_items = 0;
  bool more = false;           ///< Poll again at once: there are further pages.
  std::optional<answer_problem> problem;
  /// Nothing was stored: the store was away, or the platform's queue was full. Try again soon.
  std::optional<error> failure;
  std::optional<timestamp> not_before; ///< The budget is used up until then.
};

/// Only its host's thread calls it. Alive until `done` has been called; spec, ports, host and tokens
/// must outlive it.
class poll_step {
public:
  /// When the endpoint, and the connection as a whole, are due next: asked once the answer is known.
  using planner = std::function<timestamp(poll_progress&, const poll_outcome&)>;
  using ending = std::function<void(poll_end)>;

  poll_step(const connection& of, const platform_spec& spec, const endpoint_spec& endpoint,
            std::string resource, poll_progress from, const driver_ports& ports, driver_host& host,
            token_source& tokens, planner plan, ending done);
  ~poll_step();
  poll_step(const poll_step&) = delete;
  poll_step& operator=(const poll_step&) = delete;

  void start();

private:
  traffic_party party() const { return {key_, account_}; }
  void go_on();
  void send(const access_token& token);
  void answered(const result<http_response>& answer, std::uint64_t version);
  void tell_extraction();
  void sort_out();
  void store_new(std::vector<std::string> unknown);
  void store_progress();
  void end(poll_end how);

  const connection_key key_;
  const std::string account_;
  const platform_spec& spec_;
  const endpoint_spec& endpoint_;
  const driver_ports& ports_;
  driver_host& host_;
  token_source& tokens_;
  planner plan_;
  ending done_;
  poll_progress from_;
  poll_run run_;
  poll_outcome outcome_;
  timestamp next_due_{};
  std::size_t new_count_ = 0;
  bool rejected_once_ = false;
  bool first_ = false;     ///< Nothing of this endpoint was read before.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

} // namespace lapwing
