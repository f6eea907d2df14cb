#include "sim/grants.hpp"

#include "sim/chance.hpp"
#include "sim/text.hpp"

namespace lapwing::sim {
namespace {

/// kind 1, grant 8, serial 8, time 12, mark 16 hexadecimal digits; behind any prefix.
constexpr std::size_t token_tail = 45;

} // namespace

std::uint32_t grant_table::add(grant fresh) {
  all_.push_back(std::move(fresh));
  return count() - 1;
}

std::string grant_table::issue(token_kind kind, std::uint32_t grant_index, std::string_view prefix,
                               timestamp now) {
  auto& which = all_[grant_index];
  token_facts facts;
  facts.kind = kind;
  facts.grant = grant_index;
  facts.serial = kind == token_kind::access ? ++which.access_serial : ++which.refresh_serial;
  facts.issued = now;
  std::string out{prefix};
  out += kind == token_kind::access ? 'a' : 'b';
  out += lower_hex(facts.grant, 8);
  out += lower_hex(facts.serial, 8);
  out += lower_hex(static_cast<std::uint64_t>(to_ms(now)), 12);
  out += lower_hex(mark_of(facts), 16);
  return out;
}

std::optional<token_facts> grant_table::read(std::string_view token) const {
  if (token.size() < token_tail)
    return std::nullopt;
  token.remove_prefix(token.size() - token_tail);
  if (token[0] != 'a' && token[0] != 'b')
    return std::nullopt;
  auto grant_index = parse_hex(token.substr(1, 8));
  auto serial = parse_hex(token.substr(9, 8));
  auto issued = parse_hex(token.substr(17, 12));
  auto mark = parse_hex(token.substr(29, 16));
  if (!grant_index || !serial || !issued || !mark || *grant_index >= all_.size())
    return std::nullopt;
  token_facts facts;
  facts.kind = token[0] == 'a' ? token_kind::access : token_kind::refresh;
  facts.grant = static_cast<std::uint32_t>(*grant_index);
  facts.serial = static_cast<std::uint32_t>(*serial);
  facts.issued = from_ms(static_cast<std::int64_t>(*issued));
  if (mark_of(facts) != *mark)
    return std::nullopt;
  return facts;
}

std::uint64_t grant_table::mark_of(const token_facts& facts) const noexcept {
  auto place = std::uint64_t{facts.grant} << 33 | std::uint64_t{facts.serial} << 1
               | static_cast<std::uint64_t>(facts.kind);
  return mix(mix(seed_, place), static_cast<std::uint64_t>(to_ms(facts.issued)));
}

std::optional<std::chrono::seconds> access_life(const world_options& options, const grant& which,
                                                bool expiring_tokens) {
  using namespace std::chrono;
  bool is_endless = !expiring_tokens && (which.at == provider::github || which.at == provider::slack);
  if (is_endless)
    return std::nullopt;
  bool is_refreshable = which.at != provider::linkedin || options.linkedin_partner;
  if (is_refreshable && options.access_token_life.count() > 0)
    return options.access_token_life;
  switch (which.at) {
    case provider::spotify: return hours{1};
    case provider::google: return seconds{3599};
    case provider::discord: return hours{7 * 24};
    case provider::linkedin: return hours{60 * 24};
    case provider::github: return hours{8};
    case provider::slack: return hours{12};
  }
  return std::nullopt;
}

std::string_view access_prefix(const grant& which, bool expiring_tokens) {
  switch (which.at) {
    case provider::spotify: return "BQ";
    case provider::google: return "ya29.a0";
    case provider::discord: return "";
    case provider::linkedin: return "AQ";
    case provider::github: return expiring_tokens ? "ghu_" : "gho_";
    case provider::slack:
      if (expiring_tokens)
        return which.user_token ? "xoxe.xoxp-1-" : "xoxe.xoxb-1-";
      return which.user_token ? "xoxp-" : "xoxb-";
  }
  return "";
}

std::string_view refresh_prefix(const grant& which) {
  switch (which.at) {
    case provider::spotify: return "AQ";
    case provider::google: return "1//0";
    case provider::discord: return "";
    case provider::linkedin: return "AQ";
    case provider::github: return "ghr_";
    case provider::slack: return "xoxe-1-";
  }
  return "";
}

} // namespace lapwing::sim
