// What somebody may do in a private channel, by the row-level policies on realtime.messages: they see
// the channel's name through realtime.topic(). Two threads with a connection each ask, and undo what
// asking needs; schema and table are made when the node starts, where they are missing and its role
// may.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "realtime/service.hpp"
#include "storage/executor.hpp"

namespace lapwing::postgres {

class channel_rights final : public realtime::channel_policy {
public:
  /// errc::not_configured: no such address. It connects by itself.
  static result<std::unique_ptr<channel_rights>> open(const std::string& url);
  ~channel_rights() override;

  /// errc::store_unavailable: `detail` is the reason for the client, as in realtime::refusal.
  void ask(std::string channel, realtime::identity_ptr who,
           std::function<void(result<realtime::permissions>)> done) override;
  void stop() override;

private:
  explicit channel_rights(const std::string& parameters);

  std::atomic<bool> stopping_{false}; ///< What waits is refused without asking.
  executor threads_;
};

} // namespace lapwing::postgres
