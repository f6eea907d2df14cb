#include "net/outbound/outbound_engine.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <mutex>
#include <system_error>
#include <utility>
#include <vector>

#include <sys/epoll.h>

namespace lapwing::net {
namespace {

/// Sockets per wake-up: bounds how long the thread's other work waits.
constexpr int bunch_max = 64;

error stopping() {
  return {errc::shutting_down, "the node is stopping"};
}

CURLM* new_multi() {
  static std::once_flag once; // curl_global_init is not safe from two threads in every build.
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  auto* multi = curl_multi_init();
  if (multi == nullptr)
    throw std::system_error(ENOMEM, std::generic_category(), "curl_multi_init");
  return multi;
}

} // namespace

outbound_call::outbound_call(std::shared_ptr<outbound_state> shared, http_request asked,
                             std::string target, http_client::callback done)
  : request(std::move(asked)),
    host(std::move(target)),
    deadline(std::chrono::steady_clock::now()
             + std::clamp(request.timeout, std::chrono::milliseconds{1},
                          std::max(shared->rules.timeout_max, std::chrono::milliseconds{1}))),
    shared_(std::move(shared)),
    done_(std::move(done)) {}

outbound_call::~outbound_call() {
  if (shared_)
    tell(stopping(), outbound_failure::stopped);
}

void outbound_call::tell(result<http_response> outcome, std::optional<outbound_failure> failure) {
  auto shared = std::move(shared_);
  auto done = std::move(done_);
  auto& metrics = shared->metrics;
  if (failure) {
    metrics.failures[static_cast<std::size_t>(*failure)].fetch_add(1, std::memory_order_relaxed);
  } else {
    auto index = static_cast<std::size_t>(std::clamp(outcome->status / 100, 1, 5) - 1);
    metrics.answers[index].fetch_add(1, std::memory_order_relaxed);
  }
  shared->accepted.fetch_sub(1);
  done(std::move(outcome));
}

outbound_engine::outbound_engine(boost::asio::io_context& io,
                                 std::shared_ptr<outbound_state> shared)
  : shared_(std::move(shared)),
    set_(io),
    curl_timer_(io),
    expiry_timer_(io),
    lines_(shared_->rules.under_way_max, shared_->rules.under_way_per_host_max) {
  int set = ::epoll_create1(EPOLL_CLOEXEC);
  if (set < 0)
    throw std::system_error(errno, std::generic_category(), "epoll_create1");
  set_->assign(set);
  multi_ = new_multi();
  curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &outbound_engine::on_socket);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, static_cast<void*>(this));
  curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &outbound_engine::on_timer);
  curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, static_cast<void*>(this));
  curl_multi_setopt(multi_, CURLMOPT_PIPELINING, static_cast<long>(CURLPIPE_MULTIPLEX));
  curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS,
                    static_cast<long>(shared_->rules.idle_connections_max));
}

outbound_engine::~outbound_engine() {
  stop();
}

void outbound_engine::start() {
  wait_for_sockets();
}

void outbound_engine::take(outbound_call call) {
  if (!multi_)
    return call.tell(stopping(), outbound_failure::stopped);
  auto id = ++last_id_;
  lines_.add(id, call.host, call.deadline);
  jobs_.emplace(id, job{std::move(call), nullptr});
  begin_next();
}

void outbound_engine::stop() {
  if (!multi_)
    return;
  auto jobs = std::exchange(jobs_, {});
  for (auto& [handle, id] : ids_)
    curl_multi_remove_handle(multi_, handle);
  ids_.clear();
  for (auto& [id, ended] : jobs)
    ended.under_way.reset();
  curl_multi_cleanup(std::exchange(multi_, nullptr)); // Closes what is kept.
  set_.reset();
  curl_timer_.reset();
  expiry_timer_.reset();
  shared_->metrics.under_way = 0;
  shared_->metrics.waiting = 0;
  for (auto& [id, ended] : jobs)
    ended.call.tell(stopping(), outbound_failure::stopped);
}

// -- sockets and time -----------------------------------------------------------

void outbound_engine::wait_for_sockets() {
  set_->async_wait(descriptor::wait_read,
                   [weak = weak_from_this()](boost::system::error_code failure) {
                     auto self = weak.lock();
                     if (self && !failure && self->multi_)
                       self->serve_sockets();
                   });
}

void outbound_engine::serve_sockets() {
  std::array<epoll_event, bunch_max> ready;
  int count = ::epoll_wait(set_->native_handle(), ready.data(), bunch_max, 0);
  for (int i = 0; i < count; ++i) {
    const auto& event = ready[static_cast<std::size_t>(i)];
    int events = 0;
    if (event.events & (EPOLLIN | EPOLLHUP | EPOLLERR))
      events |= CURL_CSELECT_IN;
    if (event.events & EPOLLOUT)
      events |= CURL_CSELECT_OUT;
    if (event.events & EPOLLERR)
      events |= CURL_CSELECT_ERR;
    // One that was closed meanwhile is not known to curl any more, which then does nothing.
    act(event.data.fd, events);
  }
  collect();
  if (multi_)
    wait_for_sockets(); // Reports again at once when sockets are left over.
}

