#include "app/command_version.hpp"

#include <caf/config.hpp>

#include <boost/version.hpp>
#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <openssl/crypto.h>

#include "app/version.hpp"

namespace lapwing {

void add_version_command(CLI::App& app, int&) {
  auto* command = app.add_subcommand("version", "Show the version and what it was built with");
  command->footer("Example:\n  lapwing version");
  command->callback([] {
    fmt::print("lapwing {}\nCAF {}.{}.{}, Boost {}.{}.{}, {}\n", version, CAF_VERSION / 10000,
               CAF_VERSION / 100 % 100, CAF_VERSION % 100, BOOST_VERSION / 100000,
               BOOST_VERSION / 100 % 1000, BOOST_VERSION % 100, OpenSSL_version(OPENSSL_VERSION));
  });
}

} // namespace lapwing
