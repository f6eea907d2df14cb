// Reading one polled endpoint once: requests out, answers in, items and the new progress at the
// end. All of PLATFORMS 4 is here; nothing is sent, stored or timed.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "core/connection_store.hpp"
#include "core/http_client.hpp"
#include "core/time.hpp"
#include "platforms/poll/answer_class.hpp"
#include "platforms/poll/cursor_state.hpp"
#include "platforms/poll/request_url.hpp"
#include "platforms/spec.hpp"

namespace lapwing {

struct poll_page;

/// What is read for whom. The specs must outlive the run.
struct poll_target {
  const endpoint_spec* endpoint = nullptr;
  const rate_limit_spec* limits = nullptr;
  std::string account;  ///< {account}
  std::string resource; ///< {resource}; "" when the endpoint has none.
};

/// Data of `extraction_progress`.
struct extraction_numbers {
  std::size_t done = 0;
  std::size_t total = 0; ///< The bound of the first sync; equal to `done` once it has ended.
  unsigned percentage = 0;
};

/// `items` and `progress` belong together: store both in one transaction or neither, also when
/// there is a problem (pages before it were good). An item may be stored already.
struct poll_outcome {
  std::vector<polled_item> items;
  poll_progress progress; ///< `due` is left as it was: the caller plans.
  bool unchanged = false; ///< 304, an empty answer, or the same digest as before.
  bool resynced = false;  ///< The cursor was gone: everything was read again, bounded.
  bool more = false;      ///< `pages_max` was reached: poll again soon, it goes on from there.
  std::optional<answer_problem> problem;
  /// The provider wants no poll sooner than this (GitHub's X-Poll-Interval).
  std::optional<std::chrono::seconds> interval_min;
  std::size_t request_count = 0;
  std::size_t skipped_count = 0; ///< Items over `poll_page::item_bytes_max`.
};

/// Use: while (auto request = run.next()) run.take(answer of it); run.outcome().
///
/// A run sends at most `request_count_max()` requests, whatever it is answered. The path grammar of
/// endpoint_spec: "a.b" members, "history[].messagesAdded[].message" each element of the lists on
/// the way; an object at the end is one item, null or nothing is none. In parameters, {account},
/// {resource} and {now-7d} (RFC 3339) are filled in.
///
/// Natural keys: one path: its value as it is. Several, or a resource: joined by "|". None of them
/// in the item, over `poll_page::key_bytes_max`, or with control characters: "digest:" and the item's digest.
///
/// First syncs: with `first_sync_url`, that URL with `first_sync_params` alone; otherwise `url`
/// with `params` and `first_sync_params` together. Lists must be newest first for cursor styles
/// newest_key, and below first_sync_url; others may have any order.
class poll_run {
public:
  static constexpr std::size_t run_items_max = 20'000;
  static constexpr std::size_t run_bytes_max = 32 * 1024 * 1024;

  poll_run(poll_target target, poll_progress from, timestamp now);

  /// What to send now, without Authorization; the same until it is answered. Nothing: the end.
  std::optional<http_request> next() const;

  /// The answer to `next()`. Ignored after the end.
  void take(const result<http_response>& answer);

  bool is_done() const noexcept { return phase_ == phase::done; }

  /// Instead of answering `next()`: it may not be sent now. True: what came so far is good, the run
  /// has ended and the next one goes on there. False: nothing can be kept (digests, or no page yet).
  bool pause();

  /// After each `take` of a first sync; nothing otherwise.
  std::optional<extraction_numbers> extraction() const;

  std::size_t request_count_max() const noexcept;

  /// Once, after the end.
  poll_outcome take_outcome();

private:
  enum class phase : std::uint8_t { start, page, done };

  bool is_listing() const noexcept; ///< Reads first_sync_url.
  std::string request_url() const;
  bool sends_etag() const;

  void begin_chain(bool resync);
  void take_start(const http_response& answer);
  void take_page(const http_response& answer);
  /// Takes the page's new items. True when the chain needs no further page.
  bool merge(poll_page& from);
  bool is_bounded() const noexcept; ///< By first_sync_items_max.
  bool tracks_known() const noexcept;
  std::string kept_etag(const std::string& value) const;

  void complete();
  void interrupt();
  void fail(answer_problem problem);
  void end(std::string cursor, bool good);

  const endpoint_spec* endpoint_;
  const rate_limit_spec* limits_;
  url_values values_;
  poll_progress from_;
  timestamp now_;

  phase phase_ = phase::page;
  cursor_state state_;      ///< Of the chain under way; `page` is the page to ask for.
  bool was_resumed_ = false; ///< The chain began in an earlier poll.
  bool was_restarted_ = false;
  bool has_resynced_ = false;
  std::size_t page_count_ = 0;  ///< Good pages of this run's chain.
  std::string first_etag_;      ///< Of the chain's first page.
  std::vector<std::string> digests_;
  std::unordered_set<std::string> keys_;
  std::unordered_set<std::string> pages_seen_;
  std::size_t bytes_ = 0;
  poll_outcome outcome_;
};

} // namespace lapwing
