# Durable appends through the SQLite store; see the opening comment of store_bench.cpp.
add_executable(store_bench ${CMAKE_CURRENT_LIST_DIR}/store_bench.cpp)
target_link_libraries(store_bench PRIVATE lapwing_storage CLI11::CLI11 lapwing_warnings)
