#include "net/http/metrics.hpp"

#include <algorithm>
#include <limits>
#include <vector>

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

namespace lapwing::net {

shard_metrics::shard_metrics(std::size_t routes)
  : route_count(routes + 1), requests(std::make_unique<std::array<counter, 5>[]>(routes + 1)) {}

void shard_metrics::request(std::size_t route, unsigned status,
                            std::chrono::nanoseconds took) noexcept {
  auto status_class = std::clamp(status / 100, 1u, 5u) - 1;
  requests[std::min(route, route_count - 1)][status_class].add();
  auto seconds = std::chrono::duration<double>(took).count();
  auto bucket = std::lower_bound(duration_bounds.begin(), duration_bounds.end(), seconds);
  durations[static_cast<std::size_t>(bucket - duration_bounds.begin())].add();
  duration_nanoseconds.add(static_cast<std::uint64_t>(took.count()));
}

void shard_metrics::stream_closed(errc reason) noexcept {
  streams_closed[std::min<std::size_t>(static_cast<std::size_t>(reason),
                                       streams_closed.size() - 1)]
    .add();
}

void shard_metrics::webhook_failure(std::string_view platform, errc code) {
  std::lock_guard guard{failures_mutex_};
  ++failures_[{std::string{platform}, code}];
}

std::map<std::pair<std::string, errc>, std::uint64_t> shard_metrics::webhook_failures() const {
  std::lock_guard guard{failures_mutex_};
  return failures_;
}

namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

class families {
public:
  MetricFamily& add(std::string name, std::string help, MetricType type) {
    all_.push_back({std::move(name), std::move(help), type, {}});
    return all_.back();
  }
  void single(std::string name, std::string help, MetricType type, double value) {
    sample(add(std::move(name), std::move(help), type), {}, value);
  }
  static void sample(MetricFamily& family, std::vector<ClientMetric::Label> labels, double value) {
    ClientMetric metric;
    metric.label = std::move(labels);
    if (family.type == MetricType::Counter)
      metric.counter.value = value;
    else
      metric.gauge.value = value;
    family.metric.push_back(std::move(metric));
  }
  const std::vector<MetricFamily>& all() const { return all_; }

private:
  std::vector<MetricFamily> all_;
};

} // namespace

