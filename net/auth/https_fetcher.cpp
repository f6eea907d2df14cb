#include "net/auth/https_fetcher.hpp"

#include <atomic>
#include <charconv>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

#include <curl/curl.h>

namespace lapwing {
namespace {

error unavailable(const char* why) {
  return {errc::upstream_unavailable, why};
}

bool is_loopback_host(std::string_view host) {
  if (host == "localhost" || host == "[::1]")
    return true;
  // curl writes every numeric form of an IPv4 address as four decimals, so a name cannot pass.
  if (!host.starts_with("127."))
    return false;
  int dots = 0;
  for (char c : host) {
    if (c == '.')
      ++dots;
    else if (c < '0' || c > '9')
      return false;
  }
  return dots == 3;
}

std::string lower(std::string_view text) {
  std::string out{text};
  for (char& c : out)
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c - 'A' + 'a');
  return out;
}

std::string_view trimmed(std::string_view text) {
  auto from = text.find_first_not_of(" \t\r\n");
  if (from == text.npos)
    return {};
  return text.substr(from, text.find_last_not_of(" \t\r\n") - from + 1);
}

std::optional<std::uint64_t> number_of(std::string_view text) {
  std::uint64_t value = 0;
  auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc{} || end != text.data() + text.size())
    return std::nullopt;
  return value;
}

/// What one transfer gathers.
struct transfer {
  const https_fetcher_rules& rules;
  const std::atomic<bool>& stopping;
  std::string body;
  std::string cache_control;
  std::string age;
};

std::size_t take_body(char* data, std::size_t size, std::size_t count, void* context) {
  auto& self = *static_cast<transfer*>(context);
  if (self.body.size() + size * count > self.rules.body_bytes_max)
    return 0; // Any other number than given ends the transfer.
  self.body.append(data, size * count);
  return size * count;
}

std::size_t take_header(char* data, std::size_t size, std::size_t count, void* context) {
  auto& self = *static_cast<transfer*>(context);
  std::string_view line{data, size * count};
  if (line.starts_with("HTTP/")) { // An interim answer may come before the real one.
    self.cache_control.clear();
    self.age.clear();
  }
  if (auto colon = line.find(':'); colon != line.npos && line.size() < 1024) {
    auto name = lower(line.substr(0, colon));
    if (name == "cache-control")
      self.cache_control = trimmed(line.substr(colon + 1));
    else if (name == "age")
      self.age = trimmed(line.substr(colon + 1));
  }
  return size * count;
}

int keep_going(void* context, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<transfer*>(context)->stopping.load() ? 1 : 0;
}

bool is_plain_http(const std::string& url) {
  return lower(std::string_view{url}.substr(0, 5)) == "http:";
}

} // namespace

struct https_fetcher::implementation {
  struct job {
    std::string url;
    std::function<void(result<fetched_text>)> done;
  };

  explicit implementation(https_fetcher_rules r) : rules(std::move(r)) {
    static std::once_flag once; // curl_global_init is not safe from two threads.
    std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
    worker = std::thread{[this] { run(); }};
  }

  void run();
  result<fetched_text> get(const std::string& url);

  const https_fetcher_rules rules;
  std::atomic<bool> stopping = false;
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<job> jobs;
  std::thread worker;
};

void https_fetcher::implementation::run() {
  for (;;) {
    job next;
    {
      std::unique_lock lock{mutex};
      changed.wait(lock, [this] { return stopping.load() || !jobs.empty(); });
      if (jobs.empty())
        return;
      next = std::move(jobs.front());
      jobs.pop_front();
    }
    if (stopping.load())
      next.done(error{errc::shutting_down, "the node is stopping"});
    else
      next.done(get(next.url));
  }
}

