#include "actors/outlet.hpp"

namespace lapwing {
namespace {

const stream_filter& no_filter() {
  static const stream_filter everything;
  return everything;
}

bool worth_keeping(const stream_filter& filter) {
  return !filter.all() || filter.full_payload;
}

} // namespace

outlet::outlet(session_id id, const wire_codec& codec, stream_filter filter, stream_origin origin,
               std::shared_ptr<client_sink> sink)
  : id_(id), codec_(&codec), sink_(std::move(sink)), origin_(std::move(origin)) {
  set_filter(std::move(filter));
}

const stream_filter& outlet::filter() const noexcept {
  return filter_ ? *filter_ : no_filter();
}

void outlet::set_filter(stream_filter filter) {
  filter_ = worth_keeping(filter) ? std::make_unique<stream_filter>(std::move(filter)) : nullptr;
}

std::size_t outlet::deliver(std::span<const event_ptr> events, render_cache& cache) {
  if (closed_)
    return 0;
  const stream_filter& wanted = filter();
  // A filter makes the bytes this outlet's own; everybody else in the same place shares them.
  bool shared = wanted.all();
  if (shared && cache.codec_ == codec_ && cache.full_payload_ == wanted.full_payload
      && cache.before_ == cursor_) {
    cursor_ = cache.after_;
  } else {
    cache.codec_ = shared ? codec_ : nullptr;
    cache.full_payload_ = wanted.full_payload;
    cache.before_ = cursor_;
    cache.bytes_.clear();
    cache.count_ = 0;
    std::string id;
    for (const event_ptr& e : events) {
      if (e->seq != 0 && !cursor_.advance(e->log, e->seq))
        continue; // Had it already: it was delivered between two joins, or is being replayed.
      if (!wanted.wants(*e))
        continue;
      id.clear();
      if (e->seq != 0)
        cursor_.append_text(id, e->log);
      codec_->append_event(cache.bytes_, *e, id, wanted.full_payload);
      ++cache.count_;
    }
    cache.after_ = cursor_;
  }
  if (cache.count_ == 0)
    return 0;
  delivered_ += cache.count_;
  if (!sink_->write(cache.bytes_))
    closed_ = true; // The sink tells its session, which ends.
  return cache.count_;
}

void outlet::control(std::string_view type, std::string_view json, bool resume) {
  if (closed_)
    return;
  std::string bytes;
  codec_->append_control(bytes, type, json, resume ? cursor_.text() : std::string{});
  if (!sink_->write(bytes))
    closed_ = true;
}

void outlet::close(const error& reason) {
  if (closed_)
    return;
  closed_ = true;
  sink_->close(reason);
}

void outlet::forget_sink() noexcept {
  closed_ = true;
  sink_.reset();
}

} // namespace lapwing
