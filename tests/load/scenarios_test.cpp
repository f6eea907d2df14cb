#define CAF_SUITE load_scenarios
#include "tests/support/caf_test.hpp"

#include <unistd.h>

#include <atomic>
#include <sstream>

#include <nlohmann/json.hpp>

#include "benchmarks/load/bench.hpp"
#include "benchmarks/load/process_stats.hpp"
#include "tests/load/fake_node.hpp"

using namespace lapwing::load;

namespace {

struct outcome {
  int exit_code = -1;
  nlohmann::json result;
  nlohmann::json median; ///< Of the result.
  std::string messages;
};

/// Small, and bounded by a number of sends instead of by time.
bench_options small(scenario which, const fake_node& node) {
  bench_options out;
  out.which = which;
  out.target = node.address();
  out.streams = which == scenario::webhooks ? 0 : 6;
  out.users = which == scenario::webhooks || which == scenario::users ? 3 : 0;
  out.publishers = 3;
  out.requests_max = 200;
  out.warmup = 0;
  out.duration = 0;
  out.settle = 0;
  out.outage = 0;
  out.cuts = 2;
  out.rate_given = true;
  out.secret = "secret";
  out.json = true;
  return out;
}

outcome run(const bench_options& options, bool interrupt = false) {
  std::ostringstream results;
  std::ostringstream messages;
  const std::atomic<bool> interrupted{interrupt};
  outcome out;
  out.exit_code = run_bench(options, {results, messages, false}, interrupted);
  out.messages = messages.str();
  if (!results.str().empty()) {
    out.result = nlohmann::json::parse(results.str());
    out.median = out.result["median"];
  }
  return out;
}

double number(const outcome& from, const char* key) { return from.median.value(key, -1.0); }

} // namespace

CAF_TEST(connect opens every stream and finds the process that listens) {
  for (const auto how : {transport::sse, transport::websocket}) {
    const fake_node node;
    auto options = small(scenario::connect, node);
    options.how = how;
    options.threads = 2;
    const auto out = run(options);
    CAF_CHECK_EQUAL(out.exit_code, 0);
    CAF_CHECK_EQUAL(number(out, "streams"), 6.0);
    CAF_CHECK_EQUAL(out.median["open"]["count"].get<int>(), 6);
    CAF_CHECK(out.median.contains("node_bytes_per_stream"));
    CAF_CHECK_EQUAL(find_listener(node.address()), getpid());
  }
}

CAF_TEST(fanout counts every delivery once on either transport) {
  for (const auto how : {transport::sse, transport::websocket})
    for (const bool chunked : {true, false}) {
      fake_faults shape;
      shape.chunked = chunked;
      const fake_node node{shape};
      auto options = small(scenario::fanout, node);
      options.how = how;
      options.threads = 2;
      options.ephemeral = chunked;
      const auto out = run(options);
      CAF_CHECK_EQUAL(out.exit_code, 0);
      CAF_CHECK_EQUAL(number(out, "sends"), 200.0);
      CAF_CHECK_EQUAL(number(out, "lost"), 0.0);
      CAF_CHECK_EQUAL(out.median["delivery"]["count"].get<int>(), 1200);
    }
}

CAF_TEST(answers and events may come byte by byte and in fragments) {
  for (const auto how : {transport::sse, transport::websocket})
    for (const bool chunked : {true, false}) {
      fake_faults shape;
      shape.chunked = chunked;
      shape.bytewise = true;
      shape.fragments = true;
      const fake_node node{shape};
      auto options = small(scenario::fanout, node);
      options.how = how;
      options.requests_max = 20;
      const auto out = run(options);
      CAF_CHECK_EQUAL(out.exit_code, 0);
      CAF_CHECK_EQUAL(out.median["delivery"]["count"].get<int>(), 120);
    }
}

CAF_TEST(a node with tokens is told its users first) {
  const fake_node node;
  auto options = small(scenario::end_to_end, node);
  options.jwt_secret = "a secret of at least 32 characters";
  CAF_CHECK_EQUAL(run(options).exit_code, 0);
}

CAF_TEST(a node that refuses everything is given up) {
  fake_faults faults;
  faults.refuse_every = 1;
  const fake_node node{faults};
  auto options = small(scenario::webhooks, node);
  options.requests_max = 0;
  options.duration = 3600;
  const auto out = run(options);
  CAF_CHECK_EQUAL(out.exit_code, 1);
  // 50 in a row for each publisher, and what the others had in flight by then.
  CAF_CHECK(number(out, "failed_sends") >= 150);
  CAF_CHECK(number(out, "failed_sends") < 153);
}

CAF_TEST(users and end to end and webhooks count what they sent) {
  const fake_node node;
  CAF_CHECK_EQUAL(run(small(scenario::users, node)).exit_code, 0);
  const auto through = run(small(scenario::end_to_end, node));
  CAF_CHECK_EQUAL(through.exit_code, 0);
  CAF_CHECK_EQUAL(through.median["delivery"]["count"].get<int>(), 200);
  const auto ingest = run(small(scenario::webhooks, node));
  CAF_CHECK_EQUAL(ingest.exit_code, 0);
  CAF_CHECK_EQUAL(ingest.median["acknowledge"]["count"].get<int>(), 200);
}

CAF_TEST(lost deliveries are counted and fail the command) {
  fake_faults faults;
  faults.lose_every = 20;
  const fake_node node{faults};
  auto options = small(scenario::fanout, node);
  options.window = 1000;
  options.drain = 0.05;
  const auto out = run(options);
  CAF_CHECK_EQUAL(out.exit_code, 1);
  CAF_CHECK_EQUAL(number(out, "lost"), 10.0 * 6);
  CAF_CHECK_EQUAL(number(out, "duplicates"), 0.0);
}

