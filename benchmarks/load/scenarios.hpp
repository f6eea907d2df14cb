// The scenarios of CONTRACT 10, each one run: its plan, its phases, its numbers.
#pragma once

#include "benchmarks/load/load_run.hpp"
#include "benchmarks/load/report.hpp"

namespace lapwing::load {

/// N idle streams: what one costs the node, and how fast they come up.
run_result run_connect(const run_context& context);
/// One room, N members, `window` events on the way at most.
run_result run_fanout(const run_context& context);
/// Many users with streams of their own.
run_result run_users(const run_context& context);
/// Signed deliveries: durable acknowledgements.
run_result run_webhooks(const run_context& context);
/// From a provider's POST to the event on the user's stream.
run_result run_end_to_end(const run_context& context);
/// All streams are cut and come back with their resume points while deliveries go on.
run_result run_resume(const run_context& context);

/// One line of what was asked for.
std::string setup_text(const bench_options& options);

} // namespace lapwing::load
