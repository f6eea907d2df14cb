// Whole lives of polled endpoints against small providers with faults: nothing is lost, requests
// stay bounded, whatever is answered.
#define CAF_SUITE poll_simulation
#include "tests/support/caf_test.hpp"

#include <algorithm>
#include <deque>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "platforms/poll/poll_run.hpp"

using namespace lapwing;
using namespace std::chrono_literals;

namespace {

const rate_limit_spec limits;

std::string param_of(const std::string& url, const std::string& name) {
  for (char lead : {'?', '&'}) {
    auto at = url.find(lead + name + '=');
    if (at != std::string::npos) {
      at += name.size() + 2;
      return url.substr(at, std::min(url.find('&', at), url.size()) - at);
    }
  }
  return {};
}

http_response ok(std::string body, http_headers headers = {}) {
  return {200, std::move(headers), std::move(body)};
}

/// A provider that grows items "1", "2", ... Each kind pages in its own way.
class provider {
public:
  virtual ~provider() = default;
  virtual endpoint_spec endpoint() const = 0;
  virtual http_response serve(const http_request& request, std::mt19937_64& chance) = 0;

  void grow(std::size_t count) { count_ += count; }
  std::size_t count() const { return count_; }
  /// Cursors up to now are forgotten (where the kind knows that).
  virtual void forget() {}

protected:
  std::size_t count_ = 0;
};

/// Gmail: a history by id, a list newest first, tokens for pages.
class mailbox final : public provider {
public:
  endpoint_spec endpoint() const override {
    endpoint_spec e;
    e.id = "messages";
    e.url = "https://mail.example/history";
    e.items = "history[].messagesAdded[].message";
    e.key = {"id"};
    e.cursor = cursor_style::value;
    e.next_cursor = "historyId";
    e.cursor_param = "startHistoryId";
    e.pages = page_style::token;
    e.next_page = "nextPageToken";
    e.page_param = "pageToken";
    e.resync_status = 404;
    e.start_url = "https://mail.example/profile";
    e.start_cursor = "historyId";
    e.first_sync_url = "https://mail.example/messages";
    e.first_sync_items = "messages";
    e.first_sync_items_max = 5;
    e.pages_max = 4;
    return e;
  }
  http_response serve(const http_request& request, std::mt19937_64& chance) override {
    auto count = std::to_string(count_);
    if (request.url.find("/profile") != std::string::npos)
      return ok("{\"historyId\":\"" + count + "\"}");
    // Something may arrive between the profile and the list.
    if (chance() % 4 == 0)
      grow(1);
    auto page = param_of(request.url, "pageToken");
    auto from = page.empty() ? 0 : std::stoul(page);
    constexpr std::size_t page_items = 3;
    if (request.url.find("/messages") != std::string::npos) {
      // Tokens name the newest message of the page: the list grows at the other end.
      auto newest = page.empty() ? count_ : from;
      std::string body = "{\"messages\":[";
      for (std::size_t i = 0; i < page_items && newest > 0; ++i, --newest)
        body += (i > 0 ? "," : "") + ("{\"id\":\"" + std::to_string(newest) + "\"}");
      body += ']';
      if (newest > 0)
        body += ",\"nextPageToken\":\"" + std::to_string(newest) + '"';
      return ok(body + '}');
    }
    auto start = std::stoul('0' + param_of(request.url, "startHistoryId"));
    if (start < forgotten_)
      return {404, {}, "{}"};
    auto at = page.empty() ? start : from;
    std::string body = "{\"historyId\":\"" + std::to_string(count_) + '"';
    if (at < count_) {
      body += ",\"history\":[";
      for (std::size_t i = 0; i < page_items && at < count_; ++i)
        body += (i > 0 ? "," : "") + ("{\"messagesAdded\":[{\"message\":{\"id\":\""
                                      + std::to_string(++at) + "\"}}]}");
      body += ']';
    }
    if (at < count_)
      body += ",\"nextPageToken\":\"" + std::to_string(at) + '"';
    return ok(body + '}');
  }
  void forget() override { forgotten_ = count_; }

private:
  std::size_t forgotten_ = 0;
};

/// GitHub: newest first, an ETag, links.
class feed final : public provider {
public:
  endpoint_spec endpoint() const override {
    endpoint_spec e;
    e.id = "user_events";
    e.url = "https://feed.example/events";
    e.key = {"id"};
    e.cursor = cursor_style::newest_key;
    e.pages = page_style::link_header;
    e.etag = true;
    e.first_sync_items_max = 5;
    e.pages_max = 3;
    return e;
  }
  http_response serve(const http_request& request, std::mt19937_64& chance) override {
    auto etag = "\"" + std::to_string(count_) + '"';
    for (const auto& [name, value] : request.headers)
      if (name == "If-None-Match" && value == etag)
        return {304, {}, {}};
    auto page = std::stoul('0' + param_of(request.url, "page"));
    constexpr std::size_t page_items = 4;
    std::size_t skip = page * page_items;
    std::string body = "[";
    for (std::size_t i = 0; i < page_items && skip + i < count_; ++i)
      body += (i > 0 ? "," : "") + ("{\"id\":\"" + std::to_string(count_ - skip - i) + "\"}");
    http_headers headers{{"ETag", etag}};
    if (skip + page_items < count_)
      headers.emplace_back("Link", "<https://feed.example/events?page=" + std::to_string(page + 1)
                                     + ">; rel=\"next\"");
    if (chance() % 4 == 0)
      grow(1); // Between two pages: everything moves on by one.
    return ok(body + ']', std::move(headers));
  }
};

/// Slack: newest first after a time, tokens for pages.
class channel final : public provider {
public:
  endpoint_spec endpoint() const override {
    endpoint_spec e;
    e.id = "history";
    e.url = "https://chat.example/history";
    e.items = "messages";
    e.key = {"ts"};
    e.cursor = cursor_style::newest_field;
    e.next_cursor = "ts";
    e.cursor_param = "oldest";
    e.pages = page_style::token;
    e.next_page = "response_metadata.next_cursor";
    e.page_param = "cursor";
    e.first_sync_items_max = 5;
    e.pages_max = 2;
    return e;
  }
  http_response serve(const http_request& request, std::mt19937_64& chance) override {
    auto oldest = std::stoul('0' + param_of(request.url, "oldest"));
    auto page = param_of(request.url, "cursor");
    auto newest = page.empty() ? count_ : std::stoul(page);
    std::string body = "{\"ok\":true,\"messages\":[";
    for (std::size_t i = 0; i < 3 && newest > oldest; ++i, --newest)
      body += (i > 0 ? "," : "") + ("{\"ts\":\"" + std::to_string(newest) + ".000100\"}");
    body += "],\"response_metadata\":{\"next_cursor\":\"";
    if (newest > oldest)
      body += std::to_string(newest);
    if (chance() % 4 == 0)
      grow(1);
    return ok(body + "\"}}");
  }
};

/// Calendar: changes after a token, the new token on the last page.
class agenda final : public provider {
public:
  endpoint_spec endpoint() const override {
    endpoint_spec e;
    e.id = "events";
    e.url = "https://agenda.example/events";
    e.items = "items";
    e.key = {"id"};
    e.cursor = cursor_style::value;
    e.next_cursor = "nextSyncToken";
    e.cursor_param = "syncToken";
    e.pages = page_style::token;
    e.next_page = "nextPageToken";
    e.page_param = "pageToken";
    e.resync_status = 410;
    e.pages_max = 3;
    e.first_sync_items_max = 1000;
    return e;
  }
  http_response serve(const http_request& request, std::mt19937_64& chance) override {
    auto token = param_of(request.url, "syncToken");
    if (!token.empty() && std::stoul(token) < forgotten_)
      return {410, {}, "{}"};
    // A page token names its place and the end of the list as it was at the first page.
    auto page = param_of(request.url, "pageToken");
    auto at = std::stoul('0' + token);
    auto end = count_;
    if (!page.empty()) {
      auto dash = page.find('-');
      if (chance() % 60 == 0)
        return {400, {}, "{}"}; // A lost page token.
      at = std::stoul(page.substr(0, dash));
      end = std::stoul(page.substr(dash + 1));
    }
    std::string body = "{\"items\":[";
    for (std::size_t i = 0; i < 10 && at < end; ++i)
      body += (i > 0 ? "," : "") + ("{\"id\":\"" + std::to_string(++at) + "\"}");
    body += at < end ? "],\"nextPageToken\":\"" + std::to_string(at) + '-' + std::to_string(end)
                     : "],\"nextSyncToken\":\"" + std::to_string(end);
    if (chance() % 4 == 0)
      grow(1);
    return ok(body + "\"}");
  }
  void forget() override { forgotten_ = count_; }

private:
  std::size_t forgotten_ = 0;
};

/// What may come instead of an answer.
std::optional<result<http_response>> fault(std::mt19937_64& chance) {
  switch (chance() % 40) {
  case 0: return result<http_response>{error{errc::upstream_unavailable, "hung"}};
  case 1: return result<http_response>{http_response{429, {{"Retry-After", "9"}}, {}}};
  case 2: return result<http_response>{http_response{503, {}, "<html>"}};
  case 3: return result<http_response>{http_response{200, {}, "{\"items\":[{\"id\""}};
  case 4: return result<http_response>{http_response{401, {}, "{}"}};
  case 5: return result<http_response>{http_response{500, {}, {}}};
  default: return std::nullopt;
  }
}

struct life {
  std::multiset<std::string> stored; ///< Keys as a store would keep them: once each.
  std::size_t polls = 0;
  std::size_t first_sync_items = 0;
};

/// Polls until the provider is still and a clean poll has seen it.
life live(provider& from, std::uint64_t seed, bool crashes) {
  std::mt19937_64 chance{seed};
  auto endpoint = from.endpoint();
  from.grow(chance() % 30);
  life out;
  std::set<std::string> known;
  poll_progress progress;
  progress.endpoint = endpoint.id;
  timestamp now{1'795'000'000s};
  auto poll = [&](bool clean) {
    ++out.polls;
    poll_run run{{&endpoint, &limits, "ann", {}}, progress, now};
    std::size_t requests = 0;
    while (auto request = run.next()) {
      CAF_REQUIRE(++requests <= run.request_count_max());
      auto instead = clean ? std::nullopt : fault(chance);
      run.take(instead ? *instead : from.serve(*request, chance));
    }
    auto outcome = run.take_outcome();
    now += 10min;
    if (!clean && crashes && chance() % 10 == 0)
      return true; // Died before the transaction: neither items nor progress.
    for (auto& item : outcome.items)
      if (known.insert(item.key).second)
        out.stored.insert(item.key);
    progress = outcome.progress;
    return outcome.more || outcome.problem.has_value();
  };
  // The first sync ends at its bound; what came before the newest few is nobody's loss.
  for (int i = 0; i < 500 && poll(false); ++i) {
  }
  out.first_sync_items = out.stored.size();
  for (int round = 0; round < 60; ++round) {
    from.grow(chance() % 12);
    if (chance() % 20 == 0)
      from.forget();
    poll(false);
  }
  // The first good poll may end a chain that began long ago; what came since then is the next
  // one's.
  for (int ends = 0, i = 0; ends < 3 && i < 500; ++i)
    ends += poll(true) ? 0 : 1;
  return out;
}

template <class Provider>
void nothing_is_lost(bool newest_dot) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    Provider from;
    auto run = live(from, seed, seed % 2 == 0);
    // What is stored is the newest item and everything down to the first sync's oldest, without
    // a hole, except those that came during the very last poll.
    std::set<std::size_t> numbers;
    for (const auto& key : run.stored)
      numbers.insert(std::stoul(newest_dot ? key.substr(0, key.find('.')) : key));
    CAF_REQUIRE_EQUAL(numbers.size(), run.stored.size());
    CAF_REQUIRE(!numbers.empty());
    auto holes = *numbers.rbegin() - *numbers.begin() + 1 - numbers.size();
    if (holes != 0)
      CAF_MESSAGE("seed " << seed);
    CAF_REQUIRE_EQUAL(holes, 0u);
    CAF_REQUIRE(*numbers.rbegin() + 8 >= from.count());
  }
}

} // namespace

