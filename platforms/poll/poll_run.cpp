#include "platforms/poll/poll_run.hpp"

#include <algorithm>
#include <utility>

#include "platforms/limits/http_date.hpp"
#include "platforms/poll/json_slice.hpp"
#include "platforms/poll/poll_page.hpp"

namespace lapwing {
namespace {

using namespace std::chrono_literals;

/// An unfinished chain of pages is begun anew after so long: its tokens may have died, and its
/// pages have moved on.
constexpr auto chain_age_max = 24h;
/// And after so many failures in a row: perhaps that one page is broken for good.
constexpr std::uint32_t chain_failures_max = 3;
/// Times of items and of queries may be a little apart (PLATFORMS 4).
constexpr std::chrono::seconds overlap{5};
constexpr std::size_t etag_bytes_max = 256;

bool is_blank(std::string_view text) noexcept {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

bool is_printable(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c < 0x7f; });
}

bool contains(const std::vector<std::string>& list, const std::string& text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

void set_param(parameter_list& params, const std::string& name, std::string value) {
  for (auto& [known, old] : params) {
    if (known == name) {
      old = std::move(value);
      return;
    }
  }
  params.emplace_back(name, std::move(value));
}

answer_problem broken(std::string detail) {
  return {answer_failure::broken_answer, 200, {}, std::move(detail)};
}

} // namespace

poll_run::poll_run(poll_target target, poll_progress from, timestamp now)
    : endpoint_(target.endpoint), limits_(target.limits),
      values_{std::move(target.account), std::move(target.resource), now}, from_(std::move(from)),
      now_(now) {
  auto stored = decoded_cursor(from_.cursor);
  state_ = stored.value_or(cursor_state{});
  if (!stored)
    state_.first = true;
  bool is_fresh = (!from_.last_poll || now - *from_.last_poll <= chain_age_max)
                  && from_.failure_count < chain_failures_max;
  bool is_ours = endpoint_->pages == page_style::token
                 || (endpoint_->pages == page_style::link_header
                     && origin_of(state_.page) == origin_of(filled_url(endpoint_->url, values_)));
  if (!state_.page.empty() && is_fresh && is_ours)
    was_resumed_ = true;
  else
    begin_chain(state_.resync);
  bool wants_account = endpoint_->url.find("{account}") != std::string::npos;
  bool wants_resource = endpoint_->url.find("{resource}") != std::string::npos;
  if ((wants_account && values_.account.empty()) || (wants_resource && values_.resource.empty()))
    fail({answer_failure::refused, 0, {}, "it is not known whose data to ask for"});
}

bool poll_run::is_listing() const noexcept {
  return (state_.first || state_.resync) && !endpoint_->first_sync_url.empty();
}

bool poll_run::tracks_known() const noexcept {
  return endpoint_->cursor == cursor_style::newest_key
         || (!endpoint_->first_sync_url.empty() && endpoint_->resync_status != 0);
}

bool poll_run::is_bounded() const noexcept {
  // A resync reads on to what is known; where nothing is, it is as good as a first sync.
  return state_.first || (state_.resync && is_listing() && state_.known.empty());
}

void poll_run::begin_chain(bool resync) {
  state_.page.clear();
  state_.pending.clear();
  state_.head.clear();
  state_.kept = 0;
  state_.resync = resync;
  if (resync)
    state_.value.clear();
  pages_seen_.clear();
  digests_.clear();
  first_etag_.clear();
  was_resumed_ = false;
  phase_ = (state_.first || resync) && !endpoint_->start_url.empty() ? phase::start : phase::page;
}

std::size_t poll_run::request_count_max() const noexcept {
  // Besides the pages: one lost page, one lost cursor, and the start asked for before each.
  return std::max<std::size_t>(endpoint_->pages_max, 1) + 5;
}

std::string poll_run::request_url() const {
  if (phase_ == phase::start)
    return filled_url(endpoint_->start_url, values_);
  if (endpoint_->pages == page_style::link_header && !state_.page.empty())
    return state_.page;
  auto params = is_listing() ? endpoint_->first_sync_params : endpoint_->params;
  if (!is_listing() && (state_.first || state_.resync))
    for (const auto& [name, value] : endpoint_->first_sync_params)
      set_param(params, name, value);
  for (auto& [name, value] : params)
    value = filled_text(value, values_);
  if (!is_listing() && !state_.value.empty() && !endpoint_->cursor_param.empty()) {
    bool is_field = endpoint_->cursor == cursor_style::newest_field;
    set_param(params, endpoint_->cursor_param,
              is_field ? overlapped(state_.value, overlap) : state_.value);
  }
  if (!state_.page.empty())
    set_param(params, endpoint_->page_param, state_.page);
  return with_params(filled_url(is_listing() ? endpoint_->first_sync_url : endpoint_->url, values_),
                     params);
}

bool poll_run::sends_etag() const {
  return endpoint_->etag && phase_ == phase::page && state_.page.empty() && !state_.first
         && !state_.resync && !from_.etag.empty() && from_.etag.size() <= etag_bytes_max
         && is_printable(from_.etag);
}

std::optional<http_request> poll_run::next() const {
  if (is_done())
    return std::nullopt;
  http_request request;
  request.method = phase_ == phase::start || is_listing() ? "GET" : endpoint_->method;
  request.url = request_url();
  request.headers = endpoint_->headers;
  bool has_accept = std::any_of(request.headers.begin(), request.headers.end(),
                                [](const auto& h) { return h.first == "Accept"; });
  if (!has_accept)
    request.headers.emplace_back("Accept", "application/json");
  if (sends_etag())
    request.headers.emplace_back("If-None-Match", from_.etag);
  return request;
}

void poll_run::take(const result<http_response>& answer) {
  if (is_done())
    return;
  ++outcome_.request_count;
  if (!answer)
    fail(problem_of(answer.error()));
  else if (phase_ == phase::start)
    take_start(*answer);
  else
    take_page(*answer);
}

void poll_run::take_start(const http_response& answer) {
  if (auto problem = problem_of(answer, *limits_))
    return fail(std::move(*problem));
  auto root = json_slice::check(answer.body);
  if (!root)
    return fail(broken(root.error().detail));
  auto cursor = page_cursor(root->at(endpoint_->start_cursor), endpoint_->start_cursor);
  if (!cursor)
    return fail(broken(cursor.error().detail));
  if (cursor->empty())
    return fail(broken("the answer has no \"" + endpoint_->start_cursor + '"'));
  state_.pending = std::move(*cursor);
  phase_ = phase::page;
}

void poll_run::take_page(const http_response& answer) {
  if (const auto& header = limits_->poll_interval_header; !header.empty())
    if (auto wish = parse_seconds(answer.header(header)))
      outcome_.interval_min = std::chrono::ceil<std::chrono::seconds>(*wish);
  if (answer.status == 304) {
    if (!sends_etag())
      return fail(broken("304 without having been asked"));
    outcome_.unchanged = true;
    outcome_.progress.etag = from_.etag;
    return end(from_.cursor, true);
  }
  if (auto problem = problem_of(answer, *limits_)) {
    bool is_gone = endpoint_->resync_status != 0 && problem->status == endpoint_->resync_status;
    bool is_refusal = is_gone || problem->kind == answer_failure::refused
                      || problem->kind == answer_failure::not_found;
    if (is_refusal && !state_.page.empty() && !was_restarted_) {
      was_restarted_ = true;
      return begin_chain(state_.resync);
    }
    if (is_gone && !state_.first && !state_.resync && !has_resynced_) {
      has_resynced_ = true;
      outcome_.resynced = true;
      return begin_chain(true);
    }
    return fail(std::move(*problem));
  }
  bool is_empty = endpoint_->empty_status != 0 && answer.status == endpoint_->empty_status;
  if (is_empty || is_blank(answer.body)) {
    outcome_.unchanged = outcome_.items.empty();
    if (!state_.page.empty() || state_.first || state_.resync)
      return complete();
    outcome_.progress.etag = from_.etag;
    return end(from_.cursor, true);
  }
  auto page = read_page({endpoint_, values_.resource, request_url(), is_listing()}, answer);
  if (!page)
    return fail(broken(page.error().detail));

  if (state_.page.empty())
    first_etag_ = answer.header("ETag");
  auto next_page = std::move(page->next);
  bool is_enough = merge(*page);
  ++page_count_;
  if (is_enough || next_page.empty())
    return complete();
  pages_seen_.insert(state_.page);
  if (!pages_seen_.insert(next_page).second)
    return fail(broken("its pages lead back to one that was read"));
  state_.page = std::move(next_page);
  bool is_full = page_count_ >= endpoint_->pages_max || outcome_.items.size() >= run_items_max
                 || bytes_ >= run_bytes_max;
  if (is_full && endpoint_->cursor == cursor_style::digest)
    return complete(); // Half a list has a digest as good as another; it cannot be gone on with.
  if (is_full)
    interrupt();
}

bool poll_run::merge(poll_page& from) {
  bool is_enough = false;
  bool is_newest_first = endpoint_->cursor == cursor_style::newest_key || is_listing();
  bool is_asked_by_cursor = !endpoint_->cursor_param.empty();
  std::size_t old_count = 0;
  for (auto& item : from.items) {
    const auto& order = item.order;
    if (is_newest_first && contains(state_.known, item.key)) {
      is_enough = true;
      break;
    }
    if (!order.empty() && !is_asked_by_cursor && !state_.value.empty()
        && compare_cursors(order, state_.value) < 0) {
      ++old_count;
      continue;
    }
    if (is_bounded() && state_.kept >= endpoint_->first_sync_items_max) {
      // Calendar gives its cursor on the last page only: read on, keep no more.
      is_enough = endpoint_->cursor != cursor_style::value || is_listing();
      break;
    }
    polled_item made{item.key, {}};
    item.value.append_compact(made.json);
    if (made.json.size() > poll_page::item_bytes_max) {
      ++outcome_.skipped_count;
      continue;
    }
    if (!keys_.insert(item.key).second)
      continue;
    if (tracks_known()) {
      auto& head = state_.head;
      if (!is_newest_first) {
        head.insert(head.begin(), item.key);
        head.resize(std::min(head.size(), cursor_state::known_max));
      } else if (head.size() < cursor_state::known_max) {
        head.push_back(item.key);
      }
    }
    if (!order.empty() && (state_.pending.empty() || compare_cursors(order, state_.pending) > 0))
      state_.pending = order;
    ++state_.kept;
    bytes_ += made.json.size();
    outcome_.items.push_back(std::move(made));
  }
  if (!from.items.empty() && old_count == from.items.size())
    is_enough = true;
  if (is_bounded() && state_.kept >= endpoint_->first_sync_items_max
      && (endpoint_->cursor != cursor_style::value || is_listing()))
    is_enough = true;
  if (!from.cursor.empty())
    state_.pending = std::move(from.cursor);
  digests_.insert(digests_.end(), from.digests.begin(), from.digests.end());
  return is_enough;
}

std::string poll_run::kept_etag(const std::string& value) const {
  // An ETag belongs to a URL: it is of use only where the next poll begins with the same one.
  bool has_own_url = !endpoint_->first_sync_url.empty() || !endpoint_->first_sync_params.empty();
  bool had_own_url = (state_.first || state_.resync) && has_own_url;
  bool sends_other = !endpoint_->cursor_param.empty() && value != state_.value;
  bool is_good = endpoint_->etag && !was_resumed_ && !had_own_url && !sends_other
                 && first_etag_.size() <= etag_bytes_max && is_printable(first_etag_);
  return is_good ? first_etag_ : std::string{};
}

void poll_run::complete() {
  cursor_state reached;
  switch (endpoint_->cursor) {
  case cursor_style::none:
  case cursor_style::newest_key: break;
  case cursor_style::value:
    reached.value = state_.pending.empty() ? state_.value : state_.pending;
    break;
  case cursor_style::newest_field:
    reached.value = state_.value;
    if (!state_.pending.empty()
        && (state_.value.empty() || compare_cursors(state_.pending, state_.value) > 0))
      reached.value = state_.pending;
    break;
  case cursor_style::digest: {
    std::string all;
    std::sort(digests_.begin(), digests_.end()); // The order of a list is no news.
    for (const auto& one : digests_)
      all += one;
    reached.value = digest_of(all);
    if (!state_.first && reached.value == state_.value) {
      outcome_.unchanged = true;
      outcome_.items.clear();
    }
    break;
  }
  }
  if (tracks_known()) {
    reached.known = state_.head;
    for (const auto& key : state_.known)
      if (reached.known.size() < cursor_state::known_max && !contains(reached.known, key))
        reached.known.push_back(key);
  }
  outcome_.progress.etag = kept_etag(reached.value);
  end(encoded(reached), true);
}

bool poll_run::pause() {
  bool can_go_on = page_count_ > 0 && !state_.page.empty()
                   && endpoint_->cursor != cursor_style::digest;
  if (!is_done() && can_go_on)
    interrupt();
  return is_done();
}

void poll_run::interrupt() {
  outcome_.more = true;
  end(encoded(state_), true);
}

void poll_run::fail(answer_problem problem) {
  problem.detail = endpoint_->id + ": " + problem.detail;
  bool is_ours = problem.kind == answer_failure::rate_limited
                 || problem.kind == answer_failure::unauthorised;
  outcome_.problem = std::move(problem);
  bool goes_on = !state_.page.empty() && endpoint_->cursor != cursor_style::digest;
  if (!goes_on)
    outcome_.progress.etag = from_.etag;
  end(goes_on ? encoded(state_) : from_.cursor, false);
  if (!is_ours && outcome_.progress.failure_count < UINT32_MAX)
    ++outcome_.progress.failure_count;
}

void poll_run::end(std::string cursor, bool good) {
  phase_ = phase::done;
  auto etag = std::move(outcome_.progress.etag);
  outcome_.progress = from_;
  outcome_.progress.etag = std::move(etag);
  outcome_.progress.cursor = std::move(cursor);
  if (good) {
    outcome_.progress.last_poll = now_;
    outcome_.progress.failure_count = 0;
  }
}

std::optional<extraction_numbers> poll_run::extraction() const {
  if (!state_.first)
    return std::nullopt;
  auto done = state_.kept;
  if (is_done() && !outcome_.problem && !outcome_.more)
    return extraction_numbers{done, done, 100};
  auto total = std::max(endpoint_->first_sync_items_max, done);
  auto percentage = total == 0 ? 0 : std::min<std::size_t>(done * 100 / total, 99);
  return extraction_numbers{done, total, static_cast<unsigned>(percentage)};
}

poll_outcome poll_run::take_outcome() { return std::move(outcome_); }

} // namespace lapwing
