#include "sim/mailgun.hpp"

#include "core/mail.hpp"
#include "sim/json_writer.hpp"
#include "sim/state.hpp"
#include "sim/text.hpp"
#include "sim/world.hpp"

namespace lapwing::sim::mailgun {
namespace {

constexpr std::size_t mails_kept = 20'000;

http_response told(int status, std::string_view message) {
  json_writer json;
  json.field("message", message);
  return json_answer(status, json.text());
}

/// HTTP Basic with the user `api` (RFC 7617).
bool has_key(const world_state& state, const call& from) {
  return from.header("authorization") == "Basic " + base64("api:" + state.options.mailgun_api_key);
}

/// Mailgun itself, without anything on the way.
http_response taken(world_state& state, const call& from) {
  if (!has_key(state, from))
    return text_answer(401, "Forbidden");
  if (from.path != "/v3/" + state.options.mailgun_domain + "/messages")
    return told(404, "Domain not found");
  if (from.method != "POST")
    return told(405, "method not allowed");
  const auto& form = from.form;
  const auto sender = form.get("from");
  const auto open = sender.find('<');
  const auto address = open == std::string_view::npos
                         ? sender
                         : sender.substr(open + 1, sender.size() - open - 2);
  if (!valid_mail_address(address))
    return told(400, "from parameter is not a valid address. please check documentation");
  // It takes lists, too, but nobody here may send to several.
  if (!valid_mail_address(form.get("to")))
    return told(400, "to parameter is not a valid address. please check documentation");
  if (form.get("text").empty())
    return told(400, "Need at least one of 'text', 'html', 'amp-html' or 'template' parameters specified");
  auto& office = state.mail;
  auto& fresh = office.mails.emplace_back();
  fresh.number = ++office.accepted;
  fresh.at = from.now;
  fresh.from = sender;
  fresh.to = form.get("to");
  fresh.subject = form.get("subject");
  fresh.text = form.get("text");
  fresh.message_id = form.get("h:Message-Id");
  fresh.mark = form.get("h:X-Lapwing-Mail");
  if (office.mails.size() > mails_kept)
    office.mails.pop_front();
  json_writer json;
  json.field("id", fresh.message_id).field("message", "Queued. Thank you.");
  return json_answer(200, json.text());
}

http_response limited(const fault& why) {
  auto out = told(429, "too many requests, please slow down");
  if (why.retry_after)
    out.headers.emplace_back("Retry-After", std::to_string(why.retry_after->count()));
  return out;
}

} // namespace

bool plays(std::string_view host) noexcept {
  return host == "api.mailgun.net" || host == "api.eu.mailgun.net";
}

sim_answer answer(world_state& state, const call& from) {
  sim_answer out;
  const auto strike = [&](fault_kind first, fault_kind last) {
    return state.faults.strike(first, last, std::nullopt, from.form.get("to"), "messages",
                               state.now, state.luck);
  };
  if (const auto* slow = strike(fault_kind::latency, fault_kind::latency))
    out.latency = slow->delay;
  const auto* bad = strike(fault_kind::rate_limit, fault_kind::wrong_json);
  const auto kind = bad == nullptr ? fault_kind::latency : bad->kind; // Latency: nothing more.
  if (kind == fault_kind::rate_limit) {
    out.response = limited(*bad);
  } else if (kind == fault_kind::server_error) {
    out.response = told(bad->status == 0 ? 500 : bad->status, "Internal Server Error");
  } else if (kind == fault_kind::drop) {
    out.way = transport::broken;
  } else if (kind == fault_kind::hang) {
    out.way = transport::silent;
  } else {
    const auto before = state.mail.accepted;
    out.response = taken(state, from);
    const bool lost = kind == fault_kind::lose_answer || kind == fault_kind::half_answer;
    if (lost) {
      out.way = transport::broken;
      if (state.mail.accepted != before)
        state.mail.mails.back().heard = false;
    }
    if (kind == fault_kind::lose_answer)
      out.response = {};
    if (kind == fault_kind::half_answer)
      out.response.body.resize(out.response.body.size() / 2);
    if (kind == fault_kind::wrong_json)
      out.response = json_answer(200, R"({"id":)");
  }
  if (out.response.status >= 400)
    ++state.mail.refused;
  return out;
}

std::string report_json(const world_state& state, std::uint64_t after) {
  json_writer json;
  json.field("accepted", state.mail.accepted).field("refused", state.mail.refused).array("mails");
  for (const auto& one : state.mail.mails) {
    if (one.number <= after)
      continue;
    json.object()
      .field("number", one.number)
      .field("at", to_rfc3339(one.at))
      .field("from", one.from)
      .field("to", one.to)
      .field("subject", one.subject)
      .field("text", one.text)
      .field("message_id", one.message_id)
      .field("mark", one.mark)
      .field("heard", one.heard)
      .end();
  }
  return json.text();
}

} // namespace lapwing::sim::mailgun
