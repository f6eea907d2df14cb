#include "platforms/drive/token_endpoints.hpp"

#include <mutex>
#include <utility>

namespace lapwing {
namespace {

/// Gmail, Calendar and YouTube are one client of one endpoint.
std::string key_of(const platform_spec& platform) {
  return platform.oauth.token_url + '\n' + platform.oauth.client_id;
}

} // namespace

struct token_endpoints::endpoint {
  endpoint(const listener& to, std::string of) : hears(to), title(std::move(of)) {}

  const listener& hears;
  const std::string title;
  std::mutex mutex;
  token_circuit circuit;
};

token_endpoints::token_endpoints(const std::vector<platform_spec>& platforms, listener hears)
    : hears_(std::move(hears)) {
  for (const auto& platform : platforms)
    endpoints_.try_emplace(key_of(platform), std::make_unique<endpoint>(hears_, platform.title));
}

token_endpoints::~token_endpoints() = default;

token_endpoints::admission token_endpoints::ask(const platform_spec& platform, timestamp now) {
  const auto at = endpoints_.find(key_of(platform));
  if (at == endpoints_.end())
    return {pass{}, {}};
  auto& of = *at->second;
  std::lock_guard lock{of.mutex};
  const auto answer = of.circuit.ask(now);
  if (!answer.may)
    return {std::nullopt, answer.from};
  return {pass{&of}, {}};
}

token_endpoints::pass::~pass() {
  if (of_ == nullptr)
    return;
  std::lock_guard lock{of_->mutex};
  of_->circuit.given_up();
}

void token_endpoints::pass::answered(const std::optional<token_failure>& failure, timestamp now,
                                     double chance) {
  auto* of = std::exchange(of_, nullptr);
  if (of == nullptr)
    return;
  auto news = token_circuit::news::none;
  std::string code;
  {
    std::lock_guard lock{of->mutex};
    code = of->circuit.code();
    news = of->circuit.answered(failure, now, chance);
    if (of->circuit.open())
      code = of->circuit.code();
  }
  if (news != token_circuit::news::none && of->hears)
    of->hears(news, of->title, code);
}

} // namespace lapwing
