# The SQLite store by itself; see the opening comments of the sources.
foreach(name store_bench connection_bench)
  add_executable(${name} ${CMAKE_CURRENT_LIST_DIR}/${name}.cpp)
  target_link_libraries(${name} PRIVATE lapwing_storage CLI11::CLI11 lapwing_warnings)
endforeach()
