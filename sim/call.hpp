// One request as a provider sees it, and the shapes of answers.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/http_client.hpp"
#include "core/time.hpp"
#include "sim/platform.hpp"
#include "sim/text.hpp"

namespace lapwing::sim {

inline constexpr std::uint32_t nobody = UINT32_MAX;

struct call {
  const http_request* request = nullptr;
  std::string_view method;
  std::string_view host;
  std::string_view path;  ///< Still percent-encoded.
  parameters query;
  parameters form;        ///< The body, when its Content-Type says so.
  timestamp now{};

  /// What stood for the `*` of the route.
  std::array<std::string, 4> captured;

  platform where = platform::github;
  std::string_view endpoint; ///< Its name in statistics and faults.
  std::string_view token;    ///< Of `Authorization: Bearer`.
  std::uint32_t grant = nobody;
  std::uint32_t person = nobody;

  std::string_view header(std::string_view name) const noexcept;
  bool has_form() const noexcept;
};

/// Takes an absolute http or https URL apart; false when it is none.
bool parse_call(const http_request& request, call& into);

http_response json_answer(int status, std::string body);
http_response text_answer(int status, std::string body);
http_response empty_answer(int status);
http_response redirect_answer(std::string location);

} // namespace lapwing::sim
