// The platform files of the poll benchmark are those that ship, but for their rests.
#define CAF_SUITE poll_bench_platform_files
#include "tests/support/caf_test.hpp"

#include <stdlib.h>

#include <filesystem>
#include <string>

#include "benchmarks/poll/platform_files.hpp"
#include "platforms/spec_loader.hpp"

using namespace lapwing;
using namespace lapwing::poll_bench;

CAF_TEST(files are those that ship without rests between users) {
  std::string folder = (std::filesystem::temp_directory_path() / "lapwing-files-XXXXXX").string();
  CAF_REQUIRE(::mkdtemp(folder.data()) != nullptr);
  const std::vector<std::string> names{"spotify", "discord"};
  const auto written = write_platform_files(names, folder);
  CAF_REQUIRE(written.has_value());
  CAF_CHECK_EQUAL((*written)[0].endpoints,
                  (std::vector<std::string>{"recently_played", "currently_playing"}));
  const auto loaded = load_platforms(folder, {});
  const auto shipped = load_platforms({}, {});
  std::filesystem::remove_all(folder);
  CAF_REQUIRE(loaded.ok());
  CAF_REQUIRE_EQUAL(loaded.platforms.size(), shipped.platforms.size());
  for (std::size_t i = 0; i < shipped.platforms.size(); ++i) {
    const auto& one = loaded.platforms[i];
    const bool is_ours = one.name.str() == "spotify" || one.name.str() == "discord";
    CAF_CHECK_EQUAL(one.limits.user_gap_max.count() == 0, is_ours);
    CAF_CHECK_EQUAL(one.limits.concurrency == 1000, is_ours);
    CAF_CHECK_EQUAL(one.limits.bucket_header, shipped.platforms[i].limits.bucket_header);
    CAF_CHECK_EQUAL(one.poll.schedule.interval.count(),
                    shipped.platforms[i].poll.schedule.interval.count());
  }
}

CAF_TEST(a platform that does not ship is refused) {
  const std::vector<std::string> names{"myspace"};
  CAF_CHECK(!write_platform_files(names, "/tmp").has_value());
}
