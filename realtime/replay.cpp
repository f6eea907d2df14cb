#include "realtime/replay.hpp"

#include <algorithm>
#include <utility>

#include "core/json_text.hpp"

namespace lapwing::realtime {
namespace {

constexpr std::size_t page_max = 64;

} // namespace

replay_plan::replay_plan(const replay_request& asked, const kept_extent& known)
    : since_(std::chrono::milliseconds{asked.since_ms}), page_(page_max),
      by_id_(asked.after.has_value()) {
  reached_ = asked.after.value_or(0);
  if (reached_ > known.newest) { // Not one of ours.
    incomplete_ = true;
    reached_ = known.newest;
  }
  // The newest `limit` of them, as in the original.
  auto floor = known.newest;
  if (asked.limit)
    floor -= std::min<std::uint64_t>(floor, static_cast<std::uint64_t>(*asked.limit));
  reached_ = std::max(reached_, asked.limit ? floor : 0);
  if (reached_ < known.trimmed) {
    reached_ = known.trimmed;
    cut_ = true;
    incomplete_ = incomplete_ || by_id_;
  }
  high_ = known.newest;
  searching_ = asked.since_ms > 0 && high_ > reached_ + page_;
}

replay_plan::step replay_plan::next() const noexcept {
  if (searching_)
    return {reached_ + (high_ - reached_) / 2, 1};
  return {reached_, page_};
}

bool replay_plan::ask_for_less() noexcept {
  page_ /= 2;
  return page_ > 0;
}

void replay_plan::search(const kept_page& page) {
  auto middle = next().after;
  if (!page.broadcasts.empty() && page.broadcasts.front().at < since_) {
    reached_ = page.broadcasts.front().number;
    cut_ = false; // Something older is there, so nothing that was wanted is gone.
  } else {
    high_ = middle;
  }
  searching_ = high_ > reached_ + page_;
}

std::vector<kept_broadcast> replay_plan::take(kept_page page) {
  if (page.trimmed > reached_) { // Retention was there while we read.
    cut_ = true;
    incomplete_ = incomplete_ || by_id_;
  }
  if (searching_) {
    search(page);
    return {};
  }
  at_end_ = page.broadcasts.size() < page_;
  auto& found = page.broadcasts;
  if (!found.empty())
    reached_ = found.back().number;
  auto wanted = std::find_if(found.begin(), found.end(),
                             [&](const kept_broadcast& one) { return one.at >= since_; });
  cut_ = cut_ && wanted == found.begin();
  found.erase(found.begin(), wanted);
  if (cut_ && (!found.empty() || at_end_)) {
    incomplete_ = true;
    cut_ = false;
  }
  // A clock that was set back must not hide what came after.
  if (!found.empty())
    since_ = timestamp{};
  return std::move(found);
}

std::string broadcast_meta(std::uint64_t number, bool replayed) {
  std::string out = "{\"id\":\"";
  append_number(out, number);
  return out + (replayed ? "\",\"replayed\":true}" : "\"}");
}

std::string with_meta(std::string_view payload, std::string_view meta) {
  auto end = payload.rfind('}');
  std::string out{payload.substr(0, end)};
  bool empty = out.find_first_not_of(" \t\r\n", out.find('{') + 1) == std::string::npos;
  out += empty ? "\"meta\":" : ",\"meta\":";
  out += meta;
  return out + '}';
}

} // namespace lapwing::realtime
