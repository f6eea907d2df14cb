#include "benchmarks/poll/child_process.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace lapwing::poll_bench {
namespace {

using clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr auto term_patience = 20s;

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (auto& text : texts)
    out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

/// Reads until there is a line `ready URL`; "" when the output ends or patience does.
std::string read_ready(int output, clock::time_point until) {
  constexpr std::string_view word = "ready ";
  std::string text;
  for (;;) {
    for (std::size_t from = 0, end; (end = text.find('\n', from)) != std::string::npos;
         from = end + 1)
      if (std::string_view{text}.substr(from).starts_with(word))
        return text.substr(from + word.size(), end - from - word.size());
    const auto left
      = std::chrono::duration_cast<std::chrono::milliseconds>(until - clock::now()).count();
    pollfd ready{output, POLLIN, 0};
    if (left <= 0 || ::poll(&ready, 1, static_cast<int>(left)) <= 0)
      return {};
    char bytes[4096];
    const auto count = ::read(output, bytes, sizeof bytes);
    if (count <= 0)
      return {};
    text.append(bytes, static_cast<std::size_t>(count));
  }
}

} // namespace

result<child_process> child_process::start(const std::string& program,
                                           const std::vector<std::string>& arguments,
                                           const std::map<std::string, std::string>& environment,
                                           std::chrono::seconds patience) {
  std::vector<std::string> words{program};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<std::string> settings;
  for (const auto& [name, value] : environment)
    settings.push_back(name + '=' + value);
  auto argv = pointers(words);
  auto envp = pointers(settings);
  int pipe_ends[2];
  if (::pipe2(pipe_ends, O_CLOEXEC) != 0)
    return error{errc::internal, "no pipe"};
  const auto parent = ::getpid();
  const auto pid = ::fork();
  if (pid == 0) {
    // Ends with the benchmark even if that is killed. Only async-signal-safe calls from here on.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent)
      ::_exit(127);
    // Ctrl-C is the benchmark's to answer: it ends its children in order.
    ::setpgid(0, 0);
    ::dup2(pipe_ends[1], STDOUT_FILENO);
    ::execve(program.c_str(), argv.data(), envp.data());
    ::_exit(127);
  }
  ::close(pipe_ends[1]);
  if (pid < 0) {
    ::close(pipe_ends[0]);
    return error{errc::internal, "no process"};
  }
  child_process out{pid, pipe_ends[0]};
  out.url_ = read_ready(out.output_, clock::now() + patience);
  if (out.url_.empty())
    return error{errc::request_timeout, "`" + program + " " + arguments.front() + "` did not get ready"};
  return out;
}

child_process::child_process(child_process&& other) noexcept
    : pid_(std::exchange(other.pid_, 0)), output_(std::exchange(other.output_, -1)),
      url_(std::move(other.url_)) {}

child_process& child_process::operator=(child_process&& other) noexcept {
  if (this != &other) {
    stop();
    pid_ = std::exchange(other.pid_, 0);
    output_ = std::exchange(other.output_, -1);
    url_ = std::move(other.url_);
  }
  return *this;
}

child_process::~child_process() {
  stop();
}

bool child_process::running() {
  if (pid_ == 0)
    return false;
  siginfo_t what{};
  return ::waitid(P_PID, static_cast<id_t>(pid_), &what, WEXITED | WNOHANG | WNOWAIT) == 0
         && what.si_pid == 0;
}

void child_process::stop() noexcept {
  if (pid_ != 0) {
    ::kill(pid_, SIGTERM);
    const auto until = clock::now() + term_patience;
    while (::waitpid(pid_, nullptr, WNOHANG) == 0) {
      if (clock::now() > until)
        ::kill(pid_, SIGKILL);
      ::usleep(10'000);
    }
    pid_ = 0;
  }
  if (output_ >= 0)
    ::close(std::exchange(output_, -1));
}

} // namespace lapwing::poll_bench
