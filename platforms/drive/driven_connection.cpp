#include "platforms/drive/driven_connection.hpp"

#include <algorithm>
#include <unordered_set>

#include "platforms/poll/json_slice.hpp"

namespace lapwing {
namespace {

template <class Row>
Row& named(std::vector<Row>& rows, std::string Row::*member, const std::string& name) {
  auto at = std::ranges::find(rows, name, member);
  if (at != rows.end())
    return *at;
  Row fresh;
  fresh.*member = name;
  rows.push_back(std::move(fresh));
  return rows.back();
}

/// Each thing once: its newest version comes first and decides.
std::vector<std::string> resources_in(const std::vector<stored_item>& items,
                                      const std::string& inner, const std::string& only_if) {
  std::vector<std::string> out;
  std::unordered_set<std::string> seen;
  for (const auto& item : items) {
    auto parsed = json_slice::check(item.json);
    auto value = parsed ? parsed->at(inner).scalar() : std::nullopt;
    if (!value || value->empty() || !seen.insert(*value).second)
      continue;
    auto condition = only_if.empty() ? json_slice{} : parsed->at(only_if);
    if (!condition.exists() || condition.is_true())
      out.push_back(std::move(*value));
  }
  return out;
}

} // namespace

poll_progress& driven_connection::progress_named(const std::string& endpoint) {
  return named(known->polls, &poll_progress::endpoint, endpoint);
}

registration& driven_connection::registration_of(const std::string& resource) {
  return named(known->registrations, &registration::resource, resource);
}

void find_resources(const driven_connection& of, const std::string& path,
                    const std::string& only_if, std::size_t limit, std::weak_ptr<bool> alive,
                    std::function<void(result<std::vector<std::string>>)> done) {
  auto dot = std::min(path.find('.'), path.size());
  of.ports.store->items(
    of.key, path.substr(0, dot), {}, limit,
    [post = of.host.make_poster(), inner = path.substr(std::min(dot + 1, path.size())), only_if,
     alive = std::move(alive), done = std::move(done)](result<stored_items> found) {
      auto box = std::make_shared<result<stored_items>>(std::move(found));
      post([box, inner, only_if, alive, done] {
        if (!alive.lock())
          return;
        if (!*box)
          return done(box->error());
        done(resources_in((*box)->items, inner, only_if));
      });
    });
}

} // namespace lapwing
