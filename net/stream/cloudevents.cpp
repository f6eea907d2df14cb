#include "net/stream/cloudevents.hpp"

#include "core/json_text.hpp"

namespace lapwing {

std::string next_cloudevent_id(std::string_view run, std::atomic<std::uint64_t>& counter) {
  std::string id{run};
  id += '-';
  append_number(id, counter.fetch_add(1, std::memory_order_relaxed) + 1);
  return id;
}

void append_cloudevent_control(std::string& out, std::string_view type, std::string_view json,
                               std::string_view id) {
  out += R"({"specversion":"1.0","id":)";
  append_json_string(out, id);
  out += R"(,"source":"/stream","type":"lapwing.)";
  out += type;
  out += R"(","datacontenttype":"application/json","data":)";
  append_json_on_one_line(out, json);
  out += '}';
}

} // namespace lapwing
