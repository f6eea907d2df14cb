// The routes of Supabase Realtime: the WebSocket, and broadcasts over HTTP in both forms.
#include <utility>
#include <vector>

#include <simdjson.h>

#include "core/json_text.hpp"
#include "net/http/handlers.hpp"
#include "net/http/node.hpp"
#include "net/http/realtime_auth.hpp"
#include "net/http/realtime_socket.hpp"
#include "net/http/websocket_handshake.hpp"
#include "realtime/json_slices.hpp"

namespace lapwing::net {
namespace {

namespace rt = realtime;
using token_answer = rt::socket_channels::token_answer;

/// More messages in one request are refused like too large a rate.
constexpr std::size_t batch_messages_max = 1000;

void answer_error(const exchange_ptr& x, unsigned status, std::string_view name,
                  std::string_view text, std::string headers = {}) {
  std::string body = "{";
  append_json_string(body, name);
  body += ':';
  append_json_string(body, text);
  body += '}';
  x->answer({status, "application/json", std::move(body), std::move(headers)});
}

void begin_socket(const exchange_ptr& x, rt::protocol spoken, rt::identity_ptr who) {
  if (!x->connected())
    return;
  auto& home = x->home();
  auto taken = accept_websocket(x);
  auto socket = std::make_shared<realtime_socket>(home, std::move(taken.link));
  socket->open_with(
    [&]() -> std::unique_ptr<connection_session> {
      return home.owner().core.realtime_service()->open(spoken, who, socket);
    },
    std::move(taken.received));
}

/// `Authorization: Bearer` wins, then the key's own header. The query string of a socket's address
/// comes along with these requests and means nothing here.
std::string request_token(const request_head& head) {
  auto token = bearer_token(head.header(field::authorization));
  if (token.empty())
    token = head.header("apikey");
  return std::string{token};
}

void with_sender(const exchange_ptr& x, std::function<void(rt::identity_ptr)> then) {
  if (!x->core().realtime_service())
    return x->fail({errc::not_configured, "this node has no Realtime channels"});
  check_realtime_token(x->home(), request_token(x->head()),
                       [x, then = std::move(then)](token_answer answer) {
                         if (auto* who = std::get_if<rt::identity_ptr>(&answer))
                           return then(*who);
                         answer_error(x, 401, "message", "Unauthorized");
                       });
}

struct rate_answer {
  bool allowed = true;
  std::string headers;
};

/// Counts messages against the sender's share.
rate_answer take_rate(const exchange_ptr& x, const rt::identity& who, std::size_t messages) {
  const auto& s = x->home().current();
  auto limit = s.values.realtime.messages_per_second;
  auto key = who.user.empty() ? "a:" + x->peer().address() : "u:" + who.user;
  rate_answer out;
  rate_decision last;
  for (std::size_t i = 0; i < messages && out.allowed; ++i) {
    last = s.realtime_limiter->take(key, shard::clock::now());
    out.allowed = last.allowed;
  }
  auto used = limit - std::min<std::uint64_t>(limit, last.remaining);
  out.headers = "x-rate-rolling: " + std::to_string(used) + "\r\nx-rate-limit: "
                + std::to_string(limit) + "\r\nx-rate-limit-remaining: "
                + std::to_string(limit - used) + "\r\n";
  return out;
}

using rt::json_type;

/// What is wrong with one message of a batch, by field; empty: nothing.
std::string faults_of(std::string_view message, std::size_t payload_bytes_max,
                      rt::publication& made) {
  std::string faults;
  auto fault = [&](std::string_view field, std::string_view what) {
    if (!faults.empty())
      faults += ',';
    append_json_string(faults, field);
    faults += ":[";
    append_json_string(faults, what);
    faults += ']';
  };
  auto member = [&](std::string_view name) -> std::optional<std::string_view> {
    auto found = rt::json_member(message, name);
    return found && rt::type_of(*found) == json_type::null ? std::nullopt : found;
  };
  auto text = [&](std::string_view name, std::string& into) {
    auto found = member(name);
    auto value = found ? rt::json_string(*found) : std::nullopt;
    if (!found || (value && value->empty()))
      fault(name, "can't be blank");
    else if (!value || value->size() > rt::name_bytes_max)
      fault(name, "is invalid");
    else
      into = std::move(*value);
  };
  text("topic", made.channel);
  text("event", made.event);
  auto payload = member("payload");
  if (!payload)
    fault("payload", "can't be blank");
  else if (rt::type_of(*payload) != json_type::object)
    fault("payload", "is invalid");
  else if (payload->size() > payload_bytes_max)
    fault("payload", "Payload size exceeds tenant limit");
  else
    made.content = *payload;
  if (auto flag = member("private"))
    made.is_private = *flag == "true" || *flag == "\"true\"";
  return faults;
}

/// The batch, or the body of the answer 422.
std::vector<rt::publication> read_batch(std::string_view body, std::size_t payload_bytes_max,
                                        std::string& faults) {
  std::vector<rt::publication> batch;
  auto messages = rt::json_member(body, "messages");
  auto list = messages ? rt::json_elements(*messages, batch_messages_max) : std::nullopt;
  if (!list || list->empty()) {
    faults = messages && !list ? R"({"errors":{"messages":["is invalid"]}})"
                               : R"({"errors":{"messages":["can't be blank"]}})";
    return batch;
  }
  bool faulty = false;
  std::string all;
  for (auto message : *list) {
    auto of_this = faults_of(message, payload_bytes_max, batch.emplace_back());
    faulty = faulty || !of_this.empty();
    all += all.empty() ? "{" : ",{";
    all += of_this + '}';
  }
  if (faulty)
    faults = R"({"errors":{"messages":[)" + all + "]}}";
  return batch;
}

response accepted(std::string headers) {
  return {202, {}, {}, std::move(headers)};
}

} // namespace

void handle_realtime_websocket(const exchange_ptr& x) {
  if (!check_websocket_handshake(x))
    return;
  if (!x->core().realtime_service())
    return answer_error(x, 403, "error", "Realtime was disabled for this tenant");
  auto spoken = rt::protocol_of(x->head().parameter("vsn").value_or(""));
  if (!spoken)
    return answer_error(x, 400, "error", "vsn must be 1.0.0 or 2.0.0");
  std::string key{x->head().header("x-api-key")};
  if (key.empty())
    key = x->head().parameter("apikey").value_or("");
  if (key.empty() && !x->home().current().authentication->development())
    return answer_error(x, 401, "error", "API key is missing");
  check_realtime_token(x->home(), std::move(key), [x, spoken = *spoken](token_answer answer) {
    if (auto* who = std::get_if<rt::identity_ptr>(&answer))
      return begin_socket(x, spoken, *who);
    const auto& why = std::get<rt::token_refusal>(answer);
    bool expired = why.text.starts_with("Token has expired");
    answer_error(x, 401, "error", expired ? "Token has expired" : why.text);
  });
}

void handle_realtime_batch(const exchange_ptr& x) {
  with_sender(x, [x](const rt::identity_ptr& who) {
    if (!rt::valid_json(x->body))
      return answer_error(x, 400, "message", "the body is not JSON");
    std::string faults;
    auto batch
      = read_batch(x->body, x->home().current().values.realtime.payload_bytes, faults);
    if (!faults.empty())
      return x->answer_json(422, std::move(faults));
    auto rate = take_rate(x, *who, batch.size());
    if (!rate.allowed)
      return answer_error(x, 429, "message",
                          batch.size() > 1
                            ? "Too many messages to broadcast, please reduce the batch size"
                            : "You have exceeded your rate limit",
                          std::move(rate.headers));
    // A message for a private channel in which the sender may not write is dropped without a word.
    auto waiting = std::make_shared<std::size_t>(batch.size());
    auto failed = std::make_shared<std::optional<error>>();
    auto headers = std::make_shared<std::string>(std::move(rate.headers));
    for (auto& message : batch)
      x->core().realtime_service()->publish(
        std::move(message), who, [x, waiting, failed, headers](const result<bool>& sent) {
          if (!sent && !*failed)
            *failed = sent.error();
          if (--*waiting != 0)
            return;
          if (*failed)
            return x->fail_inside(**failed);
          x->answer(accepted(std::move(*headers)));
        });
  });
}

void handle_realtime_broadcast(const exchange_ptr& x) {
  auto type = x->head().header(field::content_type);
  type = type.substr(0, type.find(';'));
  bool bytes = type == "application/octet-stream";
  if (!bytes && type != "application/json")
    return answer_error(x, 415, "error", "Unsupported Media Type. Use application/json or "
                                         "application/octet-stream");
  with_sender(x, [x, bytes](const rt::identity_ptr& who) {
    rt::publication message;
    message.channel = x->parameter(0);
    message.event = x->parameter(1);
    message.is_private = x->head().parameter("private") == "true";
    message.bytes = bytes;
    if (message.channel.empty() || message.event.empty()
        || message.channel.size() > rt::name_bytes_max
        || message.event.size() > rt::name_bytes_max)
      return answer_error(x, 400, "error", "topic and event must be percent-encoded names");
    if (!bytes && !rt::valid_json(x->body))
      return answer_error(x, 400, "error", "the body is not JSON");
    if (x->body.size() > x->home().current().values.realtime.payload_bytes)
      return x->answer_json(422, R"({"errors":{"payload":["Payload size exceeds tenant limit"]}})");
    auto rate = take_rate(x, *who, 1);
    if (!rate.allowed)
      return answer_error(x, 429, "message", "You have exceeded your rate limit",
                          std::move(rate.headers));
    message.content = x->body;
    auto headers = std::make_shared<std::string>(std::move(rate.headers));
    x->core().realtime_service()->publish(std::move(message), who,
                                          [x, headers](const result<bool>& sent) {
                                            if (!sent)
                                              return x->fail_inside(sent.error());
                                            if (!*sent)
                                              return answer_error(x, 403, "message",
                                                                  "Unauthorized");
                                            x->answer(accepted(std::move(*headers)));
                                          });
  });
}

} // namespace lapwing::net
