#include "platforms/oauth/token_memory.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include <fmt/format.h>

namespace lapwing {
namespace {

constexpr std::array kinds{token_failure_kind::reauthorise, token_failure_kind::configuration,
                           token_failure_kind::transient, token_failure_kind::unknown};
constexpr std::size_t code_bytes_max = 64;

std::int64_t number_of(timestamp when) noexcept {
  return when.time_since_epoch().count();
}

bool code_character(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'
         || c == '.' || c == '-';
}

/// Reads "name=value name=value ..."; anything that does not fit makes the whole bad.
class reader {
public:
  explicit reader(std::string_view text) : rest_(text) {}

  bool next() {
    if (rest_.empty() || bad_)
      return false;
    const auto end = std::min(rest_.find(' '), rest_.size());
    const auto part = rest_.substr(0, end);
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
    const auto equals = part.find('=');
    if (equals == part.npos) {
      bad_ = true;
      return false;
    }
    name_ = part.substr(0, equals);
    value_ = part.substr(equals + 1);
    return true;
  }
  std::string_view name() const noexcept { return name_; }
  std::string_view value() const noexcept { return value_; }
  bool bad() const noexcept { return bad_; }
  void refuse() noexcept { bad_ = true; }

  template <class T>
  void number(T& out, T most = std::numeric_limits<T>::max()) {
    T read{};
    const auto* end = value_.data() + value_.size();
    const auto [stop, failure] = std::from_chars(value_.data(), end, read);
    if (failure != std::errc{} || stop != end || read > most)
      bad_ = true;
    else
      out = read;
  }
  void time(timestamp& out) {
    std::int64_t read = 0;
    number(read);
    out = timestamp{std::chrono::milliseconds{read}};
  }

private:
  std::string_view rest_;
  std::string_view name_;
  std::string_view value_;
  bool bad_ = false;
};

} // namespace

std::string to_text(const token_memory& memory) {
  std::string out;
  if (memory.failure && !memory.failure->code.empty())
    out += fmt::format(" kind={} code={} failed={} unknown={} since={} rested={} retry={}",
                       std::ranges::find(kinds, memory.failure->kind) - kinds.begin(),
                       memory.failure->code, memory.failure_count, memory.unknown_count,
                       number_of(memory.trouble_since), number_of(memory.rest_began),
                       number_of(memory.retry_at));
  if (memory.refreshed_for_rejection)
    out += fmt::format(" rejected={}", number_of(*memory.refreshed_for_rejection));
  if (memory.warned_days != 0)
    out += fmt::format(" warned={} end={}", memory.warned_days, number_of(memory.warned_end));
  return out.empty() ? out : fmt::format("version={}", memory.version) + out;
}

token_memory parse_token_memory(std::string_view text) {
  token_memory out;
  token_failure failure;
  reader in{text};
  while (in.next()) {
    if (in.name() == "version") {
      in.number(out.version);
    } else if (in.name() == "kind") {
      std::size_t kind = 0;
      in.number(kind, kinds.size() - 1);
      failure.kind = kinds.at(in.bad() ? 0 : kind);
    } else if (in.name() == "code") {
      if (in.value().size() > code_bytes_max || !std::ranges::all_of(in.value(), code_character))
        in.refuse();
      failure.code = in.value();
    } else if (in.name() == "failed") {
      in.number(out.failure_count);
    } else if (in.name() == "unknown") {
      in.number(out.unknown_count);
    } else if (in.name() == "since") {
      in.time(out.trouble_since);
    } else if (in.name() == "rested") {
      in.time(out.rest_began);
    } else if (in.name() == "retry") {
      in.time(out.retry_at);
    } else if (in.name() == "rejected") {
      in.time(out.refreshed_for_rejection.emplace());
    } else if (in.name() == "warned") {
      in.number(out.warned_days, 14);
    } else if (in.name() == "end") {
      in.time(out.warned_end);
    } // What a later version of the program wrote is left out.
  }
  if (in.bad())
    return {};
  if (!failure.code.empty())
    out.failure = std::move(failure);
  return out;
}

std::optional<token_failure> stored_trouble(const connection& row) {
  auto memory = parse_token_memory(row.refresh_memory);
  return memory.version == row.token_version ? std::move(memory.failure) : std::nullopt;
}

} // namespace lapwing
