#include "realtime/answers.hpp"

#include "core/json_text.hpp"

namespace lapwing::realtime {

std::string ok_reply(std::string_view response) {
  return "{\"status\":\"ok\",\"response\":" + std::string{response} + '}';
}

std::string error_reply(std::string_view reason) {
  std::string out = "{\"status\":\"error\",\"response\":{\"reason\":";
  append_json_string(out, reason);
  return out + "}}";
}

std::string join_response(const std::vector<change_entry>& entries) {
  std::string out = "{\"postgres_changes\":[";
  for (const auto& entry : entries) {
    if (&entry != entries.data())
      out += ',';
    // The id stands last: should the entry have one of its own, ours counts.
    auto text = entry.text.substr(0, entry.text.rfind('}'));
    bool empty = text.find_first_not_of(" \t", text.find('{') + 1) == std::string::npos;
    out += text;
    out += empty ? "\"id\":" : ",\"id\":";
    append_number(out, entry.id);
    out += '}';
  }
  return out + "]}";
}

std::string system_payload(std::string_view extension, bool ok, std::string_view message,
                           std::string_view channel) {
  std::string out = "{\"message\":";
  append_json_string(out, message);
  out += ok ? ",\"status\":\"ok\",\"extension\":" : ",\"status\":\"error\",\"extension\":";
  append_json_string(out, extension);
  out += ",\"channel\":";
  append_json_string(out, channel);
  return out + '}';
}

std::string change_payload(const std::vector<std::uint32_t>& ids, std::string_view data) {
  std::string out = "{\"ids\":[";
  for (auto id : ids) {
    if (out.back() != '[')
      out += ',';
    append_number(out, id);
  }
  out += "],\"data\":";
  out += data;
  return out + '}';
}

namespace token_problem {

token_refusal expired(std::int64_t seconds_ago) {
  return {"InvalidJWTToken", "Token has expired " + std::to_string(seconds_ago) + " seconds ago"};
}

token_refusal claims() {
  return {"InvalidJWTToken", "Fields `role` and `exp` are required in JWT"};
}

token_refusal malformed() {
  return {"MalformedJWT", "The token provided is not a valid JWT"};
}

token_refusal signature() {
  return {"JwtSignatureError", "Failed to validate JWT signature"};
}

token_refusal unavailable() {
  return {"JwtSignerError",
          "Failed to generate JWT signer, check your JWT secret or JWKS configuration"};
}

} // namespace token_problem

std::string may_not_read(std::string_view channel) {
  return "You do not have permissions to read from this Channel topic: " + std::string{channel};
}

std::string may_no_longer_read(std::string_view channel) {
  return "You no longer have permission to read from this Channel topic: " + std::string{channel};
}

} // namespace lapwing::realtime
