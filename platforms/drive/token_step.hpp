// Carries out what token_keeper decides: writes, asks, stores, and hands tokens to those who wait.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/connection_store.hpp"
#include "platforms/drive/driver_host.hpp"
#include "platforms/drive/token_endpoints.hpp"
#include "platforms/drive/token_source.hpp"
#include "platforms/oauth/token_keeper.hpp"
#include "platforms/spec.hpp"

namespace lapwing {

/// Only its host's thread calls it. Spec, ports and host must outlive it.
class token_step final : public token_source {
public:
  /// What others should hear of.
  struct listener {
    /// To be written down and told; until `done` this is not settled.
    std::function<void(const token_keeper::end&, std::function<void()> done)> ended;
    std::function<void(const token_keeper::warn&)> grant_ends;
    std::function<void()> refreshed;
    /// When the connection is due, whatever its tokens want: stored with them, so that a crash right
    /// after does not put polls off.
    std::function<timestamp()> due;
  };

  token_step(connection_key of, const platform_spec& spec, const driver_ports& ports,
             driver_host& host, listener hears);

  void loaded(const connection& row);
  void gone();
  /// Refreshes if it is time (`ahead`: if it will be within ten minutes); then, at once or later,
  /// calls `settled` when nothing is under way.
  void look(bool ahead, std::function<void()> settled);
  /// Calls `settled` when nothing is under way.
  void when_settled(std::function<void()> settled);

  void need(std::function<void(result<access_token>)> done) override;
  void rejected(std::uint64_t version, std::function<void(result<access_token>)> done) override;

  const token_keeper& keeper() const noexcept { return keeper_; }

private:
  using decisions = token_keeper::decisions;

  void carry_out(decisions what);
  void carry_out(const token_keeper::note& what);
  void carry_out(const token_keeper::remember& what);
  void carry_out(const token_keeper::ask& what);
  void carry_out(const token_keeper::save& what);
  void carry_out(const token_keeper::reload& what);
  void carry_out(const token_keeper::end& what);
  void carry_out(const token_keeper::warn& what);
  void carry_out(const token_keeper::refreshed& what);
  void reloaded(std::uint64_t step, const result<std::optional<loaded_connection>>& found);
  void after_input();
  bool busy() const noexcept;
  void arm();
  /// Runs `call` on the host's thread if this is still there.
  std::function<void(std::function<void()>)> guarded_post();

  const connection_key key_;
  const platform_spec& spec_;
  const driver_ports& ports_;
  driver_host& host_;
  const listener hears_;
  token_keeper keeper_;
  std::vector<std::function<void(result<access_token>)>> waiting_;
  std::vector<std::function<void()>> settled_;
  token_endpoints::pass pass_; ///< To ask for the refresh under way.
  bool timer_ = false;
  bool ending_ = false;        ///< The end is being written down.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

} // namespace lapwing
