// A program that is started for a measurement and is gone with it, whatever happens.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include <sys/types.h>

#include "core/error.hpp"

namespace lapwing::poll_bench {

class child_process {
public:
  /// Starts `program` with nothing but `environment`, and waits for its line `ready URL`. Its
  /// standard error is ours. errc::internal: it could not be started; errc::request_timeout: it did not get
  /// ready.
  static result<child_process> start(const std::string& program,
                                     const std::vector<std::string>& arguments,
                                     const std::map<std::string, std::string>& environment,
                                     std::chrono::seconds patience);

  child_process(child_process&& other) noexcept;
  child_process& operator=(child_process&& other) noexcept;
  /// stop().
  ~child_process();

  pid_t pid() const noexcept { return pid_; }
  /// "http://127.0.0.1:40123".
  const std::string& url() const noexcept { return url_; }
  bool running();
  /// SIGTERM, and SIGKILL for one that does not end.
  void stop() noexcept;

private:
  child_process(pid_t pid, int output) : pid_(pid), output_(output) {}

  pid_t pid_ = 0;
  int output_ = -1; ///< Kept open: a program that writes to nobody would be killed by it.
  std::string url_;
};

} // namespace lapwing::poll_bench
