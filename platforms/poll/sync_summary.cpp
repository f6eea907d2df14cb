#include "platforms/poll/sync_summary.hpp"

#include <algorithm>

#include "core/json_text.hpp"

namespace lapwing {

std::string new_data_message(std::string_view title, std::string_view data_type,
                             std::size_t count) {
  std::string out = std::to_string(count) + " new ";
  for (char c : data_type)
    out += c == '_' ? ' ' : c;
  out += " on ";
  out += title;
  return out;
}

event_draft new_data_event(std::string_view platform, std::string_view title,
                           std::string_view data_type, std::size_t count) {
  event_draft draft;
  draft.type = "new_data";
  draft.platform = platform;
  draft.message = new_data_message(title, data_type, count);
  draft.extras = "\"count\":";
  append_number(draft.extras, count);
  draft.extras += ",\"dataType\":";
  append_json_string(draft.extras, data_type);
  draft.data = '{' + draft.extras + '}';
  return draft;
}

void sync_summary::add(std::string_view data_type, std::size_t count) {
  auto found = std::find_if(counts_.begin(), counts_.end(),
                            [&](const auto& one) { return one.first == data_type; });
  if (found == counts_.end())
    counts_.emplace_back(data_type, count);
  else
    found->second += count;
}

std::size_t sync_summary::total() const noexcept {
  std::size_t sum = 0;
  for (const auto& one : counts_)
    sum += one.second;
  return sum;
}

std::string sync_summary::json() const {
  std::string out = "{";
  for (const auto& [data_type, count] : counts_) {
    if (out.size() > 1)
      out += ',';
    append_json_string(out, data_type);
    out += ':';
    append_number(out, count);
  }
  return out + '}';
}

} // namespace lapwing
