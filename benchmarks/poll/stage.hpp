// The folder, the simulator and the node of one measurement. All are gone with it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "benchmarks/load/endpoint.hpp"
#include "benchmarks/poll/child_process.hpp"
#include "benchmarks/poll/options.hpp"
#include "benchmarks/poll/platform_files.hpp"
#include "core/error.hpp"

namespace lapwing::poll_bench {

/// CPU seconds since each began, at a time of monotonic_ns.
struct cost {
  std::uint64_t at = 0;
  double node = 0;
  double simulator = 0;
  double own = 0;
};

/// What the simulator has answered so far.
struct simulator_calls {
  std::uint64_t all = 0;
  std::uint64_t bad = 0; ///< Limited, refused, broken, or with a wrong token.
};

/// A folder that goes away.
class scratch_folder {
public:
  scratch_folder() = default;
  /// errc::internal: it cannot be made.
  static result<scratch_folder> make(const std::string& below);
  scratch_folder(scratch_folder&& other) noexcept;
  scratch_folder& operator=(scratch_folder&&) = delete;
  ~scratch_folder();
  const std::string& path() const noexcept { return path_; }

private:
  std::string path_;
};

class stage {
public:
  /// With a simulator and platform files, without a node.
  static result<stage> make(const poll_options& options);

  result<bool> start_node();
  void stop_node() { node_.reset(); }
  /// Both processes.
  bool running();

  /// The node looks for what is due, now.
  result<bool> look_now();
  cost cost_now() const;
  /// Proportional share of the node's memory (Pss); nothing: it has ended.
  std::optional<double> node_bytes() const;
  /// Supervisors and platform actors in the node.
  std::optional<std::size_t> living_actors() const;
  std::optional<simulator_calls> calls() const;

  const std::vector<polled_platform>& platforms() const noexcept { return platforms_; }
  const std::string& data_directory() const noexcept { return data_; }
  const std::string& encryption_key() const noexcept { return key_; }
  load::endpoint simulator() const noexcept { return simulator_at_; }

private:
  stage(const poll_options& options, scratch_folder folder);

  result<bool> begin();
  result<child_process> start(const std::vector<std::string>& arguments,
                              std::map<std::string, std::string> environment) const;

  const poll_options* options_;
  scratch_folder folder_; ///< Before the processes that use it: it goes last.
  std::string data_;
  std::string files_;
  std::string key_;
  std::string cron_secret_;
  std::vector<polled_platform> platforms_;
  load::endpoint simulator_at_;
  load::endpoint node_at_;
  std::optional<child_process> simulator_;
  std::optional<child_process> node_;
};

} // namespace lapwing::poll_bench
