#include "net/http/node.hpp"

#include "net/http/routes.hpp"
#include "net/http/shard.hpp"

namespace lapwing::net {

node::node(engine& the_engine, const wall_clock& the_clock, std::string run_name)
  : core(the_engine),
    clock(the_clock),
    run(std::move(run_name)),
    routes(std::make_unique<route_table>()),
    sse_cloudevents(run),
    websocket_cloudevents(run) {}

node::~node() = default;

shard& node::home_of_user(const user_id& user) const noexcept {
  return *shards[home_of(user.str(), shards.size())];
}

session_id node::next_session() noexcept {
  return session_id{next_session_.fetch_add(1, std::memory_order_relaxed)};
}

} // namespace lapwing::net
