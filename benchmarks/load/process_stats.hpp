// What a process costs, as Linux tells: proc(5).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "benchmarks/load/endpoint.hpp"

namespace lapwing::load {

/// CPU seconds of user and kernel mode since the process began; nothing when there is no such
/// process or it may not be looked at.
std::optional<double> cpu_seconds(int pid);
/// The same of this process.
double own_cpu_seconds();

struct process_memory {
  std::uint64_t resident_bytes = 0;
  std::uint64_t proportional_bytes = 0; ///< Pss: pages shared with others count in part.
};
std::optional<process_memory> memory_of(int pid);

/// Sockets' memory in the kernel, of the whole machine: both ends of every loopback connection.
std::uint64_t kernel_socket_bytes();

/// The process that listens on `where`; 0 when it is not found or belongs to somebody else.
int find_listener(const endpoint& where);

/// Raises this process's limit of open files to its hard limit and returns it.
std::uint64_t raise_file_limit();

// The parsers, for tests.
std::optional<std::uint64_t> cpu_ticks_of_stat(std::string_view text);
std::optional<process_memory> memory_of_smaps_rollup(std::string_view text);

} // namespace lapwing::load
