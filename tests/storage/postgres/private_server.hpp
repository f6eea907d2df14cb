// A PostgreSQL server of a test's own, for what would disturb others: crashes, standstills, restarts.
#pragma once

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/storage/postgres/scratch_database.hpp"
#include "tests/storage/scratch_directory.hpp"

namespace lapwing {

class private_server {
public:
  private_server() { start(); }
  ~private_server() {
    thaw();
    run("remove");
  }
  private_server(const private_server&) = delete;
  private_server& operator=(const private_server&) = delete;

  void start() { url_ = run("start"); }
  /// Without a word to anybody, as kill -9 of all its processes.
  void crash() { run("kill"); }
  /// Nobody answers any more, but connections stay.
  void freeze() {
    pqxx::connection connection{url_};
    pqxx::nontransaction work{connection};
    frozen_.push_back(std::stoi(run("pid")));
    for (const auto& row : work.exec("SELECT pid FROM pg_stat_activity"
                                     " WHERE pid <> pg_backend_pid()"))
      frozen_.push_back(row[0].as<int>());
    for (const auto pid : frozen_)
      ::kill(pid, SIGSTOP);
  }
  void thaw() {
    for (const auto pid : frozen_)
      ::kill(pid, SIGCONT);
    frozen_.clear();
  }

  const std::string& url() const noexcept { return url_; }
  /// The certificate that its TLS is known by.
  std::string certificate() const { return folder_.file("server/server.crt"); }
  void execute(const std::string& sql) {
    pqxx::connection connection{url_};
    pqxx::nontransaction{connection}.exec(sql);
  }

private:
  /// The first line that the command prints.
  std::string run(const std::string& command) {
    const std::string line = std::string{LAPWING_SOURCE_DIR} + "/scripts/postgres " + command + " "
                             + folder_.file("server");
    FILE* pipe = ::popen(line.c_str(), "r");
    char text[256] = "";
    if (pipe == nullptr || (std::fgets(text, sizeof text, pipe) == nullptr && command == "start"))
      throw std::runtime_error{"scripts/postgres failed"};
    if (::pclose(pipe) != 0)
      throw std::runtime_error{"scripts/postgres failed"};
    std::string word = text;
    return word.substr(0, word.find('\n'));
  }

  scratch_directory folder_;
  std::string url_;
  std::vector<int> frozen_;
};

} // namespace lapwing
