#include "benchmarks/load/scenarios.hpp"

#include <fmt/format.h>

namespace lapwing::load {
namespace {

std::vector<std::string> user_names(const bench_options& options) {
  std::vector<std::string> out;
  out.reserve(options.users);
  for (std::size_t i = 0; i < options.users; ++i)
    out.push_back(fmt::format("{}-{}", options.prefix, i));
  return out;
}

run_plan plan_of(const bench_options& options) {
  run_plan plan;
  plan.streams = options.streams;
  plan.users = user_names(options);
  return plan;
}

event_shape shape_of(const bench_options& options) {
  return {options.padding, options.ephemeral};
}

/// Everybody known and connected; false when there is no point in going on.
bool prepare(load_run& run, const run_context& context) {
  if (!run.make_users_known())
    return false;
  if (context.options.streams == 0)
    return true;
  if (!run.connect())
    return false;
  run.rest(context.options.settle);
  return true;
}

/// The common course of what sends: warm up, measure, drain, count.
run_result send_and_count(const run_context& context, run_plan plan) {
  const bool streams = plan.streams > 0;
  load_run run{context, std::move(plan)};
  const bool ready = prepare(run, context);
  if (ready) {
    run.begin_publishing();
    run.measure(context.options.duration);
    run.end_publishing();
    run.drain();
  }
  run.finish();
  run_result out;
  if (ready) {
    run.add_publishing(out);
    if (streams)
      run.add_deliveries(out);
    run.add_cost(out);
  }
  run.add_connecting(out);
  run.add_checks(out);
  return out;
}

} // namespace

run_result run_connect(const run_context& context) {
  const auto before = memory_of(context.node_pid);
  const auto kernel_before = kernel_socket_bytes();
  const auto cpu_before = cpu_seconds(context.node_pid);
  const auto own_cpu_before = own_cpu_seconds();
  load_run run{context, plan_of(context.options)};
  if (run.make_users_known() && run.connect())
    run.rest(context.options.settle);
  const auto streams = static_cast<double>(run.opened());
  const auto after = memory_of(context.node_pid);
  const auto kernel_after = kernel_socket_bytes();
  const auto cpu_after = cpu_seconds(context.node_pid);
  const auto own_cpu_after = own_cpu_seconds();
  run.finish();
  run_result out;
  run.add_connecting(out);
  const auto growth = [streams](std::uint64_t from, std::uint64_t to) {
    return (static_cast<double>(to) - static_cast<double>(from)) / streams;
  };
  if (streams > 0 && before && after) {
    out.add("node_bytes_per_stream", "node memory a stream", unit::bytes,
            growth(before->proportional_bytes, after->proportional_bytes));
    out.add("node_resident_bytes", "node memory in all", unit::bytes,
            static_cast<double>(after->resident_bytes));
  } else {
    out.notes.emplace_back("the node's process was not found (--pid): its memory is not known");
  }
  if (streams > 0)
    out.add("kernel_bytes_per_stream", "kernel memory, both ends", unit::bytes,
            growth(kernel_before, kernel_after));
  if (streams > 0 && cpu_before && cpu_after)
    out.add("node_cpu_us_per_connect", "node CPU a connect, us", unit::count,
            (*cpu_after - *cpu_before) * 1e6 / streams);
  out.add("client_cpu_seconds", "this client's CPU", unit::seconds,
          own_cpu_after - own_cpu_before);
  run.add_checks(out);
  return out;
}

run_result run_fanout(const run_context& context) {
  const auto& options = context.options;
  auto plan = plan_of(options);
  plan.room = options.prefix + "-room";
  plan.maker = room_requests(options.target, context.who, {plan.room}, shape_of(options));
  return send_and_count(context, std::move(plan));
}

run_result run_users(const run_context& context) {
  const auto& options = context.options;
  auto plan = plan_of(options);
  plan.maker = user_requests(options.target, context.who, plan.users, shape_of(options));
  return send_and_count(context, std::move(plan));
}

run_result run_webhooks(const run_context& context) {
  const auto& options = context.options;
  auto plan = plan_of(options);
  plan.maker = github_requests(options.target, plan.users, options.secret);
  return send_and_count(context, std::move(plan));
}

run_result run_end_to_end(const run_context& context) { return run_webhooks(context); }

run_result run_resume(const run_context& context) {
  const auto& options = context.options;
  auto plan = plan_of(options);
  plan.resumable = true;
  plan.maker = user_requests(options.target, context.who, plan.users, shape_of(options));
  load_run run{context, std::move(plan)};
  const bool ready = prepare(run, context);
  if (ready) {
    run.begin_publishing();
    for (std::size_t cut = 0; cut < options.cuts && !run.interrupted(); ++cut) {
      run.measure(options.duration / static_cast<double>(options.cuts));
      run.cut_and_recover();
    }
    run.end_publishing();
    run.drain();
  }
  run.finish();
  run_result out;
  if (ready) {
    run.add_recovery(out);
    run.add_publishing(out);
    run.add_deliveries(out);
    run.add_cost(out);
  }
  run.add_connecting(out);
  run.add_checks(out);
  return out;
}

std::string setup_text(const bench_options& options) {
  std::string out;
  const auto add = [&out](std::string text) {
    if (!out.empty())
      out += ", ";
    out += text;
  };
  if (options.streams > 0)
    add(fmt::format("{} {} streams", options.streams,
                    options.how == transport::sse ? "SSE" : "WebSocket"));
  if (options.which != scenario::fanout)
    add(fmt::format("{} users", options.users));
  if (options.publishers > 0)
    add(fmt::format("{} publishers", options.publishers));
  if (options.publishers > 0)
    add(options.rate > 0 ? fmt::format("{} sends/s", options.rate) : "flat out");
  if (options.window > 0 && options.rate <= 0)
    add(fmt::format("window {}", options.window));
  if (options.which == scenario::fanout || options.which == scenario::users)
    add(options.ephemeral ? "ephemeral" : "stored");
  if (options.which == scenario::resume)
    add(fmt::format("cut {} times for {} s", options.cuts, options.outage));
  return out;
}

} // namespace lapwing::load