std::string metrics_text(std::span<const shard_metrics* const> shards,
                         std::span<const std::string> route_names, const node_gauges& gauges) {
  families out;
  auto sum = [&](auto get) {
    std::uint64_t total = 0;
    for (auto* shard : shards)
      total += get(*shard).value();
    return static_cast<double>(total);
  };

  auto& requests = out.add("lapwing_http_requests_total", "Answered requests.", MetricType::Counter);
  for (std::size_t route = 0; route <= route_names.size(); ++route)
    for (std::size_t c = 0; c < 5; ++c) {
      auto value = sum([&](auto& s) -> auto& { return s.requests[route][c]; });
      if (value > 0)
        families::sample(requests,
                         {{"route", route < route_names.size() ? route_names[route] : "none"},
                          {"status", std::to_string(c + 1) + "xx"}},
                         value);
    }

  auto& durations = out.add("lapwing_http_request_duration_seconds",
                            "Head received to answer made, all routes.", MetricType::Histogram);
  ClientMetric histogram;
  double below = 0;
  for (std::size_t b = 0; b <= duration_bounds.size(); ++b) {
    below += sum([&](auto& s) -> auto& { return s.durations[b]; });
    ClientMetric::Bucket bucket;
    bucket.cumulative_count = static_cast<std::uint64_t>(below);
    bucket.upper_bound
      = b < duration_bounds.size() ? duration_bounds[b] : std::numeric_limits<double>::infinity();
    histogram.histogram.bucket.push_back(bucket);
  }
  histogram.histogram.sample_count = static_cast<std::uint64_t>(below);
  histogram.histogram.sample_sum
    = sum([](auto& s) -> auto& { return s.duration_nanoseconds; }) / 1e9;
  durations.metric.push_back(std::move(histogram));

  out.single("lapwing_connections", "Open client connections.", MetricType::Gauge,
             static_cast<double>(gauges.connections_open));
  out.single("lapwing_connections_accepted_total", "Accepted connections.", MetricType::Counter,
             sum([](auto& s) -> auto& { return s.connections_accepted; }));
  out.single("lapwing_connections_refused_total", "Connections over a cap.", MetricType::Counter,
             sum([](auto& s) -> auto& { return s.connections_refused; }));
  out.single("lapwing_received_bytes_total", "Bytes from clients.", MetricType::Counter,
             sum([](auto& s) -> auto& { return s.bytes_received; }));
  out.single("lapwing_sent_bytes_total", "Bytes to clients.", MetricType::Counter,
             sum([](auto& s) -> auto& { return s.bytes_sent; }));
  out.single("lapwing_request_body_bytes", "Request bodies held now.", MetricType::Gauge,
             static_cast<double>(gauges.body_bytes_held));

  constexpr std::array<const char*, stream_transport_count> transports{"sse", "websocket",
                                                                       "realtime"};
  auto& open = out.add("lapwing_streams", "Open streams.", MetricType::Gauge);
  for (std::size_t t = 0; t < transports.size(); ++t)
    families::sample(open, {{"transport", transports[t]}},
                     sum([&](auto& s) -> auto& { return s.streams_open[t]; }));
  auto& opened = out.add("lapwing_streams_opened_total", "Streams begun.", MetricType::Counter);
  for (std::size_t t = 0; t < transports.size(); ++t)
    families::sample(opened, {{"transport", transports[t]}},
                     sum([&](auto& s) -> auto& { return s.streams_opened[t]; }));
  auto& closed = out.add("lapwing_streams_closed_total", "Streams ended, by reason.",
                         MetricType::Counter);
  for (std::size_t code = 0; code < shards.front()->streams_closed.size(); ++code) {
    auto value = sum([&](auto& s) -> auto& { return s.streams_closed[code]; });
    if (value > 0)
      families::sample(closed, {{"reason", code == 0 ? std::string{"client"} : to_string(static_cast<errc>(code))}}, value);
  }

  std::map<std::pair<std::string, errc>, std::uint64_t> failures;
  for (auto* shard : shards)
    for (auto& [key, count] : shard->webhook_failures())
      failures[key] += count;
  auto& refused = out.add("lapwing_webhook_failures_total", "Deliveries refused, by reason.",
                          MetricType::Counter);
  for (auto& [key, count] : failures)
    families::sample(refused, {{"platform", key.first}, {"code", to_string(key.second)}},
                     static_cast<double>(count));

  auto& sessions = out.add("lapwing_sessions", "Sessions of clients.", MetricType::Gauge);
  families::sample(sessions, {{"transport", "sse"}},
                   static_cast<double>(gauges.engine.sse_sessions));
  families::sample(sessions, {{"transport", "websocket"}},
                   static_cast<double>(gauges.engine.websocket_sessions));
  out.single("lapwing_rooms", "Rooms with a member.", MetricType::Gauge,
             static_cast<double>(gauges.engine.rooms));
  out.single("lapwing_users", "Users active now.", MetricType::Gauge,
             static_cast<double>(gauges.engine.users));
  out.single("lapwing_mails_sent_total", "Mails that Mailgun has accepted.", MetricType::Counter,
             static_cast<double>(gauges.engine.mails_sent));
  out.single("lapwing_mail_failures_total", "Attempts to send a mail that failed.",
             MetricType::Counter, static_cast<double>(gauges.engine.mail_failures));
  out.single("lapwing_mails_waiting", "Mails not sent yet, counted up to 10000.",
             MetricType::Gauge, static_cast<double>(gauges.engine.mails_waiting));
  out.single("lapwing_mails_dead", "Mails given up, counted up to 10000.", MetricType::Gauge,
             static_cast<double>(gauges.engine.mails_dead));
  out.single("lapwing_ready", "1 when webhooks can be stored and streamed.", MetricType::Gauge,
             gauges.ready ? 1 : 0);
  if (const auto& slot = gauges.slot) {
    out.single("lapwing_realtime_slot_active", "1 when this node streams the database's changes.",
               MetricType::Gauge, slot->ours ? 1 : 0);
    if (slot->known)
      out.single("lapwing_realtime_slot_held_bytes",
                 "Log that the database keeps for the slot of the changes.", MetricType::Gauge,
                 static_cast<double>(slot->held_bytes));
    out.single("lapwing_realtime_slot_alarm",
               "1 when the slot holds back too much, or the server is giving it up.",
               MetricType::Gauge, slot->alarm ? 1 : 0);
    out.single("lapwing_realtime_slot_resets_total",
               "Times that changes were missing and clients were told so.", MetricType::Counter,
               static_cast<double>(slot->resets));
  }
  return prometheus::TextSerializer{}.Serialize(out.all());
}

} // namespace lapwing::net
