#include "core/time.hpp"

namespace lapwing {

timestamp system_wall_clock::now() const {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

void append_rfc3339(std::string& out, timestamp time) {
  using namespace std::chrono;
  auto day = floor<days>(time);
  year_month_day date{day};
  hh_mm_ss clock{time - day};
  auto digits = [&out](long value, int width) {
    char text[8];
    for (int i = width; i-- > 0; value /= 10)
      text[i] = static_cast<char>('0' + value % 10);
    out.append(text, static_cast<std::size_t>(width));
  };
  digits(static_cast<int>(date.year()), 4);
  out += '-';
  digits(static_cast<long>(static_cast<unsigned>(date.month())), 2);
  out += '-';
  digits(static_cast<long>(static_cast<unsigned>(date.day())), 2);
  out += 'T';
  digits(clock.hours().count(), 2);
  out += ':';
  digits(clock.minutes().count(), 2);
  out += ':';
  digits(clock.seconds().count(), 2);
  out += '.';
  digits(clock.subseconds().count(), 3);
  out += 'Z';
}

std::string to_rfc3339(timestamp time) {
  std::string out;
  append_rfc3339(out, time);
  return out;
}

} // namespace lapwing
