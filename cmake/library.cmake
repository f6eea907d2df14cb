# lapwing_library(NAME DEPS...): the folder's *.cpp as one static library lapwing_NAME.
# One library per folder: a folder's link list below is also the list of what it may include
# (cmake/check_includes.cmake fails the build's tests on any other arrow).
function(lapwing_library name)
  file(GLOB sources CONFIGURE_DEPENDS *.cpp)
  if(sources)
    add_library(lapwing_${name} STATIC ${sources})
    target_include_directories(lapwing_${name} PUBLIC ${CMAKE_SOURCE_DIR})
    target_link_libraries(lapwing_${name} PUBLIC ${ARGN} PRIVATE lapwing_warnings)
  else()
    add_library(lapwing_${name} INTERFACE)
    target_include_directories(lapwing_${name} INTERFACE ${CMAKE_SOURCE_DIR})
    target_link_libraries(lapwing_${name} INTERFACE ${ARGN})
  endif()
endfunction()

# lapwing_test(NAME DEPS...): the folder's *_test.cpp as one CAF-test program test_NAME, run suite
# by suite so that one aborting check does not hide the other suites.
function(lapwing_test name)
  file(GLOB sources CONFIGURE_DEPENDS *_test.cpp)
  if(NOT sources)
    return()
  endif()
  add_executable(test_${name} ${sources} ${CMAKE_SOURCE_DIR}/tests/support/main.cpp)
  target_link_libraries(test_${name} PRIVATE ${ARGN} CAF::test lapwing_warnings)
  # CAF_CHECK_EQUAL keeps references to its operands: GCC 12 warns wherever one is a temporary.
  target_compile_options(test_${name} PRIVATE -Wno-dangling-pointer -Wno-maybe-uninitialized)
  target_compile_definitions(test_${name} PRIVATE LAPWING_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  foreach(source ${sources})
    file(STRINGS ${source} suite_line REGEX "^#define CAF_SUITE ")
    string(REGEX REPLACE "^#define CAF_SUITE +([A-Za-z0-9_]+).*$" "\\1" suite "${suite_line}")
    if(NOT suite)
      message(FATAL_ERROR "${source} names no CAF_SUITE")
    endif()
    add_test(NAME ${name}.${suite} COMMAND test_${name} -n -r 120 -s "^${suite}$")
    # A suite that runs nothing would otherwise count as passed.
    set_tests_properties(${name}.${suite} PROPERTIES FAIL_REGULAR_EXPRESSION "tests: +0 " TIMEOUT 120)
  endforeach()
endfunction()
