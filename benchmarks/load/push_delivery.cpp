#include "benchmarks/load/push_delivery.hpp"

#include <openssl/evp.h>
#include <openssl/params.h>

#include <array>
#include <stdexcept>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace lapwing::load {
namespace {

using nlohmann::ordered_json;

constexpr std::string_view digits = "0123456789abcdef";
constexpr std::size_t commit_digits = 40;

ordered_json user_object(const std::string& login) {
  return {{"login", login},
          {"id", 583231},
          {"node_id", "MDQ6VXNlcjU4MzIzMQ=="},
          {"avatar_url", "https://avatars.example.test/u/583231?v=4"},
          {"url", "https://api.example.test/users/" + login},
          {"html_url", "https://example.test/" + login},
          {"followers_url", "https://api.example.test/users/" + login + "/followers"},
          {"repos_url", "https://api.example.test/users/" + login + "/repos"},
          {"events_url", "https://api.example.test/users/" + login + "/events{/privacy}"},
          {"type", "User"},
          {"site_admin", false}};
}

ordered_json repository_object() {
  constexpr std::array links{
    "forks",      "keys",       "collaborators", "teams",      "hooks",        "issue_events",
    "events",     "assignees",  "branches",      "tags",       "blobs",        "git_tags",
    "git_refs",   "trees",      "statuses",      "languages",  "stargazers",   "contributors",
    "subscribers", "subscription", "commits",    "git_commits", "comments",    "issue_comment",
    "contents",   "compare",    "merges",        "archive",    "downloads",    "issues",
    "pulls",      "milestones", "notifications", "labels",     "releases",     "deployments"};
  ordered_json out{{"id", 186853002},
                   {"node_id", "MDEwOlJlcG9zaXRvcnkxODY4NTMwMDI="},
                   {"name", "marsh"},
                   {"full_name", "octo/marsh"},
                   {"private", false},
                   {"owner", user_object("octo")},
                   {"html_url", "https://example.test/octo/marsh"},
                   {"description", "wading birds"},
                   {"fork", false}};
  for (const auto* link : links)
    out[std::string{link} + "_url"]
      = std::string{"https://api.example.test/repos/octo/marsh/"} + link;
  out["created_at"] = 1557933565;
  out["updated_at"] = "2026-05-15T15:20:41Z";
  out["pushed_at"] = 1557933657;
  out["size"] = 120;
  out["stargazers_count"] = 7;
  out["default_branch"] = "main";
  return out;
}

ordered_json commit_object(int number) {
  const ordered_json person{
    {"name", "A Wader"}, {"email", "wader@example.test"}, {"username", "wader"}};
  const auto id = fmt::format("{:040x}", number);
  return {{"id", id},
          {"tree_id", fmt::format("{:040x}", number + 7)},
          {"distinct", true},
          {"message", fmt::format("Change {}: keep the tide table in step with the moon", number)},
          {"timestamp", "2026-05-15T15:20:30Z"},
          {"url", "https://example.test/octo/marsh/commit/" + id},
          {"author", person},
          {"committer", person},
          {"added", {"nest/egg.txt"}},
          {"removed", ordered_json::array()},
          {"modified", {"tide/table.csv", "README.md"}}};
}

/// Everything up to the digits of `after`, which stands last.
std::string body_start() {
  const ordered_json body{{"ref", "refs/heads/main"},
                          {"before", "6113728f27ae82c7b1a177c8d03f9e96e0adf246"},
                          {"created", false},
                          {"deleted", false},
                          {"forced", false},
                          {"base_ref", nullptr},
                          {"compare", "https://example.test/octo/marsh/compare/a...b"},
                          {"commits", {commit_object(1), commit_object(2), commit_object(3)}},
                          {"head_commit", commit_object(3)},
                          {"repository", repository_object()},
                          {"pusher", {{"name", "wader"}, {"email", "wader@example.test"}}},
                          {"sender", user_object("wader")}};
  auto text = body.dump();
  text.pop_back();
  return text + R"(,"after":")";
}

std::string body_end(std::uint64_t number) {
  return fmt::format("{:016x}{:0{}}\"}}", number, 0, commit_digits - 16);
}

struct mac_context_free {
  void operator()(EVP_MAC_CTX* context) const noexcept { EVP_MAC_CTX_free(context); }
};
using mac_context = std::unique_ptr<EVP_MAC_CTX, mac_context_free>;

mac_context hmac_sha256(const std::string& secret) {
  EVP_MAC* algorithm = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  mac_context context{algorithm != nullptr ? EVP_MAC_CTX_new(algorithm) : nullptr};
  EVP_MAC_free(algorithm);
  char digest[] = "SHA256";
  const std::array params{OSSL_PARAM_construct_utf8_string("digest", digest, 0),
                          OSSL_PARAM_construct_end()};
  if (!context
      || EVP_MAC_init(context.get(), reinterpret_cast<const unsigned char*>(secret.data()),
                      secret.size(), params.data())
           != 1)
    throw std::runtime_error{"OpenSSL has no HMAC-SHA256"};
  return context;
}

void update(EVP_MAC_CTX* context, std::string_view text) {
  EVP_MAC_update(context, reinterpret_cast<const unsigned char*>(text.data()), text.size());
}

} // namespace

struct push_delivery::parts {
  std::string start;
  mac_context after_start; ///< The HMAC with `start` already in it.
};

push_delivery::push_delivery(const std::string& secret)
  : parts_(std::make_unique<parts>(parts{body_start(), hmac_sha256(secret)})) {
  update(parts_->after_start.get(), parts_->start);
}

push_delivery::~push_delivery() = default;

std::size_t push_delivery::size() const noexcept {
  return parts_->start.size() + commit_digits + 2;
}

void push_delivery::append_body(std::string& out, std::uint64_t number) const {
  out += parts_->start;
  out += body_end(number);
}

void push_delivery::append_signature(std::string& out, std::uint64_t number) {
  const mac_context context{EVP_MAC_CTX_dup(parts_->after_start.get())};
  if (!context)
    throw std::bad_alloc{};
  update(context.get(), body_end(number));
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  std::size_t length = 0;
  EVP_MAC_final(context.get(), digest.data(), &length, digest.size());
  for (std::size_t i = 0; i < length; ++i) {
    out += digits[digest[i] >> 4];
    out += digits[digest[i] & 15U];
  }
}

} // namespace lapwing::load
