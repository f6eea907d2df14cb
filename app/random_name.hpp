// Names that nobody can guess: states of authorizations, secrets of registered webhooks.
#pragma once

#include <string>

namespace lapwing {

/// 43 characters of [A-Za-z0-9_-] with 256 random bits; "" when the system has no randomness. Any
/// thread.
std::string random_name();

} // namespace lapwing
