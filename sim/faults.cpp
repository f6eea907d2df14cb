#include "sim/faults.hpp"

#include <charconv>

#include "sim/text.hpp"

namespace lapwing::sim {
namespace {

constexpr std::array<std::string_view, fault_kind_count> kind_names{
  "latency",       "rate_limit",         "server_error",  "drop",
  "lose_answer",   "hang",               "half_answer",   "wrong_json",
  "refuse_registration", "duplicate_delivery", "late_delivery", "reorder_deliveries",
  "bad_signature", "lose_delivery"};

bool concerns(const fault& what, std::optional<platform> where, std::string_view user,
              std::string_view endpoint, timestamp now) {
  return what.at_mailgun == !where && (!what.where || what.where == where) && (what.user.empty() || what.user == user)
         && (what.endpoint.empty() || endpoint.find(what.endpoint) != std::string_view::npos)
         && (!what.from || now >= *what.from) && (!what.until || now < *what.until);
}

} // namespace

std::string_view name_of(fault_kind kind) noexcept {
  return kind_names[static_cast<std::size_t>(kind)];
}

std::optional<fault_kind> fault_kind_of(std::string_view name) noexcept {
  for (std::size_t i = 0; i < kind_names.size(); ++i)
    if (kind_names[i] == name)
      return static_cast<fault_kind>(i);
  return std::nullopt;
}

result<fault> parse_fault(std::string_view text, timestamp now) {
  auto parts = split(text, ',');
  auto kind = parts.empty() ? std::nullopt : fault_kind_of(parts[0]);
  if (!kind) {
    std::string all;
    for (auto name : kind_names)
      all += (all.empty() ? "" : ", ") + std::string{name};
    return error{errc::bad_request, "a fault begins with one of: " + all};
  }
  fault out;
  out.kind = *kind;
  for (std::size_t i = 1; i < parts.size(); ++i) {
    auto equals = parts[i].find('=');
    auto name = parts[i].substr(0, equals);
    auto value =
      equals == std::string_view::npos ? std::string_view{} : parts[i].substr(equals + 1);
    auto number = parse_integer(value);
    auto wrong = error{errc::bad_request, "bad value for " + std::string{name} + " in a fault"};
    if (name == "platform" && value == "mailgun") {
      out.at_mailgun = true;
    } else if (name == "platform") {
      out.where = platform_of(value);
      if (!out.where)
        return wrong;
    } else if (name == "user") {
      out.user = value;
    } else if (name == "endpoint") {
      out.endpoint = value;
    } else if (name == "probability") {
      auto [end, failure] =
        std::from_chars(value.data(), value.data() + value.size(), out.probability);
      if (failure != std::errc{} || end != value.data() + value.size())
        return wrong;
    } else if (name == "scope") {
      if (value != "user" && value != "shared" && value != "global")
        return wrong;
      out.scope = value;
    } else if (name == "retry_after" && value == "none") {
      out.retry_after.reset();
    } else if (!number || *number < 0) {
      return wrong;
    } else if (name == "count") {
      out.count = static_cast<std::uint64_t>(*number);
    } else if (name == "status") {
      out.status = static_cast<int>(*number);
    } else if (name == "retry_after") {
      out.retry_after = std::chrono::seconds{*number};
    } else if (name == "retry_after_date") {
      out.retry_after_date = *number != 0;
    } else if (name == "delay_ms") {
      out.delay = std::chrono::milliseconds{*number};
    } else if (name == "seconds") {
      out.until = now + std::chrono::seconds{*number};
    } else {
      return error{errc::bad_request, "a fault has no " + std::string{name}};
    }
  }
  return out;
}

const fault* fault_list::strike(fault_kind first, fault_kind last,
                                std::optional<platform> where, std::string_view user,
                                std::string_view endpoint, timestamp now, chance& luck) {
  for (auto i = all_.begin(); i != all_.end(); ++i) {
    if (i->kind < first || i->kind > last || !concerns(*i, where, user, endpoint, now))
      continue;
    if (i->probability < 1 && luck.unit() >= i->probability)
      continue;
    last_ = *i;
    ++struck_[static_cast<std::size_t>(last_.kind)];
    if (i->count != 0 && --i->count == 0)
      all_.erase(i);
    return &last_;
  }
  return nullptr;
}

} // namespace lapwing::sim
