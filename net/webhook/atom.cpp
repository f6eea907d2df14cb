#include "net/webhook/atom.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <utility>
#include <vector>

namespace lapwing {
namespace {

constexpr std::string_view atom_space = "http://www.w3.org/2005/Atom";
constexpr std::string_view youtube_space = "http://www.youtube.com/xml/schemas/2015";
constexpr std::string_view tombstone_space = "http://purl.org/atompub/tombstones/1.0";
constexpr std::size_t depth_max = 32;
constexpr std::size_t attributes_max = 64;
constexpr std::size_t text_bytes_max = 4096; // Of one element; longer text is cut.

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'
         || c == '-' || c == '.' || c == ':' || static_cast<unsigned char>(c) >= 0x80;
}

void append_utf8(std::string& out, std::uint32_t code) {
  auto put = [&](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xc0 | code >> 6);
    put(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    put(0xe0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  } else {
    put(0xf0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3f));
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  }
}

/// Replaces references (XML 1.0 4.1); false for one that is unknown or no character.
bool append_unescaped(std::string& out, std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '&') {
      out += text[i];
      continue;
    }
    auto end = text.find(';', i);
    if (end == text.npos || end - i > 10)
      return false;
    auto name = text.substr(i + 1, end - i - 1);
    i = end;
    if (name == "amp") {
      out += '&';
    } else if (name == "lt") {
      out += '<';
    } else if (name == "gt") {
      out += '>';
    } else if (name == "quot") {
      out += '"';
    } else if (name == "apos") {
      out += '\'';
    } else {
      if (!name.starts_with('#'))
        return false;
      name.remove_prefix(1);
      int base = 10;
      if (name.starts_with('x')) {
        name.remove_prefix(1);
        base = 16;
      }
      std::uint32_t code = 0;
      auto [stop, failed] = std::from_chars(name.data(), name.data() + name.size(), code, base);
      if (failed != std::errc{} || stop != name.data() + name.size() || code > 0x10ffff
          || (code >= 0xd800 && code < 0xe000) || (code < 0x20 && !is_space(static_cast<char>(code))))
        return false;
      append_utf8(out, code);
    }
  }
  return true;
}

struct attribute {
  std::string_view name;
  std::string value;
};

/// An element that is open, with its name resolved.
struct open_element {
  std::string_view written; ///< Name as it stands in the tag.
  std::string space;
  std::string_view local;
  std::string text;
  std::size_t bindings; ///< How many were in force before it.
};

class reader {
public:
  explicit reader(std::string_view xml) : rest_(xml) {}

  std::optional<atom_notice> read() {
    while (!rest_.empty()) {
      bool good = rest_.front() == '<' ? read_markup() : read_text();
      if (!good)
        return std::nullopt;
    }
    if (!open_.empty() || !seen_root_ || !complete_)
      return std::nullopt;
    return std::move(notice_);
  }

private:
  bool read_text() {
    auto end = std::min(rest_.find('<'), rest_.size());
    auto raw = rest_.substr(0, end);
    rest_.remove_prefix(end);
    if (open_.empty())
      return std::all_of(raw.begin(), raw.end(), is_space);
    std::string plain;
    if (raw.find("]]>") != raw.npos || !append_unescaped(plain, raw))
      return false;
    add_text(plain);
    return true;
  }

  void add_text(std::string_view plain) {
    auto& text = open_.back().text;
    text.append(plain.substr(0, text_bytes_max - std::min(text_bytes_max, text.size())));
  }

  /// Takes up to and with `end`; what stood before it.
  std::optional<std::string_view> take_until(std::string_view begin, std::string_view end) {
    auto at = rest_.find(end, begin.size());
    if (at == rest_.npos)
      return std::nullopt;
    auto inside = rest_.substr(begin.size(), at - begin.size());
    rest_.remove_prefix(at + end.size());
    return inside;
  }

  bool read_markup() {
    if (rest_.starts_with("<!--"))
      return take_until("<!--", "-->").has_value();
    if (rest_.starts_with("<![CDATA[")) {
      auto inside = take_until("<![CDATA[", "]]>");
      if (!inside || open_.empty())
        return false;
      add_text(*inside);
      return true;
    }
    if (rest_.starts_with("<?"))
      return take_until("<?", "?>").has_value();
    if (rest_.starts_with("</"))
      return read_end();
    return read_start(); // "<!DOCTYPE" is no name and fails there.
  }

  std::string_view take_name() {
    std::size_t size = 0;
    while (size < rest_.size() && is_name_character(rest_[size]))
      ++size;
    auto name = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return name;
  }

  bool skip_spaces() {
    bool any = false;
    while (!rest_.empty() && is_space(rest_.front())) {
      rest_.remove_prefix(1);
      any = true;
    }
    return any;
  }

  bool read_end() {
    rest_.remove_prefix(2);
    auto name = take_name();
    skip_spaces();
    if (!rest_.starts_with('>') || open_.empty() || open_.back().written != name)
      return false;
    rest_.remove_prefix(1);
    leave();
    return true;
  }

