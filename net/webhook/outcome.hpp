// What a verified delivery turned out to be.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/event.hpp"
#include "core/ids.hpp"
#include "core/store.hpp"

namespace lapwing {

/// An event to be stored and acknowledged only then.
struct webhook_delivery {
  event_draft draft;          ///< type "webhook_received"; platform, message, data, payload set.
  std::string event;          ///< The platform's own name for it ("push"), for the log.
  std::string source;         ///< See append_request: the platform's name.
  std::string delivery_id;    ///< At most 256 bytes; unique within source and log.
  std::optional<account> owner; ///< Whose it is when the path names no user (gmail).
  unsigned status = 200;      ///< 204: the platform wants an empty answer (discord).
};

/// An answer that is due at once; nothing is stored.
struct webhook_answer {
  unsigned status = 200;
  std::string content_type; ///< Empty: no body.
  std::string body;
};

/// Taken with a 2xx and forgotten.
struct webhook_ignored {
  std::string reason; ///< For the log; nothing secret.
};

using webhook_outcome = std::variant<webhook_delivery, webhook_answer, webhook_ignored>;

/// A row of seed 004's `submissions` changed: the same event goes to every one of these rooms.
struct submission_update {
  event_draft draft; ///< type "submission_update".
  std::vector<room_id> rooms; ///< "admin", and "artist:{id}" when the row names an artist.
  std::string source = "supabase";
  std::string delivery_id;
  std::string operation; ///< "INSERT", "UPDATE", "DELETE" or "TRUNCATE".
};

} // namespace lapwing
