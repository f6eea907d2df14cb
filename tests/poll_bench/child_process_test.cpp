// Programs that are started for a measurement.
#define CAF_SUITE poll_bench_child_process
#include "tests/support/caf_test.hpp"

#include <csignal>

#include "benchmarks/poll/child_process.hpp"

using namespace lapwing;
using namespace lapwing::poll_bench;
using namespace std::chrono_literals;

namespace {

auto shell(const std::string& script) {
  return child_process::start("/bin/sh", {"-c", script}, {{"GREETING", "hello"}}, 30s);
}

} // namespace

CAF_TEST(a program is ready with its line and ends when it is stopped) {
  auto child = shell("echo starting; echo \"ready http://$GREETING:1\"; exec sleep 1000");
  CAF_REQUIRE(child.has_value());
  CAF_CHECK_EQUAL(child->url(), "http://hello:1");
  CAF_CHECK(child->running());
  const auto pid = child->pid();
  auto moved = std::move(*child);
  CAF_CHECK(moved.running());
  moved.stop();
  CAF_CHECK(!moved.running());
  CAF_CHECK_EQUAL(::kill(pid, 0), -1);
}

CAF_TEST(a program that ends by itself is seen) {
  auto child = shell("echo ready x; exit 3");
  CAF_REQUIRE(child.has_value());
  while (child->running()) {
  }
  CAF_CHECK(!child->running());
}

CAF_TEST(a program that never gets ready is refused) {
  const auto ended = shell("echo hello");
  CAF_REQUIRE(!ended.has_value());
  CAF_CHECK_EQUAL(ended.error().code, errc::request_timeout);
  CAF_CHECK(!child_process::start("/no/such/program", {"x"}, {}, 30s).has_value());
  CAF_CHECK(!child_process::start("/bin/sh", {"-c", "exec sleep 1000"}, {}, 0s).has_value());
}