  bool read_start() {
    rest_.remove_prefix(1);
    auto name = take_name();
    if (name.empty() || open_.size() >= depth_max || (open_.empty() && seen_root_))
      return false;
    std::vector<attribute> attributes;
    for (;;) {
      bool spaced = skip_spaces();
      bool ends = rest_.starts_with("/>");
      if (ends || rest_.starts_with('>')) {
        rest_.remove_prefix(ends ? 2 : 1);
        if (!enter(name, attributes))
          return false;
        if (ends)
          leave();
        return true;
      }
      if (!spaced || attributes.size() >= attributes_max || !read_attribute(attributes))
        return false;
    }
  }

  bool read_attribute(std::vector<attribute>& attributes) {
    auto name = take_name();
    skip_spaces();
    if (name.empty() || !rest_.starts_with('='))
      return false;
    rest_.remove_prefix(1);
    skip_spaces();
    if (rest_.empty() || (rest_.front() != '"' && rest_.front() != '\''))
      return false;
    auto end = rest_.find(rest_.front(), 1);
    if (end == rest_.npos)
      return false;
    auto raw = rest_.substr(1, end - 1);
    rest_.remove_prefix(end + 1);
    attribute made{name, {}};
    if (raw.find('<') != raw.npos || !append_unescaped(made.value, raw))
      return false;
    for (const auto& other : attributes)
      if (other.name == name)
        return false;
    attributes.push_back(std::move(made));
    return true;
  }

  /// The namespace bound to a prefix, the innermost first.
  std::optional<std::string> space_of(std::string_view prefix) const {
    for (auto i = bindings_.rbegin(); i != bindings_.rend(); ++i)
      if (i->first == prefix)
        return i->second;
    if (prefix.empty())
      return std::string{};
    return std::nullopt;
  }

  bool enter(std::string_view name, const std::vector<attribute>& attributes) {
    open_element element{name, {}, name, {}, bindings_.size()};
    for (const auto& one : attributes) {
      if (one.name == "xmlns")
        bindings_.emplace_back("", one.value);
      else if (one.name.starts_with("xmlns:"))
        bindings_.emplace_back(one.name.substr(6), one.value);
    }
    auto colon = name.find(':');
    auto prefix = colon == name.npos ? std::string_view{} : name.substr(0, colon);
    if (colon != name.npos)
      element.local = name.substr(colon + 1);
    auto space = space_of(prefix);
    if (!space || colon == 0 || element.local.empty() || element.local.find(':') != element.local.npos)
      return false;
    element.space = std::move(*space);
    seen_root_ = true;
    open_.push_back(std::move(element));
    if (!complete_ && open_.size() == 2)
      begin_item(attributes);
    else if (!complete_ && in_entry_ && open_.size() == 3 && is(2, atom_space, "link"))
      take_link(attributes);
    return true;
  }

  bool is(std::size_t level, std::string_view space, std::string_view local) const {
    return open_.size() > level && open_[level].space == space && open_[level].local == local;
  }

  static std::string_view value_of(const std::vector<attribute>& attributes,
                                   std::string_view name) {
    for (const auto& one : attributes)
      if (one.name == name)
        return one.value;
    return {};
  }

  void begin_item(const std::vector<attribute>& attributes) {
    if (!is(0, atom_space, "feed"))
      return;
    in_entry_ = is(1, atom_space, "entry");
    if (is(1, tombstone_space, "deleted-entry")) {
      constexpr std::string_view prefix = "yt:video:";
      auto ref = value_of(attributes, "ref");
      notice_.deleted = true;
      notice_.video_id = ref.starts_with(prefix) ? ref.substr(prefix.size()) : ref;
      notice_.updated = value_of(attributes, "when");
      complete_ = true;
    }
  }

  void take_link(const std::vector<attribute>& attributes) {
    auto rel = value_of(attributes, "rel");
    if (rel.empty() || rel == "alternate")
      notice_.link = value_of(attributes, "href");
  }

  void leave() {
    if (in_entry_ && !complete_) {
      auto& text = open_.back().text;
      if (open_.size() == 3) {
        if (is(2, youtube_space, "videoId"))
          notice_.video_id = std::move(text);
        else if (is(2, youtube_space, "channelId"))
          notice_.channel_id = std::move(text);
        else if (is(2, atom_space, "title"))
          notice_.title = std::move(text);
        else if (is(2, atom_space, "published"))
          notice_.published = std::move(text);
        else if (is(2, atom_space, "updated"))
          notice_.updated = std::move(text);
      } else if (open_.size() == 4 && is(2, atom_space, "author") && is(3, atom_space, "name")) {
        notice_.author = std::move(text);
      } else if (open_.size() == 2) {
        complete_ = true; // Further entries do not come; if one does, it is left to the poll.
      }
    }
    bindings_.resize(open_.back().bindings);
    open_.pop_back();
  }

  std::string_view rest_;
  std::vector<open_element> open_;
  std::vector<std::pair<std::string, std::string>> bindings_; ///< Prefix and namespace.
  atom_notice notice_;
  bool seen_root_ = false;
  bool in_entry_ = false;
  bool complete_ = false;
};

} // namespace

std::optional<atom_notice> read_atom(std::string_view xml) {
  if (xml.starts_with("\xef\xbb\xbf"))
    xml.remove_prefix(3);
  return reader{xml}.read();
}

} // namespace lapwing