CAF_TEST(doubled deliveries are counted and fail the command) {
  fake_faults faults;
  faults.double_every = 50;
  const fake_node node{faults};
  const auto out = run(small(scenario::fanout, node));
  CAF_CHECK_EQUAL(out.exit_code, 1);
  CAF_CHECK_EQUAL(number(out, "duplicates"), 4.0 * 6);
  CAF_CHECK_EQUAL(number(out, "lost"), 0.0);
}

CAF_TEST(deliveries out of order are counted and fail the command) {
  fake_faults faults;
  faults.swap_every = 40;
  const fake_node node{faults};
  auto options = small(scenario::fanout, node);
  options.publishers = 1; // Between publishers there is no order to keep.
  options.requests_max = 199;
  const auto out = run(options);
  CAF_CHECK_EQUAL(out.exit_code, 1);
  CAF_CHECK_EQUAL(number(out, "out_of_order"), 4.0 * 6);
  CAF_CHECK_EQUAL(number(out, "lost"), 0.0);
}

CAF_TEST(refused sends fail the command and are not taken for lost) {
  fake_faults faults;
  faults.refuse_every = 10;
  const fake_node node{faults};
  const auto out = run(small(scenario::fanout, node));
  CAF_CHECK_EQUAL(out.exit_code, 1);
  CAF_CHECK_EQUAL(number(out, "failed_sends"), 20.0);
  CAF_CHECK_EQUAL(number(out, "lost"), 0.0);
}

CAF_TEST(streams that the node ends fail the command) {
  fake_faults faults;
  faults.end_every = 150;
  const fake_node node{faults};
  auto options = small(scenario::fanout, node);
  options.drain = 0.05;
  options.window = 1000;
  const auto out = run(options);
  CAF_CHECK_EQUAL(out.exit_code, 1);
  CAF_CHECK_EQUAL(number(out, "streams_ended"), 6.0);
  CAF_CHECK_EQUAL(number(out, "lost"), 0.0);
}

CAF_TEST(streams that the node refuses fail the command with its reason) {
  fake_faults faults;
  faults.streams_max = 4;
  const fake_node node{faults};
  const auto out = run(small(scenario::connect, node));
  CAF_CHECK_EQUAL(out.exit_code, 1);
  CAF_CHECK_EQUAL(number(out, "streams_not_opened"), 2.0);
  CAF_CHECK(out.result.dump().find("503 too_many_connections") != std::string::npos);
}

CAF_TEST(resumed streams are complete and in order) {
  for (const auto how : {transport::sse, transport::websocket}) {
    const fake_node node;
    auto options = small(scenario::resume, node);
    options.how = how;
    options.threads = 2;
    options.requests_max = 600;
    options.duration = 0.2;
    options.rate = 3000;
    const auto out = run(options);
    CAF_CHECK_EQUAL(out.exit_code, 0);
    CAF_CHECK_EQUAL(number(out, "cuts"), 2.0);
    CAF_CHECK_EQUAL(number(out, "lost"), 0.0);
    CAF_CHECK_EQUAL(out.median["recovery"]["count"].get<int>(), 12);
    CAF_CHECK_EQUAL(out.median["reopen"]["count"].get<int>(), 12);
  }
}

CAF_TEST(a node that forgets what it stored is found out) {
  fake_faults faults;
  faults.forget_log = true;
  const fake_node node{faults};
  auto options = small(scenario::resume, node);
  options.duration = 0.1;
  options.outage = 0.05;
  options.drain = 0.05;
  options.rate = 3000;
  options.requests_max = 0;
  const auto out = run(options);
  CAF_CHECK_EQUAL(out.exit_code, 1);
  CAF_CHECK(number(out, "lost") > 0);
  CAF_CHECK(number(out, "not_recovered") > 0);
}

CAF_TEST(several runs are shown with their median) {
  const fake_node node;
  auto options = small(scenario::webhooks, node);
  options.runs = 3;
  const auto out = run(options);
  CAF_CHECK_EQUAL(out.exit_code, 0);
  CAF_CHECK_EQUAL(out.result["runs"].size(), 3u);
}

CAF_TEST(an interrupted command says so and does not pass) {
  const fake_node node;
  const auto out = run(small(scenario::fanout, node), true);
  CAF_CHECK_EQUAL(out.exit_code, 1);
  CAF_CHECK_EQUAL(out.result["interrupted"].get<bool>(), true);
}

CAF_TEST(more streams than descriptors are wrong use) {
  const fake_node node;
  auto options = small(scenario::connect, node);
  options.streams = 1'000'000;
  const auto limit = raise_file_limit();
  if (limit > options.streams)
    return; // A machine that allows it is no place for this test.
  const auto out = run(options);
  CAF_CHECK_EQUAL(out.exit_code, 2);
  CAF_CHECK(out.messages.find(std::to_string(limit)) != std::string::npos);
}

CAF_TEST(nobody at the target fails with the reason) {
  endpoint nowhere;
  {
    const fake_node node;
    nowhere = node.address();
  }
  bench_options options;
  options.which = scenario::connect;
  options.target = nowhere;
  options.streams = 3;
  options.settle = 0;
  options.json = true;
  const auto out = run(options);
  CAF_CHECK_EQUAL(out.exit_code, 1);
  CAF_CHECK(out.result.dump().find("Connection refused") != std::string::npos);
}
