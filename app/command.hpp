// The shape every `lapwing` command has: `add_X_command(app, exit_code)` registers a subcommand
// whose callback does the work and stores how it went. `app` and `exit_code` must outlive parsing.
// A command that is used wrongly throws CLI::ParseError (or sets exit_wrong_use itself).
#pragma once

namespace CLI {
class App;
}

namespace lapwing {

inline constexpr int exit_fine = 0;
inline constexpr int exit_failed = 1;
inline constexpr int exit_wrong_use = 2;

} // namespace lapwing
