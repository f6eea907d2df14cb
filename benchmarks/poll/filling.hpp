// Fills a store with connected users, whose tokens the simulator made.
#pragma once

#include <functional>
#include <span>
#include <string>

#include "benchmarks/poll/loopback_http.hpp"
#include "benchmarks/poll/platform_files.hpp"
#include "core/error.hpp"
#include "core/time.hpp"

namespace lapwing::poll_bench {

struct filling {
  std::string data_directory; ///< As node.data_dir.
  std::string encryption_key; ///< As ENCRYPTION_KEY.
  std::size_t users = 0;
  std::span<const polled_platform> platforms;
  timestamp polls_due{};      ///< Of every endpoint.
};

std::string user_name(std::size_t index);

/// Connections look due, their endpoints are due at `polls_due`: whoever wakes one finds out. Blocks.
/// `done` hears how many users are finished; false from it ends the work: errc::shutting_down.
result<bool> fill_store(const filling& how, loopback_http& simulator,
                        const std::function<bool(std::size_t)>& done);

/// Makes every endpoint of a closed store due: never polled before, with cursors as they are.
result<bool> make_everything_due(const std::string& data_directory);

/// How far a node has come, read beside it.
class progress_reader {
public:
  explicit progress_reader(const std::string& data_directory);
  ~progress_reader();

  /// Connections that are due later than `now`: all that was due of them is done, and on disk.
  result<std::size_t> resting(timestamp now);

private:
  struct parts;
  std::unique_ptr<parts> parts_;
};

/// Bytes of the database and its write-ahead log.
std::uint64_t store_bytes(const std::string& data_directory);

} // namespace lapwing::poll_bench