CAF_TEST(a mailbox with faults and lost history ids loses no message) {
  nothing_is_lost<mailbox>(false);
}

CAF_TEST(a feed with faults that grows while it is read loses no event) {
  nothing_is_lost<feed>(false);
}

CAF_TEST(a channel with faults loses no message) { nothing_is_lost<channel>(true); }

CAF_TEST(an agenda with faults and lost tokens loses no entry) { nothing_is_lost<agenda>(false); }

CAF_TEST(mutated answers never throw and requests stay bounded) {
  // Everything that a provider could answer, with bytes turned, cut, doubled and mixed.
  std::mt19937_64 chance{2'026};
  mailbox mail;
  feed events;
  channel chat;
  agenda days;
  provider* all[] = {&mail, &events, &chat, &days};
  for (provider* one : all)
    one->grow(40);
  std::size_t problems = 0;
  std::size_t good = 0;
  std::vector<std::string> cursors(4);
  for (int round = 0; round < 20'000; ++round) {
    auto which = chance() % 4;
    provider& from = *all[which];
    auto endpoint = from.endpoint();
    endpoint.pages_max = chance() % 6;
    endpoint.cursor = static_cast<cursor_style>(chance() % 5);
    poll_progress progress;
    progress.endpoint = endpoint.id;
    progress.cursor = cursors[which];
    if (chance() % 3 == 0 && !progress.cursor.empty())
      progress.cursor[chance() % progress.cursor.size()] = static_cast<char>(chance());
    progress.etag = chance() % 2 == 0 ? "\"40\"" : "bad\r\nX: y";
    timestamp now{1'795'000'000s};
    poll_run run{{&endpoint, &limits, "ann", {}}, progress, now};
    std::size_t requests = 0;
    while (auto request = run.next()) {
      CAF_REQUIRE(++requests <= run.request_count_max());
      for (const auto& header : request->headers)
        CAF_REQUIRE(header.second.find('\n') == std::string::npos);
      http_response reply;
      if (request->url.find("startHistoryId=") == std::string::npos
          && request->url.find("pageToken=") == std::string::npos
          && request->url.find("Token=") == std::string::npos
          && request->url.find("oldest=") == std::string::npos
          && request->url.find("page=") == std::string::npos
          && request->url.find("cursor=") == std::string::npos)
        reply = from.serve(*request, chance);
      else
        reply = ok(R"({"items":[{"id":"1"}],"messages":[{"ts":"1","id":"1"}],"historyId":7,)"
                   R"("nextPageToken":"p","nextSyncToken":"s","response_metadata":{"next_cursor":")"
                   + std::to_string(chance() % 50) + "\"}}",
                   {{"Link", "<https://feed.example/events?page=" + std::to_string(chance() % 50)
                               + ">; rel=next"}});
      // Half of the answers come through whole, so that chains of pages get somewhere.
      for (auto turns = chance() % 2 * (chance() % 4); turns > 0 && !reply.body.empty(); --turns) {
        auto at = chance() % reply.body.size();
        switch (chance() % 6) {
        case 0: reply.body[at] = static_cast<char>(chance()); break;
        case 1: reply.body.resize(at); break;
        case 2: reply.body.insert(at, reply.body.substr(at, chance() % 40)); break;
        case 3: reply.body.erase(at, chance() % 10); break;
        case 4: reply.body.insert(at, std::string(chance() % 200, "[{\"\\"[chance() % 4])); break;
        case 5: reply.body[at] = "{}[]\",:\\ntf0-"[chance() % 13]; break;
        }
      }
      for (auto& [name, value] : reply.headers)
        if (chance() % 8 == 0 && !value.empty())
          value[chance() % value.size()] = static_cast<char>(chance());
      constexpr int statuses[] = {200, 200, 200, 204, 304, 400, 401, 404, 410, 429, 500, 0, -7};
      if (chance() % 8 == 0)
        reply.status = statuses[chance() % std::size(statuses)];
      run.take(reply);
    }
    auto outcome = run.take_outcome();
    CAF_REQUIRE(outcome.progress.cursor.size() < 40'000);
    CAF_REQUIRE(outcome.items.size() <= poll_run::run_items_max);
    (outcome.problem ? problems : good) += 1;
    if (!outcome.problem)
      cursors[which] = outcome.progress.cursor;
  }
  // Both ways are well trodden.
  CAF_MESSAGE(problems << " problems, " << good << " good");
  CAF_CHECK(problems > 2'000);
  CAF_CHECK(good > 2'000);
}
