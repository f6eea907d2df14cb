#include "storage/row_means.hpp"

#include <utility>

#include "storage/job_refused.hpp"
#include "storage/row_values.hpp"

namespace lapwing {

std::string row_means::fresh_id(timestamp now) const {
  auto id = make_uuid(now, *random);
  if (!id)
    throw job_refused{{errc::internal, "no randomness to name a row with"}};
  return std::move(*id);
}

std::optional<std::string> row_means::sealed(const sealed_column& column, std::string_view row_id,
                                             std::string_view secret) const {
  auto box = secrets->seal(column, row_id, secret);
  if (!box)
    throw job_refused{box.error()};
  return std::move(*box);
}

std::string opened(const secret_columns& secrets, const sealed_column& column,
                   std::string_view row_id, const std::optional<std::string_view>& box) {
  auto secret = secrets.open(column, row_id, box);
  if (!secret)
    throw job_refused{secret.error()};
  return std::move(*secret);
}

} // namespace lapwing
