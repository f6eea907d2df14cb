// Carries what simulated providers send to a simulated node, as the node's HTTP front does it: every
// delivery is verified by the real gate, with the configured secrets or those of the connection's own
// registration, before anything else is done with it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "core/connection_store.hpp"
#include "net/webhook/payloads.hpp"
#include "net/webhook/text.hpp"
#include "net/webhook/webhook_gate.hpp"
#include "platforms/drive/hub_word.hpp"
#include "sim/world.hpp"

namespace lapwing {

class simulated_postman {
public:
  static constexpr std::string_view node_url = "https://node.example";

  /// What the node does with what has passed the gate.
  struct calls {
    std::function<std::optional<connection_key>(const account&)> owner_of;
    /// The secret of a registration of the connection; "" none.
    std::function<std::string(const connection_key&)> secret_of;
    /// Stored and acknowledged: true; false: not now.
    std::function<bool(const connection_key&, const webhook_delivery&)> store;
    std::function<void(const connection_key&, std::string registration)> misdelivered;
    std::function<void(const connection_key&, hub_word, std::function<void(bool)>)> hub;
  };

  /// What an operator enters in the providers' portals. Before a world is made of it.
  static void enter_addresses(sim::world_options& options) {
    auto base = std::string{node_url} + "/api/webhooks/";
    options.pubsub_push_url = base + "gmail";
    options.slack_events_url = base + "slack/{user}";
    options.discord_events_url = base + "discord/{user}";
  }

  simulated_postman(sim::world& world, calls node) : world_(world), node_(std::move(node)) {
    webhooks_config config;
    config.slack.current = world.options().slack_signing_secret;
    config.discord_public_key = world.discord_public_key();
    config.gmail.service_account = world.options().pubsub_service_account;
    auto keys = std::make_shared<remote_jwks>(
      config.gmail.jwks_url, [this](std::string url, auto done) {
        http_request request;
        request.url = std::move(url);
        auto answer = world_.handle(request);
        done(fetched_text{std::move(answer.body), std::chrono::seconds{3600}});
      });
    gate_ = std::make_unique<webhook_gate>(
      config, world.options().pubsub_push_url, std::move(keys));
  }

  std::map<std::string, std::uint64_t> refused; ///< By platform: what did not pass the gate.

  /// `done`: what the node answers.
  void carry(const sim::sim_delivery& what, std::function<void(http_response)> done) {
    std::string_view url = what.request.url;
    if (!url.starts_with(node_url))
      return done(answer(404));
    url.remove_prefix(node_url.size() + std::string_view{"/api/webhooks/"}.size());
    auto question = url.find('?');
    auto path = url.substr(0, question);
    auto slash = path.find('/');
    auto platform = std::string{path.substr(0, slash)};
    auto user = slash == path.npos ? std::string{} : std::string{path.substr(slash + 1)};
    if (what.request.method == "GET")
      return hear_hub({user_id{user}, platform_id{platform}},
                      question == url.npos ? std::string_view{} : url.substr(question + 1),
                      std::move(done));
    auto lookup = [&](std::string_view name) {
      http_response headers{0, what.request.headers, {}};
      return std::string{headers.header(name)};
    };
    auto held = std::map<std::string, std::string, std::less<>>{};
    auto header = [&](std::string_view name) -> std::string_view {
      auto at = held.find(name);
      if (at == held.end())
        at = held.emplace(std::string{name}, lookup(name)).first;
      return at->second;
    };
    webhook_request request{webhook_headers{header}, what.request.body};
    gate_->receive(platform, request, world_.now(), [&](result<webhook_outcome> outcome) {
      bool may_be_registered = platform == "github" || platform == "calendar"
                               || platform == "youtube";
      if (!outcome && may_be_registered
          && (outcome.error().code == errc::signature_mismatch
              || outcome.error().code == errc::not_configured)) {
        connection_key of{user_id{user}, platform_id{platform}};
        if (auto secret = node_.secret_of(of); !secret.empty()) {
          outcome = gate_->receive_registered(platform, request, secret);
          if (!outcome && outcome.error().code == errc::signature_mismatch)
            node_.misdelivered(of, std::string{webhook_gate::registration_of(platform, request)});
        }
      }
      done(take(platform, user, outcome));
    });
  }

private:
  static http_response answer(int status, std::string body = {}) {
    return {status, {}, std::move(body)};
  }

  http_response take(const std::string& platform, const std::string& user,
                     const result<webhook_outcome>& outcome) {
    if (!outcome) {
      ++refused[platform];
      return answer(platform == "youtube" ? 200 : 401);
    }
    if (const auto* told = std::get_if<webhook_answer>(&*outcome))
      return answer(static_cast<int>(told->status), told->body);
    const auto* delivery = std::get_if<webhook_delivery>(&*outcome);
    if (delivery == nullptr)
      return answer(200);
    std::optional<connection_key> of{{user_id{user}, platform_id{platform}}};
    if (user.empty())
      of = delivery->owner ? node_.owner_of(*delivery->owner) : std::nullopt;
    if (!of)
      return answer(200);
    return answer(node_.store(*of, *delivery) ? static_cast<int>(delivery->status) : 503);
  }

  void hear_hub(const connection_key& of, std::string_view query,
                std::function<void(http_response)> done) {
    auto question = read_hub_question(query);
    if (!question)
      return done(answer(400));
    auto challenge = form_field(query, "hub.challenge").value_or(std::string{});
    bool is_denial = question->mode == "denied";
    node_.hub(of, hub_word{question->mode, question->topic, question->lease},
              [done = std::move(done), challenge, is_denial](bool wanted) {
                if (is_denial)
                  return done(answer(200));
                auto told = websub_reply(wanted, challenge);
                done(answer(static_cast<int>(told.status), told.body));
              });
  }

  sim::world& world_;
  calls node_;
  std::unique_ptr<webhook_gate> gate_;
};

} // namespace lapwing
