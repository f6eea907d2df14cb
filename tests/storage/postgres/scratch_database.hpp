// A new empty database on the test server, gone at the end of the test. The server's address is in
// LAPWING_TEST_POSTGRES, or in the file that LAPWING_TEST_POSTGRES_FILE names (ctest's own server).
#pragma once

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <string>

#include <unistd.h>

#include "storage/postgres/pqxx.hpp"

namespace lapwing {

inline std::string test_server_url() {
  if (const char* url = std::getenv("LAPWING_TEST_POSTGRES"); url != nullptr && *url != '\0')
    return url;
  std::string url;
  if (const char* file = std::getenv("LAPWING_TEST_POSTGRES_FILE"); file != nullptr)
    std::getline(std::ifstream{file}, url);
  if (url.empty())
    throw std::runtime_error{"no PostgreSQL to test with: set LAPWING_TEST_POSTGRES to the address"
                             " of a server, such as `scripts/postgres start FOLDER` prints, or run"
                             " the test by ctest"};
  return url;
}

/// The same server's address with another database.
inline std::string with_database(const std::string& url, const std::string& name) {
  const auto end = url.find('?');
  const auto query = end == std::string::npos ? std::string{} : url.substr(end);
  return url.substr(0, url.rfind('/', end) + 1) + name + query;
}

class scratch_database {
public:
  scratch_database() {
    static std::atomic<int> count{0};
    name_ = "lapwing_test_" + std::to_string(::getpid()) + "_" + std::to_string(++count);
    administer("CREATE DATABASE " + name_);
  }
  ~scratch_database() {
    try {
      administer("DROP DATABASE IF EXISTS " + name_ + " WITH (FORCE)");
    } catch (const std::exception&) {
      // A database left over on a server for tests harms nobody.
    }
  }
  scratch_database(const scratch_database&) = delete;
  scratch_database& operator=(const scratch_database&) = delete;

  const std::string& name() const noexcept { return name_; }
  std::string url() const {
    return with_database(test_server_url(), name_);
  }

  /// Outside of every database of a test.
  static void administer(const std::string& sql) {
    pqxx::connection connection{test_server_url()};
    pqxx::nontransaction{connection}.exec(sql);
  }

  /// One value as text, "" for none; times in the form of SQLite's columns.
  std::string value_of(const std::string& sql) const {
    constexpr pqxx::oid timestamptz = 1184;
    pqxx::connection connection{url()};
    pqxx::nontransaction work{connection};
    work.exec("SET TimeZone = 'UTC'");
    const auto rows = work.exec(sql);
    if (rows.empty() || rows[0][0].is_null())
      return {};
    auto text = rows[0][0].as<std::string>();
    if (rows.column_type(0) == timestamptz) {
      text.replace(text.find(' '), 1, "T");
      text.replace(text.find('+'), std::string::npos, "Z");
    }
    return text;
  }
  void execute(const std::string& sql) const {
    pqxx::connection connection{url()};
    pqxx::nontransaction{connection}.exec(sql);
  }

private:
  std::string name_;
};

} // namespace lapwing
