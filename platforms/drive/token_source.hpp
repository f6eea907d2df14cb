// Where a request gets its access token from.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "core/error.hpp"

namespace lapwing {

struct access_token {
  std::string value;
  std::uint64_t version = 0; ///< connection::token_version it belongs to.
};

class token_source {
public:
  virtual ~token_source() = default;

  /// A token that is good now, refreshed first if need be. `done` comes on the host's thread, at
  /// once or later. errc::token_expired: none can be had (needs_reauth, or not now).
  virtual void need(std::function<void(result<access_token>)> done) = 0;
  /// The platform answered 401 to this version: a newer one, if there can be one.
  virtual void rejected(std::uint64_t version,
                        std::function<void(result<access_token>)> done) = 0;
};

} // namespace lapwing
