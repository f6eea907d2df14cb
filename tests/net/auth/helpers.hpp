// What the tests of net/auth and net/webhook share.
#pragma once

#include <chrono>
#include <fstream>
#include <iterator>
#include <string>

#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/time.hpp"

namespace lapwing::testing {

/// One of tests/golden, parsed.
inline nlohmann::json golden(const std::string& name) {
  std::ifstream file{LAPWING_SOURCE_DIR "/tests/golden/" + name + ".json", std::ios::binary};
  std::string text{std::istreambuf_iterator<char>{file}, {}};
  return nlohmann::json::parse(text);
}

/// "none" or the code of the failure.
template <class T>
std::string code_of(const result<T>& outcome) {
  return to_string(outcome ? errc::none : outcome.error().code);
}

inline timestamp at_second(std::int64_t seconds) {
  return timestamp{std::chrono::seconds{seconds}};
}

} // namespace lapwing::testing
