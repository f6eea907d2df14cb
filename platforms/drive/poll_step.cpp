#include "platforms/drive/poll_step.hpp"

#include <unordered_set>
#include <utility>

#include "core/json_text.hpp"
#include "platforms/oauth/requests.hpp"

namespace lapwing {
namespace {

std::string counts_json(std::size_t count, std::string_view type) {
  std::string out = "\"count\":";
  append_number(out, static_cast<std::uint64_t>(count));
  out += ",\"dataType\":";
  append_json_string(out, type);
  return out;
}

/// FNV-1a over the keys: the same news has the same name.
std::string digest_of(const std::vector<polled_item>& items) {
  std::uint64_t hash = 14695981039346656037ull;
  for (const auto& item : items)
    for (char c : item.key + '\n')
      hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ull;
  return std::to_string(hash);
}

} // namespace

poll_step::poll_step(const connection& of, const platform_spec& spec,
                     const endpoint_spec& endpoint, std::string resource, poll_progress from,
                     const driver_ports& ports, driver_host& host, token_source& tokens,
                     planner plan, ending done)
    : key_{of.user, of.platform}, account_(of.account), spec_(spec), endpoint_(endpoint), ports_(ports), host_(host),
      tokens_(tokens), plan_(std::move(plan)), done_(std::move(done)), from_(from),
      run_(poll_target{&endpoint, &spec.limits, of.account, std::move(resource)}, from,
           host.now()),
      first_(from.cursor.empty() && !from.last_poll) {}

poll_step::~poll_step() = default;

void poll_step::start() {
  go_on();
}

void poll_step::go_on() {
  if (run_.is_done())
    return sort_out();
  auto now = host_.now();
  if (auto until = ports_.traffic->not_before(party(), endpoint_.id, now); until > now) {
    // Not waited for: that would hold a place of the platform's queue, for an hour perhaps. In
    // mid-run the pages that have come are kept, or a channel that Slack shows in pages of fifteen,
    // one a minute, would never be read to its end.
    if (run_.pause())
      return sort_out();
    poll_end how;
    how.progress = from_;
    how.not_before = until;
    return end(std::move(how));
  }
  tokens_.need([this](const result<access_token>& token) {
    if (token)
      return send(*token);
    poll_end how;
    how.progress = from_;
    how.failure = token.error();
    end(std::move(how));
  });
}

void poll_step::send(const access_token& token) {
  auto request = *run_.next();
  ports_.traffic->sending(party(), endpoint_.id, host_.now());
  request.headers.emplace_back("Authorization", bearer(token.value));
  auto post = host_.make_poster();
  ports_.http->send(std::move(request), [this, post, version = token.version,
                                         alive = std::weak_ptr<bool>{alive_}](
                                          result<http_response> answer) {
    auto box = std::make_shared<result<http_response>>(std::move(answer));
    post([this, alive, box, version] {
      if (alive.lock())
        answered(*box, version);
    });
  });
}

void poll_step::answered(const result<http_response>& answer, std::uint64_t version) {
  if (answer)
    ports_.traffic->saw(party(), endpoint_.id, *answer, host_.now());
  // Not only 401: Slack says it with 200.
  bool is_rejected = false;
  if (answer)
    if (auto problem = problem_of(*answer, spec_.limits))
      is_rejected = problem->kind == answer_failure::unauthorised;
  if (is_rejected && !std::exchange(rejected_once_, true)) {
    return tokens_.rejected(version, [this, answer = *answer](const result<access_token>& token) {
      if (token)
        return send(*token);
      run_.take(answer);
      go_on();
    });
  }
  run_.take(answer);
  tell_extraction();
  go_on();
}

void poll_step::tell_extraction() {
  auto numbers = first_ ? run_.extraction() : std::nullopt;
  if (!numbers)
    return;
  publish_request request;
  request.target = log_id::of(key_.user);
  request.ephemeral = true;
  request.source = key_.platform.str();
  auto& draft = request.draft;
  draft.type = "extraction_progress";
  draft.platform = key_.platform.str();
  draft.message = spec_.title + ": " + std::to_string(numbers->done);
  if (numbers->percentage < 100)
    draft.message += " of at most " + std::to_string(numbers->total);
  draft.message += " read";
  draft.data = "{\"done\":" + std::to_string(numbers->done) + ",\"total\":"
               + std::to_string(numbers->total) + ",\"percentage\":"
               + std::to_string(numbers->percentage) + ",\"dataType\":";
  append_json_string(draft.data, endpoint_.id);
  draft.data += '}';
  host_.publish(std::move(request), [](const result<publish_receipt>&) {});
}

void poll_step::sort_out() {
  outcome_ = run_.take_outcome();
  next_due_ = plan_(outcome_.progress, outcome_);
  if (outcome_.items.empty())
    return store_progress();
  std::vector<std::string> keys;
  keys.reserve(outcome_.items.size());
  for (const auto& item : outcome_.items)
    keys.push_back(item.key);
  auto post = host_.make_poster();
  ports_.store->unknown_keys(
    key_, endpoint_.id, std::move(keys),
    [this, post, alive = std::weak_ptr<bool>{alive_}](result<std::vector<std::string>> unknown) {
      auto box = std::make_shared<result<std::vector<std::string>>>(std::move(unknown));
      post([this, alive, box] {
        if (!alive.lock())
          return;
        if (*box)
          return store_new(std::move(**box));
        poll_end how;
        how.progress = from_;
        how.failure = box->error();
        end(std::move(how));
      });
    });
}

void poll_step::store_new(std::vector<std::string> unknown) {
  std::unordered_set<std::string> fresh(unknown.begin(), unknown.end());
  std::erase_if(outcome_.items, [&](const polled_item& item) { return !fresh.contains(item.key); });
  if (outcome_.items.empty())
    return store_progress();
  new_count_ = outcome_.items.size();
  auto effect = std::make_shared<sync_effect>();
  effect->of = key_;
  effect->data_type = endpoint_.id;
  effect->progress = outcome_.progress;
  effect->next_due = next_due_;
  publish_request request;
  request.target = log_id::of(key_.user);
  request.source = "poll:" + key_.platform.str();
  request.delivery_id = endpoint_.id + ':' + digest_of(outcome_.items);
  auto counts = counts_json(new_count_, endpoint_.id);
  auto& draft = request.draft;
  draft.type = "new_data";
  draft.platform = key_.platform.str();
  draft.message = std::to_string(new_count_) + " new in " + endpoint_.id + " of " + spec_.title;
  draft.data = '{' + counts + '}';
  draft.extras = std::move(counts);
  effect->items = std::move(outcome_.items);
  request.with = std::move(effect);
  host_.publish(std::move(request), [this, alive = std::weak_ptr<bool>{alive_}](
                                      const result<publish_receipt>& receipt) {
    if (!alive.lock())
      return;
    poll_end how;
    how.progress = receipt ? outcome_.progress : from_;
    how.new_items = receipt ? new_count_ : 0;
    how.more = receipt && outcome_.more;
    how.problem = outcome_.problem;
    if (!receipt)
      how.failure = receipt.error();
    end(std::move(how));
  });
}

void poll_step::store_progress() {
  auto post = host_.make_poster();
  ports_.store->save_progress(
    key_, outcome_.progress, next_due_,
    [this, post, alive = std::weak_ptr<bool>{alive_}](const result<bool>& saved) {
      post([this, alive, saved] {
        if (!alive.lock())
          return;
        poll_end how;
        how.progress = saved ? outcome_.progress : from_;
        how.more = saved && outcome_.more;
        how.problem = outcome_.problem;
        if (!saved)
          how.failure = saved.error();
        end(std::move(how));
      });
    });
}

void poll_step::end(poll_end how) {
  // The owner may destroy us in this call.
  auto done = std::move(done_);
  done(std::move(how));
}

} // namespace lapwing
