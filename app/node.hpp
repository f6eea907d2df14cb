// A node: builds everything, hands out references, and takes it down in the right order. The only
// place where all parts meet.
//
// Start: store, actor system, per-thread actors, bridge, server. Stop: server (no new work), bridge
// (every caller answered), actors, store (its last callbacks find nobody and are dropped), system.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "core/error.hpp"
#include "platforms/spec.hpp"

namespace lapwing {

class node {
public:
  /// Opens the store and starts serving. Errors have been explained in `detail` for people.
  static result<std::unique_ptr<node>> start(const config& settings,
                                             std::vector<platform_spec> platforms);

  ~node();

  /// What was bound, one URL for each listener.
  const std::vector<std::string>& addresses() const noexcept;

  /// Takes over what may change without a restart (see config/reload.hpp).
  result<bool> reload(const config& merged);

  /// Begins to drain: clients are told to go elsewhere, requests under way end.
  void drain();
  /// True when nobody is connected any more.
  bool drained() const;

private:
  struct parts;
  explicit node(std::unique_ptr<parts> made);
  std::unique_ptr<parts> parts_;
};

} // namespace lapwing
