// The little of Atom (RFC 4287) that a WebSub delivery of YouTube holds. A strict reader of a
// bounded XML subset: no document types, no entities beyond the five of XML, nothing external.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace lapwing {

struct atom_notice {
  bool deleted = false; ///< A tombstone (RFC 6721): only video_id and updated are set.
  std::string video_id;
  std::string channel_id;
  std::string title;
  std::string link;
  std::string author;
  std::string published;
  std::string updated; ///< Or `when` of a tombstone.
};

/// The first entry or tombstone of a feed. Nothing when the text is not well-formed, nested too
/// deeply, or has neither.
std::optional<atom_notice> read_atom(std::string_view xml);

} // namespace lapwing
