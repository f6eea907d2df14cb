// What the parts of a connection driver share: the connection as it is known, and where it lives.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/connection_store.hpp"
#include "platforms/drive/driver_host.hpp"
#include "platforms/spec.hpp"

namespace lapwing {

struct driven_connection {
  driven_connection(connection_key of, const platform_spec& platform, const driver_ports& outside,
                    driver_host& where)
      : key(std::move(of)), spec(platform), ports(outside), host(where) {}
  driven_connection(const driven_connection&) = delete;
  driven_connection& operator=(const driven_connection&) = delete;

  /// Whose requests count together.
  traffic_party party() const {
    return {key, known ? std::string_view{known->at.account} : std::string_view{}};
  }
  /// The platform may be asked: the row is known, and its tokens are not refused for good.
  bool is_open() const noexcept {
    return known && known->at.status != connection_status::needs_reauth
           && known->at.status != connection_status::disconnected;
  }

  /// Both make the row in memory when it is not there; only while `known`.
  poll_progress& progress_named(const std::string& endpoint);
  registration& registration_of(const std::string& resource);

  const connection_key key;
  const platform_spec& spec;
  const driver_ports& ports;
  driver_host& host;
  /// As it was last loaded or changed, without tokens; nothing before the first load.
  std::optional<loaded_connection> known;
  std::uint32_t unstored = 0; ///< Polls in a row that could not be stored.
  /// When the connection is due next, for the store: the soonest of all its timers.
  std::function<timestamp()> next_due;
};

/// What `A.B.C` names: of all stored items of endpoint A, B.C.
struct resource_names {
  std::vector<std::string> names; ///< Each once, those of the newest items first.
  bool is_complete = true;        ///< False: there may be more than were looked for.
};

/// Items in which `only_if` (a path; "" none) is there and not true are left out; of several items of
/// one name the newest decides. `done` comes on the host's thread unless `alive` has ended; at most
/// `limit` names.
void find_resources(const driven_connection& of, const std::string& path,
                    const std::string& only_if, std::size_t limit, std::weak_ptr<bool> alive,
                    std::function<void(result<resource_names>)> done);

} // namespace lapwing
