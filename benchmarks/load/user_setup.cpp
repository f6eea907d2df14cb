#include "benchmarks/load/user_setup.hpp"

#include "benchmarks/load/requests.hpp"

namespace lapwing::load {
namespace {

constexpr std::size_t connection_count = 16;

} // namespace

user_setup::user_setup(event_loop& loop, const endpoint& node, const identity& who,
                       const std::vector<std::string>& users)
  : node_(node), who_(who), users_(users) {
  http_listener& self = *this;
  for (std::size_t i = 0; i < connection_count; ++i) {
    connections_.push_back(std::make_unique<http_connection>(loop, node, self, i));
    idle_.push_back(connections_.back().get());
  }
}

std::uint64_t user_setup::tick(std::uint64_t) {
  while (!failed() && next_ < users_.size() && !idle_.empty()) {
    auto& connection = *idle_.back();
    idle_.pop_back();
    append_put_user(connection.request(), node_, who_, users_[next_++]);
    connection.send();
  }
  return no_deadline;
}

void user_setup::on_response(http_connection& from, int status, std::string_view) {
  if (status < 200 || status > 299)
    return on_failure(from, "the node answered " + std::to_string(status));
  idle_.push_back(&from);
  done_.fetch_add(1);
}

void user_setup::on_failure(http_connection&, std::string_view why) {
  if (failed())
    return;
  why_ = why;
  failed_.store(true);
}

} // namespace lapwing::load
