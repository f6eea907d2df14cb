// `lapwing reencrypt`: seal all stored secrets with the newest key, so that older ones can go.
#pragma once

#include "app/command.hpp"

namespace lapwing {

void add_reencrypt_command(CLI::App& app, int& exit_code);

} // namespace lapwing
