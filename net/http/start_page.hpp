// The page at `/`.
#pragma once

#include <string_view>

namespace lapwing::net {

/// start_page.html, built in so that a node needs no files beside it.
extern const std::string_view start_page;

} // namespace lapwing::net
