#include "benchmarks/load/process_stats.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

namespace lapwing::load {
namespace {

std::string read_all(const std::string& path) {
  std::ifstream file{path};
  return {std::istreambuf_iterator<char>{file}, {}};
}

std::string proc_path(int pid, const char* file) {
  return "/proc/" + std::to_string(pid) + "/" + file;
}

/// The number after `label` at the start of a line; 0 without it.
std::uint64_t number_after(std::string_view text, std::string_view label) {
  for (std::size_t at = 0; (at = text.find(label, at)) != std::string_view::npos; ++at) {
    if (at != 0 && text[at - 1] != '\n')
      continue;
    auto rest = text.substr(at + label.size());
    while (rest.starts_with(' ') || rest.starts_with('\t'))
      rest.remove_prefix(1);
    std::uint64_t value = 0;
    std::from_chars(rest.data(), rest.data() + rest.size(), value);
    return value;
  }
  return 0;
}

/// The inode of the socket that listens on this port; its address must be ours or any.
std::uint64_t listening_inode(const std::string& table, const endpoint& where) {
  std::istringstream lines{read_all(table)};
  std::string line;
  std::getline(lines, line);
  while (std::getline(lines, line)) {
    std::istringstream words{line};
    std::string slot;
    std::string local;
    std::string remote;
    std::string state;
    std::string skipped;
    std::uint64_t inode = 0;
    words >> slot >> local >> remote >> state;
    for (int i = 0; i < 5; ++i)
      words >> skipped;
    words >> inode;
    constexpr std::string_view listening = "0A"; // TCP_LISTEN
    const auto colon = local.rfind(':');
    if (state != listening || colon == std::string::npos)
      continue;
    unsigned port = 0;
    std::from_chars(local.data() + colon + 1, local.data() + local.size(), port, 16);
    if (port == where.port && inode != 0)
      return inode;
  }
  return 0;
}

} // namespace

std::optional<std::uint64_t> cpu_ticks_of_stat(std::string_view text) {
  // The name, in parentheses, may hold anything; fields are counted after it.
  const auto name_end = text.rfind(')');
  if (name_end == std::string_view::npos)
    return std::nullopt;
  std::istringstream words{std::string{text.substr(name_end + 1)}};
  std::string skipped;
  for (int i = 0; i < 11; ++i)
    words >> skipped;
  std::uint64_t user = 0;
  std::uint64_t system = 0;
  if (!(words >> user >> system))
    return std::nullopt;
  return user + system;
}

std::optional<process_memory> memory_of_smaps_rollup(std::string_view text) {
  if (text.find("\nPss:") == std::string_view::npos)
    return std::nullopt;
  return process_memory{number_after(text, "Rss:") * 1024, number_after(text, "Pss:") * 1024};
}

std::optional<double> cpu_seconds(int pid) {
  if (pid <= 0)
    return std::nullopt;
  const auto ticks = cpu_ticks_of_stat(read_all(proc_path(pid, "stat")));
  if (!ticks)
    return std::nullopt;
  return static_cast<double>(*ticks) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

double own_cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
         + static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

std::optional<process_memory> memory_of(int pid) {
  if (pid <= 0)
    return std::nullopt;
  return memory_of_smaps_rollup(read_all(proc_path(pid, "smaps_rollup")));
}

std::uint64_t kernel_socket_bytes() {
  const auto slab = number_after(read_all("/proc/meminfo"), "Slab:") * 1024;
  const auto sockets = read_all("/proc/net/sockstat");
  const auto line = sockets.find("\nTCP:");
  const auto mem = line == std::string::npos ? line : sockets.find(" mem ", line);
  std::uint64_t pages = 0;
  if (mem != std::string::npos)
    std::from_chars(sockets.data() + mem + 5, sockets.data() + sockets.size(), pages);
  return slab + pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

int find_listener(const endpoint& where) {
  auto inode = listening_inode("/proc/net/tcp", where);
  if (inode == 0)
    inode = listening_inode("/proc/net/tcp6", where);
  if (inode == 0)
    return 0;
  const auto wanted = "socket:[" + std::to_string(inode) + "]";
  std::error_code failure;
  for (const auto& process : std::filesystem::directory_iterator{"/proc", failure}) {
    const auto name = process.path().filename().string();
    int pid = 0;
    const auto [end, bad] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (bad != std::errc{} || end != name.data() + name.size())
      continue;
    // Other people's processes, and those that just ended, cannot be read: they are not ours.
    std::error_code unreadable;
    std::filesystem::directory_iterator fds{process.path() / "fd", unreadable};
    for (const std::filesystem::directory_iterator none; !unreadable && fds != none;
         fds.increment(unreadable)) {
      std::error_code gone;
      if (std::filesystem::read_symlink(fds->path(), gone).string() == wanted)
        return pid;
    }
  }
  return 0;
}

std::uint64_t raise_file_limit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

} // namespace lapwing::load
