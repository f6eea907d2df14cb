// `lapwing token`: mint a JWT with the configured secret.
#pragma once

#include "app/command.hpp"

namespace lapwing {

void add_token_command(CLI::App& app, int& exit_code);

} // namespace lapwing
