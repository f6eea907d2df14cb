#include "benchmarks/load/progress.hpp"

#include "benchmarks/load/clock.hpp"

namespace lapwing::load {

bool progress::due(std::uint64_t now) const noexcept {
  return now - last_ >= (terminal_ ? ns_per_second / 8 : ns_per_second);
}

void progress::update(std::uint64_t now, std::string_view text) {
  last_ = now;
  if (terminal_)
    out_ << '\r' << text << "\x1b[K" << std::flush;
  else
    out_ << text << std::endl;
  shown_ = terminal_;
}

void progress::line(std::string_view text) {
  clear();
  out_ << text << std::endl;
}

void progress::clear() {
  if (shown_)
    out_ << "\r\x1b[K" << std::flush;
  shown_ = false;
}

} // namespace lapwing::load
