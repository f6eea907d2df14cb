#include "net/outbound/outbound_client.hpp"

#include <utility>

#include <boost/asio/post.hpp>

#include "net/outbound/outbound_engine.hpp"
#include "net/outbound/request_check.hpp"

namespace lapwing::net {

outbound_client::outbound_client(boost::asio::io_context& io, outbound_rules rules)
  : io_(io),
    shared_(std::make_shared<outbound_state>(std::move(rules))),
    engine_(std::make_shared<outbound_engine>(io, shared_)) {
  engine_->start();
}

outbound_client::~outbound_client() {
  shared_->stopping = true;
  engine_->stop();
}

void outbound_client::send(http_request request, callback done) {
  auto refuse = [&](outbound_failure what, error why) {
    shared_->metrics.failures[static_cast<std::size_t>(what)].fetch_add(1);
    done(std::move(why));
  };
  if (shared_->stopping)
    return refuse(outbound_failure::stopped, {errc::shutting_down, "the node is stopping"});
  const auto& rules = shared_->rules;
  auto host = target_of(request, rules);
  if (!host)
    return refuse(outbound_failure::bad_request, host.error());
  if (shared_->accepted.fetch_add(1) >= rules.under_way_max + rules.waiting_max) {
    shared_->accepted.fetch_sub(1);
    return refuse(outbound_failure::busy,
                  {errc::upstream_refused, "never sent: too many requests wait"});
  }
  outbound_call call{shared_, std::move(request), std::move(*host), std::move(done)};
  boost::asio::post(io_, [weak = std::weak_ptr{engine_}, call = std::move(call)]() mutable {
    if (auto engine = weak.lock())
      engine->take(std::move(call));
  });
}

void outbound_client::stop(std::function<void()> stopped) {
  shared_->stopping = true;
  boost::asio::post(io_, [engine = engine_, stopped = std::move(stopped)] {
    engine->stop();
    if (stopped)
      stopped();
  });
}

const outbound_metrics& outbound_client::metrics() const noexcept {
  return shared_->metrics;
}

} // namespace lapwing::net
