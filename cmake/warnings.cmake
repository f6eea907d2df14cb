add_library(lapwing_warnings INTERFACE)
target_compile_options(lapwing_warnings INTERFACE -Wall -Wextra -Wshadow -Wconversion)
# GCC 12 sees overlapping copies in std::string's own code (GCC bug 105651).
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  target_compile_options(lapwing_warnings INTERFACE -Wno-restrict)
endif()
if(LAPWING_WERROR)
  target_compile_options(lapwing_warnings INTERFACE -Werror)
endif()
