// What a webhook sender gave us, free of any HTTP class.
#pragma once

#include <string_view>

namespace lapwing {

/// Looks headers up by name, in any case of letters; empty when absent. Borrows the function
/// object it is made of: pass it down, do not keep it.
class webhook_headers {
public:
  /// `lookup(std::string_view name)` returns something that is a string_view; it must match names
  /// without regard to case, as boost::beast::http::fields does.
  template <class Lookup>
  explicit webhook_headers(const Lookup& lookup) noexcept
    : context_(&lookup), find_([](const void* context, std::string_view name) {
        auto value = (*static_cast<const Lookup*>(context))(name);
        return std::string_view{value.data(), value.size()};
      }) {}

  std::string_view operator()(std::string_view name) const { return find_(context_, name); }

private:
  const void* context_;
  std::string_view (*find_)(const void*, std::string_view);
};

struct webhook_request {
  webhook_headers header;
  std::string_view body; ///< Raw, as received.
};

} // namespace lapwing
