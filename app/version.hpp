// The one place the program's version comes from: project(VERSION) in CMakeLists.txt.
#pragma once

#include <string_view>

namespace lapwing {

inline constexpr std::string_view version = LAPWING_VERSION;

} // namespace lapwing
