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

/// One page after the other: a list may hold one thing many times (GitHub's repositories, once for
/// each push), and one that rests stands far behind those that do not.
class resource_search : public std::enable_shared_from_this<resource_search> {
public:
  resource_search(const driven_connection& of, const std::string& path, std::string only_if,
                  std::size_t limit, std::weak_ptr<bool> alive,
                  std::function<void(result<resource_names>)> done)
      : key_(of.key), store_(*of.ports.store), post_(of.host.make_poster()),
        endpoint_(path.substr(0, path.find('.'))),
        inner_(path.substr(std::min(path.find('.'), path.size() - 1) + 1)),
        only_if_(std::move(only_if)), limit_(limit), alive_(std::move(alive)),
        done_(std::move(done)) {}

  void read(std::string after) {
    store_.items(key_, endpoint_, std::move(after), page_items,
                 [self = shared_from_this()](result<stored_items> found) {
                   auto box = std::make_shared<result<stored_items>>(std::move(found));
                   self->post_([self, box] {
                     if (!self->alive_.expired())
                       self->take(*box);
                   });
                 });
  }

private:
  static constexpr std::size_t page_items = 500;
  static constexpr std::size_t items_max = 10'000;

  void take(const result<stored_items>& page) {
    if (!page)
      return done_(page.error());
    for (const auto& item : page->items) {
      auto parsed = json_slice::check(item.json);
      auto value = parsed ? parsed->at(inner_).scalar() : std::nullopt;
      if (!value || value->empty() || !seen_.insert(*value).second)
        continue;
      auto condition = only_if_.empty() ? json_slice{} : parsed->at(only_if_);
      if (!condition.exists() || condition.is_true())
        found_.names.push_back(std::move(*value));
    }
    items_ += page->items.size();
    bool is_enough = found_.names.size() >= limit_ || items_ >= items_max;
    if (!page->next.empty() && !is_enough)
      return read(page->next);
    found_.is_complete = page->next.empty() && found_.names.size() <= limit_;
    found_.names.resize(std::min(found_.names.size(), limit_));
    done_(std::move(found_));
  }

  const connection_key key_;
  connection_store& store_;
  const driver_host::poster post_;
  const std::string endpoint_;
  const std::string inner_;
  const std::string only_if_;
  const std::size_t limit_;
  const std::weak_ptr<bool> alive_;
  const std::function<void(result<resource_names>)> done_;
  std::unordered_set<std::string> seen_;
  resource_names found_;
  std::size_t items_ = 0;
};

} // namespace

poll_progress& driven_connection::progress_named(const std::string& endpoint) {
  return named(known->polls, &poll_progress::endpoint, endpoint);
}

registration& driven_connection::registration_of(const std::string& resource) {
  return named(known->registrations, &registration::resource, resource);
}

void find_resources(const driven_connection& of, const std::string& path,
                    const std::string& only_if, std::size_t limit, std::weak_ptr<bool> alive,
                    std::function<void(result<resource_names>)> done) {
  std::make_shared<resource_search>(of, path, only_if, limit, std::move(alive), std::move(done))
    ->read({});
}

} // namespace lapwing
