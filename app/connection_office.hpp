// The connection service of a node: authorizations, lists and orders. What lasts is done by the
// platform actors; this only asks the store, the platform and them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "actors/due_scanner.hpp"
#include "actors/node_context.hpp"
#include "app/registration_secrets.hpp"
#include "core/connection_store.hpp"
#include "core/connections.hpp"
#include "core/http_client.hpp"
#include "platforms/spec.hpp"

namespace lapwing {

class asio_scheduler;

/// Everything it is given must outlive it.
class connection_office final : public connection_service {
public:
  connection_office(asio_scheduler& scheduler, const node_context& context, http_client& http,
                    const std::vector<platform_spec>& platforms, std::string public_url,
                    due_scanner_actor scanner);

  void authorize(user_id user, platform_id platform, std::string redirect_to,
                 callback<authorization_start> done) override;
  void authorized(authorization_answer answer, callback<authorization_result> done) override;
  void list(user_id user, callback<std::string> done) override;
  void disconnect(user_id user, platform_id platform, callback<bool> done) override;
  void sync(user_id user, std::optional<platform_id> platform,
            callback<std::size_t> done) override;
  void webhook_secret(user_id user, platform_id platform, callback<std::string> done) override;
  void misdelivered(user_id user, platform_id platform, std::string registration) override;
  void verify_subscription(subscription_question question, callback<bool> done) override;
  void items(item_query what, callback<std::string> done) override;
  void run_job(std::string job, callback<std::string> done) override;

private:
  struct exchange_in_progress;

  const platform_spec* find(const platform_id& platform) const;
  result<const platform_spec*> find_connectable(const platform_id& platform) const;
  std::string callback_url(const platform_id& platform) const;
  void trade_code(std::shared_ptr<exchange_in_progress> work);
  void ask_account(std::shared_ptr<exchange_in_progress> work);
  void keep(std::shared_ptr<exchange_in_progress> work);
  void tell(connection_key of, connection_work work, std::function<void(result<bool>)> done);
  void send(connection_key of, platform_task_ptr task);

  asio_scheduler& scheduler_;
  const node_context& context_;
  /// Of our own: answers of the store may come up when the node is letting its actors go.
  const std::vector<user_directory_actor> directories_;
  http_client& http_;
  const std::vector<platform_spec>& platforms_;
  const std::string public_url_;
  const due_scanner_actor scanner_;
  registration_secrets secrets_;
};

} // namespace lapwing
