#include "net/http/webhook_log.hpp"

#include <chrono>
#include <string>

#include <spdlog/spdlog.h>

namespace lapwing::net {
namespace {

constexpr int refusals_a_second_max = 20;

/// A sender chose it: what is no plain name must not break the line.
std::string plain(std::string_view name) {
  std::string out{name.substr(0, 64)};
  for (char& c : out)
    if (c <= ' ' || c > '~')
      c = '?';
  return out.empty() ? "delivery" : out;
}

bool may_log_refusal() {
  using clock = std::chrono::steady_clock;
  thread_local clock::time_point second_began{};
  thread_local int logged = 0;
  auto now = clock::now();
  if (now - second_began >= std::chrono::seconds{1}) {
    second_began = now;
    logged = 0;
  }
  return ++logged <= refusals_a_second_max;
}

} // namespace

void log_webhook_received(std::string_view platform, std::string_view event,
                          std::string_view user) {
  if (spdlog::should_log(spdlog::level::info))
    spdlog::info("{} webhook received: {} for user {}", platform, plain(event), user);
}

void log_webhook_ended(std::string_view platform, std::string_view event, std::string_view user,
                       const result<publish_receipt>& receipt) {
  if (!receipt)
    return spdlog::warn("{} webhook not stored: {} for user {}: {}", platform, plain(event), user,
                        to_string_view(receipt.error().code));
  if (spdlog::should_log(spdlog::level::info))
    spdlog::info("{} webhook {}: {} for user {} is {}", platform,
                 receipt->duplicate ? "known already" : "processed", plain(event), user,
                 receipt->id);
}

void log_webhook_refused(std::string_view platform, const peer_address& from, const error& why) {
  if (may_log_refusal())
    spdlog::warn("{} webhook refused: {}, from {}", platform, to_string_view(why.code),
                 from.address());
}

} // namespace lapwing::net