void outbound_engine::act(curl_socket_t socket, int events) {
  int running = 0;
  curl_multi_socket_action(multi_, socket, events, &running);
}

void outbound_engine::watch(curl_socket_t socket, int what) {
  if (!set_)
    return;
  epoll_event event{};
  event.data.fd = socket;
  if (what & CURL_POLL_IN)
    event.events |= EPOLLIN;
  if (what & CURL_POLL_OUT)
    event.events |= EPOLLOUT;
  int set = set_->native_handle();
  if (what == CURL_POLL_REMOVE)
    ::epoll_ctl(set, EPOLL_CTL_DEL, socket, &event);
  else if (::epoll_ctl(set, EPOLL_CTL_MOD, socket, &event) != 0 && errno == ENOENT)
    ::epoll_ctl(set, EPOLL_CTL_ADD, socket, &event);
}

void outbound_engine::set_timer(long milliseconds) {
  if (!curl_timer_)
    return;
  if (milliseconds < 0) {
    curl_timer_->cancel();
    return;
  }
  curl_timer_->expires_after(std::chrono::milliseconds{milliseconds}); // Cancels the one before.
  curl_timer_->async_wait([weak = weak_from_this()](boost::system::error_code failure) {
    auto self = weak.lock();
    if (!self || failure || !self->multi_)
      return;
    self->act(CURL_SOCKET_TIMEOUT, 0);
    self->collect();
  });
}

int outbound_engine::on_socket(CURL*, curl_socket_t socket, int what, void* self, void*) {
  static_cast<outbound_engine*>(self)->watch(socket, what);
  return 0;
}

int outbound_engine::on_timer(CURLM*, long milliseconds, void* self) {
  static_cast<outbound_engine*>(self)->set_timer(milliseconds);
  return 0;
}

// -- requests -------------------------------------------------------------------

void outbound_engine::begin_next() {
  while (auto id = lines_.next())
    begin(*id);
  arm_expiry();
  auto& metrics = shared_->metrics;
  metrics.waiting.store(lines_.waiting(), std::memory_order_relaxed);
  metrics.under_way.store(lines_.under_way(), std::memory_order_relaxed);
}

void outbound_engine::begin(std::uint64_t id) {
  auto& started = jobs_.at(id);
  auto left = std::chrono::ceil<std::chrono::milliseconds>(started.call.deadline - clock::now());
  started.under_way = std::make_unique<transfer>(shared_->rules, shared_->metrics,
                                                 std::move(started.call.request));
  auto* handle = started.under_way->prepare(left);
  if (handle == nullptr || curl_multi_add_handle(multi_, handle) != CURLM_OK)
    return finish(id, started.under_way->end(CURLE_OUT_OF_MEMORY));
  ids_.emplace(handle, id);
  shared_->metrics.sent.fetch_add(1, std::memory_order_relaxed);
}

void outbound_engine::collect() {
  int left = 0;
  while (multi_) {
    auto* message = curl_multi_info_read(multi_, &left);
    if (message == nullptr)
      break;
    if (message->msg != CURLMSG_DONE)
      continue;
    auto* handle = message->easy_handle;
    auto verdict = message->data.result; // The message dies with the next call.
    auto* ended = transfer::of(handle);
    curl_multi_remove_handle(multi_, handle);
    auto id = ids_.extract(handle).mapped();
    finish(id, ended->end(verdict));
  }
  if (multi_)
    begin_next();
}

void outbound_engine::finish(std::uint64_t id, transfer::ending ending) {
  lines_.finished(id);
  auto ended = jobs_.extract(id);
  ended.mapped().call.tell(std::move(ending.outcome), ending.failure);
}

void outbound_engine::expire() {
  expiry_.reset();
  while (auto id = lines_.expired(clock::now())) {
    auto ended = jobs_.extract(*id);
    ended.mapped().call.tell(
      error{errc::upstream_refused, "never sent: too many requests were under way"},
      outbound_failure::busy);
  }
  begin_next();
}

void outbound_engine::arm_expiry() {
  auto first = lines_.first_deadline();
  if (first == expiry_)
    return;
  expiry_ = first;
  if (!first) {
    expiry_timer_->cancel();
    return;
  }
  expiry_timer_->expires_at(*first);
  expiry_timer_->async_wait([weak = weak_from_this()](boost::system::error_code failure) {
    auto self = weak.lock();
    if (self && !failure && self->multi_)
      self->expire();
  });
}

} // namespace lapwing::net
