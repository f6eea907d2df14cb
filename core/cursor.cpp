#include "core/cursor.hpp"

#include <algorithm>
#include <charconv>

#include "core/json_text.hpp"

namespace lapwing {
namespace {

struct component {
  log_kind kind;
  sequence seq;
  std::string_view room;
};

/// Takes one component off the front of `text`, with the comma behind it.
std::optional<component> take_component(std::string_view& text) {
  auto piece = text.substr(0, text.find(','));
  if (piece.size() < 2)
    return std::nullopt;
  component c{};
  switch (piece[0]) {
    case 'u': c.kind = log_kind::user; break;
    case 'b': c.kind = log_kind::broadcast; break;
    case 'r': c.kind = log_kind::room; break;
    default: return std::nullopt;
  }
  const char* begin = piece.data() + 1;
  const char* end = piece.data() + piece.size();
  auto [rest, failed] = std::from_chars(begin, end, c.seq);
  // Positions stay below 2^63: every store keeps them in a signed column.
  if (failed != std::errc{} || c.seq >> 63 != 0 || (*begin == '0' && rest - begin > 1))
    return std::nullopt;
  if (c.kind == log_kind::room) {
    if (rest == end || *rest != ':')
      return std::nullopt;
    c.room = {rest + 1, static_cast<std::size_t>(end - rest - 1)};
    if (!valid_room_id(c.room))
      return std::nullopt;
  } else if (rest != end) {
    return std::nullopt;
  }
  text.remove_prefix(piece.size());
  if (!text.empty()) {
    text.remove_prefix(1);
    if (text.empty())
      return std::nullopt; // A comma with nothing behind it.
  }
  return c;
}

} // namespace

std::optional<sequence> stream_cursor::position(const log_id& log) const noexcept {
  sequence seq = absent;
  switch (log.kind) {
    case log_kind::user: seq = user_; break;
    case log_kind::broadcast: seq = broadcast_; break;
    case log_kind::room:
      for (auto& [name, at] : rooms_)
        if (name == log.name)
          seq = at;
  }
  return seq == absent ? std::nullopt : std::optional{seq};
}

void stream_cursor::set(const log_id& log, sequence seq) {
  switch (log.kind) {
    case log_kind::user: user_ = seq; return;
    case log_kind::broadcast: broadcast_ = seq; return;
    case log_kind::room:
      for (auto& [name, at] : rooms_)
        if (name == log.name) {
          at = seq;
          return;
        }
      rooms_.emplace_back(log.name, seq);
  }
}

void stream_cursor::forget(const log_id& log) noexcept {
  switch (log.kind) {
    case log_kind::user: user_ = absent; return;
    case log_kind::broadcast: broadcast_ = absent; return;
    case log_kind::room: std::erase_if(rooms_, [&](auto& room) { return room.first == log.name; });
  }
}

bool stream_cursor::advance(const log_id& log, sequence seq) noexcept {
  sequence* at = nullptr;
  switch (log.kind) {
    case log_kind::user: at = &user_; break;
    case log_kind::broadcast: at = &broadcast_; break;
    case log_kind::room:
      for (auto& [name, position] : rooms_)
        if (name == log.name)
          at = &position;
  }
  if (at == nullptr || *at == absent || seq <= *at)
    return false;
  *at = seq;
  return true;
}

void stream_cursor::append_text(std::string& out, const log_id& first) const {
  bool some = false;
  auto put = [&](char letter, sequence seq, std::string_view room) {
    if (some)
      out += ',';
    some = true;
    out += letter;
    append_number(out, seq);
    if (letter == 'r') {
      out += ':';
      out += room;
    }
  };
  if (auto seq = position(first))
    put(first.kind == log_kind::user ? 'u' : first.kind == log_kind::room ? 'r' : 'b', *seq,
        first.name);
  if (user_ != absent && first.kind != log_kind::user)
    put('u', user_, {});
  if (broadcast_ != absent && first.kind != log_kind::broadcast)
    put('b', broadcast_, {});
  for (auto& [name, seq] : rooms_)
    if (first.kind != log_kind::room || name != first.name)
      put('r', seq, name);
}

std::string stream_cursor::text() const {
  std::string out;
  append_text(out, log_id{});
  return out;
}

std::vector<std::string> stream_cursor::rooms() const {
  std::vector<std::string> names;
  for (auto& room : rooms_)
    names.push_back(room.first);
  return names;
}

std::optional<stream_cursor> stream_cursor::parse(std::string_view text) {
  stream_cursor cursor;
  if (text.empty())
    return std::nullopt;
  while (!text.empty()) {
    auto c = take_component(text);
    if (!c || cursor.rooms_.size() >= stream_rooms_max)
      return std::nullopt;
    log_id log{c->kind, std::string{c->room}};
    if (cursor.position(log))
      return std::nullopt; // Named twice.
    cursor.set(log, c->seq);
  }
  return cursor;
}

std::optional<std::pair<log_id, sequence>> stream_cursor::event_of(std::string_view text,
                                                                   const user_id& user) {
  if (!parse(text))
    return std::nullopt;
  auto c = take_component(text);
  if (c->seq == 0)
    return std::nullopt; // A position before the first event names none.
  log_id log{c->kind, c->kind == log_kind::user ? user.str() : std::string{c->room}};
  return std::pair{std::move(log), c->seq};
}

} // namespace lapwing
