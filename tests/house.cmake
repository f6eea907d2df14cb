# Tests of the house itself: who includes whom, and that this check can fail.
add_test(NAME house.includes
  COMMAND ${CMAKE_COMMAND} -DROOT=${CMAKE_SOURCE_DIR}
          -P ${CMAKE_SOURCE_DIR}/cmake/check_includes.cmake)
add_test(NAME house.includes_refused
  COMMAND ${CMAKE_COMMAND} -DCHECK=${CMAKE_SOURCE_DIR}/cmake/check_includes.cmake
          -DSCRATCH=${CMAKE_CURRENT_BINARY_DIR}/house
          -P ${CMAKE_SOURCE_DIR}/tests/house_includes.cmake)
