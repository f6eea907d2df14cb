// What a hook's deliveries say: the members that PLATFORMS 1.1 names, small.
#include "sim/github.hpp"
#include "sim/json_writer.hpp"

namespace lapwing::sim::github {
namespace {

void add_person(json_writer& out, std::string_view name, const person& who) {
  out.object(name).field("login", who.login).field("id", user_number(who)).end();
}

void add_push(json_writer& out, const person& who, std::string_view full_name, std::size_t index) {
  const auto& which = who.accounts[index_of(platform::github)];
  auto sha = commit_sha(which, index);
  auto before = index == 0 ? std::string(40, '0') : commit_sha(which, index - 1);
  auto url = "https://github.com/" + std::string{full_name} + "/commit/" + sha;
  out.field("ref", "refs/heads/main").field("before", before).field("after", sha);
  out.field("created", index == 0).field("deleted", false).field("forced", false);
  out.null("base_ref").field("compare", url);
  json_writer commit;
  commit.field("id", sha)
    .field("message", "Change number " + std::to_string(index))
    .field("timestamp", to_rfc3339(from_ms(which.times[index])))
    .field("url", url)
    .field("distinct", true);
  commit.object("author").field("name", who.name).field("email", who.login + "@example.com").end();
  commit.array("added").end().array("removed").end().array("modified").value("README.md").end();
  auto text = commit.text();
  out.array("commits").value_raw(text).end().raw("head_commit", text);
  out.object("pusher").field("name", who.login).field("email", who.login + "@example.com").end();
}

void add_subject(json_writer& out, const person& who, std::string_view full_name,
                 std::size_t index, activity what) {
  const auto& which = who.accounts[index_of(platform::github)];
  auto time = to_rfc3339(from_ms(which.times[index]));
  auto page = "https://github.com/" + std::string{full_name};
  auto number = std::to_string(index);
  switch (what) {
    case activity::push: add_push(out, who, full_name, index); break;
    case activity::issue:
      out.object("issue").field("number", index).field("title", "Issue " + number);
      out.field("state", "open").field("html_url", page + "/issues/" + number);
      add_person(out, "user", who);
      out.array("labels").end().field("created_at", time).field("updated_at", time);
      out.null("closed_at").end();
      break;
    case activity::pull_request:
      out.field("number", index).object("pull_request").field("title", "Pull request " + number);
      out.field("state", "open").field("merged", false).null("merged_at").field("draft", false);
      out.field("html_url", page + "/pull/" + number);
      add_person(out, "user", who);
      out.object("head").field("ref", "topic").field("sha", commit_sha(which, index)).end();
      out.object("base").field("ref", "main").field("sha", commit_sha(which, index)).end();
      out.field("additions", 3).field("deletions", 1).field("changed_files", 1).field("commits", 1);
      out.end();
      break;
    case activity::star: out.field("starred_at", time); break;
    case activity::release:
      out.object("release").field("id", which.item_seed(index) >> 24);
      out.field("tag_name", "v" + number).field("name", "Release " + number);
      out.field("draft", false).field("prerelease", false);
      out.field("html_url", page + "/releases/tag/v" + number);
      add_person(out, "author", who);
      out.field("published_at", time).field("body", "").end();
      break;
    case activity::fork:
      out.object("forkee").field("id", which.item_seed(index) >> 34);
      out.field("full_name", "someone/" + std::string{full_name.substr(full_name.find('/') + 1)});
      out.field("html_url", "https://github.com/someone");
      out.object("owner").field("login", "someone").field("id", 583231).end().end();
      break;
  }
}

} // namespace

std::vector<std::pair<std::string_view, std::string_view>> hook_events(activity what) {
  switch (what) {
    case activity::push: return {{"push", ""}};
    case activity::issue: return {{"issues", "opened"}};
    case activity::pull_request: return {{"pull_request", "opened"}};
    case activity::star: return {{"star", "created"}, {"watch", "started"}};
    case activity::release: return {{"release", "published"}, {"release", "released"}};
    case activity::fork: return {{"fork", ""}};
  }
  return {};
}

std::string hook_payload(const world_state& state, const github_hook& hook,
                         const pending_delivery& what) {
  const auto& who = state.persons.at(hook.person);
  const auto& which = who.accounts[index_of(platform::github)];
  auto full_name = repository_name(who, hook.repository);
  json_writer out;
  if (what.kind == delivery_kind::github_ping) {
    out.field("zen", "Keep it logically awesome.").field("hook_id", hook.id);
    out.raw("hook", hook_json(state, hook));
  } else {
    auto kind = activity_of(which, what.item);
    auto event = hook_events(kind)[what.part];
    if (!event.second.empty())
      out.field("action", event.second);
    add_subject(out, who, full_name, what.item, kind);
  }
  out.object("repository")
    .field("id", which.seed % 100'000'000 + hook.repository)
    .field("name", full_name.substr(full_name.find('/') + 1))
    .field("full_name", full_name)
    .field("private", false)
    .field("html_url", "https://github.com/" + full_name)
    .field("stargazers_count", 1);
  add_person(out, "owner", who);
  out.end();
  add_person(out, "sender", who);
  return out.text();
}

} // namespace lapwing::sim::github
