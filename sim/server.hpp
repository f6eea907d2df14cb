// A world behind a real socket: http://ADDRESS:PORT/HOST/path is answered as https://HOST/path, and
// what the providers send goes out by HTTP to this machine.
#pragma once

#include <functional>
#include <iosfwd>
#include <memory>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/time.hpp"
#include "sim/options.hpp"
#include "sim/world.hpp"

namespace lapwing::sim {

struct simulator_options {
  std::string listen = "127.0.0.1:0"; ///< Port 0 picks one. Only loopback addresses.
  world_options world;                ///< `base_url` and `start` are set by the simulator.
  std::vector<std::string> users;     ///< Who lives there from the beginning.
  std::vector<std::string> faults;    ///< As in parse_fault().
};

/// One thread: everything happens in run().
class simulator {
public:
  static result<std::unique_ptr<simulator>> start(simulator_options options);
  virtual ~simulator() = default;

  /// "http://127.0.0.1:40123".
  virtual const std::string& base_url() const noexcept = 0;
  virtual world& inside() noexcept = 0; ///< From the thread of run(), or before it.
  /// Until stop().
  virtual void run() = 0;
  /// Any thread.
  virtual void stop() = 0;
};

/// The command `lapwing sim`: prints `ready URL` and the platforms' addresses to `out`, runs until
/// SIGINT or SIGTERM. Returns the exit code; mistakes go to `mistakes`.
int run_simulator(simulator_options options, std::ostream& out, std::ostream& mistakes);

} // namespace lapwing::sim