result<fetched_text> https_fetcher::implementation::get(const std::string& url) {
  std::unique_ptr<CURL, void (*)(CURL*)> handle{curl_easy_init(), curl_easy_cleanup};
  if (!handle)
    return unavailable("no memory for the fetch");
  transfer state{rules, stopping, {}, {}, {}};
  auto set = [&](CURLoption option, auto value) {
    return curl_easy_setopt(handle.get(), option, value);
  };
  set(CURLOPT_URL, url.c_str());
  set(CURLOPT_PROTOCOLS_STR, "https,http");
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_NOSIGNAL, 1L); // No SIGALRM for name look-ups: we are not the only thread.
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(rules.connect_timeout.count()));
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(rules.timeout.count()));
  set(CURLOPT_SSL_VERIFYPEER, 1L);
  set(CURLOPT_SSL_VERIFYHOST, 2L);
  set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  set(CURLOPT_USERAGENT, "lapwing");
  set(CURLOPT_ACCEPT_ENCODING, "identity"); // A small answer must not unfold into a big one.
  set(CURLOPT_WRITEFUNCTION, &take_body);
  set(CURLOPT_WRITEDATA, static_cast<void*>(&state));
  set(CURLOPT_HEADERFUNCTION, &take_header);
  set(CURLOPT_HEADERDATA, static_cast<void*>(&state));
  set(CURLOPT_NOPROGRESS, 0L);
  set(CURLOPT_XFERINFOFUNCTION, &keep_going);
  set(CURLOPT_XFERINFODATA, static_cast<void*>(&state));
  if (!rules.ca_file.empty())
    set(CURLOPT_CAINFO, rules.ca_file.c_str());
  if (is_plain_http(url))
    set(CURLOPT_PROXY, ""); // Loopback is ours, not the proxy's.
  auto code = curl_easy_perform(handle.get());
  if (code == CURLE_ABORTED_BY_CALLBACK)
    return error{errc::shutting_down, "the node is stopping"};
  if (code != CURLE_OK)
    return error{errc::upstream_unavailable,
                 std::string{"the fetch failed: "} + curl_easy_strerror(code)};
  long status = 0;
  curl_easy_getinfo(handle.get(), CURLINFO_RESPONSE_CODE, &status);
  if (status != 200)
    return error{errc::upstream_unavailable,
                 "the fetch was answered with status " + std::to_string(status)};
  return fetched_text{std::move(state.body), freshness_of(state.cache_control, state.age)};
}

https_fetcher::https_fetcher(https_fetcher_rules rules)
  : implementation_(std::make_unique<implementation>(std::move(rules))) {}

https_fetcher::~https_fetcher() {
  {
    std::lock_guard lock{implementation_->mutex};
    implementation_->stopping = true;
  }
  implementation_->changed.notify_one();
  implementation_->worker.join();
}

void https_fetcher::fetch(std::string url, std::function<void(result<fetched_text>)> done) {
  if (!fetchable_url(url))
    return done(error{errc::bad_request, "only https addresses are fetched"});
  {
    std::lock_guard lock{implementation_->mutex};
    if (!implementation_->stopping.load()
        && implementation_->jobs.size() < implementation_->rules.queue_max) {
      implementation_->jobs.push_back({std::move(url), std::move(done)});
      done = nullptr;
    }
  }
  if (done)
    return done(unavailable("too many fetches are waiting"));
  implementation_->changed.notify_one();
}

fetch_function https_fetcher::port() {
  return [this](std::string url, std::function<void(result<fetched_text>)> done) {
    fetch(std::move(url), std::move(done));
  };
}

std::optional<std::chrono::seconds> freshness_of(std::string_view cache_control,
                                                 std::string_view age) {
  std::optional<std::chrono::seconds> fresh;
  auto text = lower(cache_control);
  std::string_view rest = text;
  while (!rest.empty()) {
    auto comma = rest.find(',');
    auto directive = trimmed(rest.substr(0, comma));
    rest = comma == rest.npos ? std::string_view{} : rest.substr(comma + 1);
    if (directive == "no-store" || directive == "no-cache")
      return std::chrono::seconds{0};
    constexpr std::string_view name = "max-age=";
    if (!directive.starts_with(name))
      continue;
    auto value = trimmed(directive.substr(name.size()));
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
      value = value.substr(1, value.size() - 2);
    auto seconds = number_of(value);
    if (!seconds || *seconds > 315'360'000) // Ten years.
      continue;
    auto spent = number_of(age).value_or(0);
    fresh = std::chrono::seconds{*seconds > spent ? *seconds - spent : 0};
  }
  return fresh;
}

bool fetchable_url(const std::string& url) {
  std::unique_ptr<CURLU, void (*)(CURLU*)> parts{curl_url(), curl_url_cleanup};
  if (!parts || curl_url_set(parts.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK)
    return false;
  auto part = [&](CURLUPart which) {
    char* text = nullptr;
    if (curl_url_get(parts.get(), which, &text, 0) != CURLUE_OK)
      return std::string{};
    std::string out{text};
    curl_free(text);
    return out;
  };
  if (!part(CURLUPART_USER).empty() || !part(CURLUPART_PASSWORD).empty())
    return false;
  auto scheme = part(CURLUPART_SCHEME);
  return scheme == "https" || (scheme == "http" && is_loopback_host(lower(part(CURLUPART_HOST))));
}

} // namespace lapwing
