#include "core/log.hpp"

namespace lapwing {

std::string to_key(const log_id& log) {
  constexpr char letters[] = {'u', 'r', 'b'};
  std::string key;
  key.reserve(2 + log.name.size());
  key += letters[static_cast<std::size_t>(log.kind)];
  key += ':';
  key += log.name;
  return key;
}

std::size_t home_of(const log_id& log, std::size_t home_count) noexcept {
  return log.kind == log_kind::broadcast ? 0 : home_of(log.name, home_count);
}

std::optional<log_id> log_of_key(std::string_view key) {
  if (key.size() < 2 || key[1] != ':')
    return std::nullopt;
  std::string name{key.substr(2)};
  switch (key[0]) {
    case 'u': return log_id{log_kind::user, std::move(name)};
    case 'r': return log_id{log_kind::room, std::move(name)};
    case 'b': return log_id{log_kind::broadcast, std::move(name)};
    default: return std::nullopt;
  }
}

} // namespace lapwing
