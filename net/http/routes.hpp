// The one table of what this server answers: dispatch, `Allow` and /openapi.json come from it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "net/http/request.hpp"

namespace lapwing::net {

class exchange;
using exchange_ptr = std::shared_ptr<exchange>;

/// CONTRACT 3 and 5: who may use a route. The handler decides what of it is theirs.
enum class access : std::uint8_t {
  anyone,
  signature, ///< The sender's signature over the body.
  user,      ///< Any good token; development identity.
  service,   ///< Role service_role.
  admin,     ///< Role admin; loopback in development identity.
  operators, ///< Loopback, or the metrics token.
};

enum class body_rule : std::uint8_t {
  none,
  optional,
  required, ///< 411 without Content-Length or chunked coding.
  json,     ///< Required, and JSON: 415 for another Content-Type.
  json_optional,
};

enum class body_size : std::uint8_t { usual, github };

struct route {
  verb method;
  std::string_view pattern; ///< "/api/events/{id}"; a last segment `*` takes the rest.
  access who;
  body_rule body;
  body_size size;
  bool stream; ///< The connection becomes a stream: not counted as an API request.
  void (*handle)(const exchange_ptr&);
  std::string_view summary; ///< One sentence for /openapi.json.
  std::string_view answers; ///< Statuses besides the errors every route has: "200 429".
};

std::span<const route> all_routes() noexcept;

struct route_match {
  const route* found = nullptr;
  std::size_t index = 0;
  /// Values of `{...}` and `*` in order, as in the path (not percent-decoded).
  std::array<std::string_view, 2> parameters{};
  bool path_known = false; ///< Some method has this path; `allow` lists them.
  std::string allow;       ///< Only when nothing was found for this method.
};

class route_table {
public:
  route_table();

  std::size_t size() const noexcept { return all_routes().size(); }

  /// HEAD finds the GET route. Any thread.
  route_match match(verb method, std::string_view path) const;

  /// "GET /api/events/{id}", for metrics.
  std::span<const std::string> names() const noexcept { return names_; }

  /// OpenAPI 3.1 of every route, made once.
  const std::string& openapi() const noexcept { return openapi_; }

private:
  struct compiled {
    const route* source;
    std::vector<std::string_view> segments;
    bool rest; ///< The last segment is `*`.
  };

  static bool fits(const compiled& c, std::span<const std::string_view> segments,
                   std::string_view path, route_match& match);

  std::unordered_map<std::string_view, std::vector<compiled>> by_first_segment_;
  std::vector<std::string> names_;
  std::string openapi_;
};

/// The document for these routes.
std::string openapi_document(std::span<const route> routes);

} // namespace lapwing::net
