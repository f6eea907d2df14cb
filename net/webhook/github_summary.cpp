#include "net/webhook/github_summary.hpp"

#include <array>
#include <utility>

#include "net/webhook/text.hpp"

namespace lapwing {
namespace {

constexpr std::size_t name_bytes_max = 140;  // owner/repository: 39 + 1 + 100.
constexpr std::size_t title_bytes_max = 120; // In messages; summaries hold 200.

/// What is gathered for one event.
struct sketch {
  std::string_view event;
  std::string_view action;
  json_view payload;
  std::string where; ///< Repository, or organization, or empty.
  std::string who;   ///< Sender, or pusher, or empty.
  std::string message;
  object_writer summary;
};

void say(sketch& s, std::initializer_list<std::string_view> words) {
  for (auto word : words)
    s.message += word;
}

void say_where_and_who(sketch& s) {
  if (!s.where.empty())
    say(s, {" in ", s.where});
  if (!s.who.empty())
    say(s, {" by ", s.who});
}

void say_title(sketch& s, std::string_view title) {
  if (title.empty())
    return;
  s.message += ": ";
  append_clipped(s.message, title, title_bytes_max);
}

void say_number(sketch& s, std::optional<std::int64_t> number) {
  if (number)
    say(s, {" #", std::to_string(*number)});
}

std::string spaced(std::string_view action) {
  auto text = clipped(action, 64);
  for (char& c : text)
    if (c == '_')
      c = ' ';
  return text;
}

void describe_generic(sketch& s) {
  say(s, {s.event});
  if (!s.action.empty())
    say(s, {" ", clipped(s.action, 64)});
  say_where_and_who(s);
}

void describe_push(sketch& s) {
  auto ref = s.payload["ref"].text();
  bool tag = ref.starts_with("refs/tags/");
  auto name = ref;
  if (tag)
    name.remove_prefix(10);
  else if (ref.starts_with("refs/heads/"))
    name.remove_prefix(11);
  auto commits = s.payload["commits"].size();
  bool created = s.payload["created"].truth();
  bool deleted = s.payload["deleted"].truth();
  bool forced = s.payload["forced"].truth();
  if (tag || created || deleted) {
    say(s, {tag ? "tag " : "branch ", clipped(name, name_bytes_max),
            deleted   ? " deleted"
            : created ? " created"
                      : " moved"});
    say_where_and_who(s);
  } else {
    say(s, {forced ? "force push" : "push"});
    if (!s.where.empty())
      say(s, {" to ", s.where});
    if (!s.who.empty())
      say(s, {" by ", s.who});
  }
  if (!deleted && (commits > 0 || (!tag && !created)))
    say(s, {" (", std::to_string(commits), commits == 1 ? " commit)" : " commits)"});
  s.summary.text("ref", ref);
  s.summary.text(tag ? "tag" : "branch", name);
  s.summary.number("commits", static_cast<std::int64_t>(commits));
  s.summary.text("before", s.payload["before"].text());
  s.summary.text("after", s.payload["after"].text());
  if (created)
    s.summary.truth("created", true);
  if (deleted)
    s.summary.truth("deleted", true);
  if (forced)
    s.summary.truth("forced", true);
  s.summary.text("title", s.payload["head_commit"]["message"].text());
  s.summary.text("url", s.payload["compare"].text(), 500);
}

/// Issues, pull requests, discussions: things with number, title and state.
void describe_numbered(sketch& s, std::string_view label, json_view item, std::string_view verb) {
  say(s, {label});
  say_number(s, item["number"].integer());
  if (!verb.empty())
    say(s, {" ", spaced(verb)});
  say_where_and_who(s);
  say_title(s, item["title"].text());
  s.summary.number("number", item["number"].integer());
  s.summary.text("title", item["title"].text());
  s.summary.text("state", item["state"].text());
  s.summary.text("author", item["user"]["login"].text());
  s.summary.text("url", item["html_url"].text(), 500);
}

void describe_issue(sketch& s) {
  describe_numbered(s, "issue", s.payload["issue"], s.action);
  s.summary.text("label", s.payload["label"]["name"].text());
  s.summary.text("assignee", s.payload["assignee"]["login"].text());
}

void describe_pull_request(sketch& s) {
  auto item = s.payload["pull_request"];
  bool merged = item["merged"].truth();
  auto verb = s.action == "closed" && merged      ? std::string_view{"merged"}
              : s.action == "synchronize"         ? std::string_view{"updated"}
                                                  : s.action;
  describe_numbered(s, "pull request", item, verb);
  s.summary.truth("merged", merged);
  s.summary.truth("draft", item["draft"].truth());
  s.summary.text("head", item["head"]["ref"].text());
  s.summary.text("base", item["base"]["ref"].text());
  s.summary.number("commits", item["commits"].integer());
  s.summary.number("additions", item["additions"].integer());
  s.summary.number("deletions", item["deletions"].integer());
}

void describe_issue_comment(sketch& s) {
  auto item = s.payload["issue"];
  auto label = item["pull_request"] ? "pull request" : "issue";
  say(s, {"comment ", clipped(s.action, 64), " on ", label});
  say_number(s, item["number"].integer());
  say_where_and_who(s);
  say_title(s, item["title"].text());
  s.summary.number("number", item["number"].integer());
  s.summary.text("title", item["title"].text());
  s.summary.text("author", s.payload["comment"]["user"]["login"].text());
  s.summary.text("url", s.payload["comment"]["html_url"].text(), 500);
}

void describe_review(sketch& s) {
  auto item = s.payload["pull_request"];
  auto review = s.payload["review"];
  auto state = review["state"].text();
  if (s.event == "pull_request_review")
    say(s, {"review ", s.action == "submitted" && !state.empty() ? spaced(state) : spaced(s.action),
            " on pull request"});
  else
    say(s, {"review comment ", spaced(s.action), " on pull request"});
  say_number(s, item["number"].integer());
  say_where_and_who(s);
  say_title(s, item["title"].text());
  s.summary.number("number", item["number"].integer());
  s.summary.text("title", item["title"].text());
  s.summary.text("state", state);
  auto url = review ? review["html_url"] : s.payload["comment"]["html_url"];
  s.summary.text("url", url.text(), 500);
}

void describe_release(sketch& s) {
  auto item = s.payload["release"];
  say(s, {"release ", clipped(item["tag_name"].text(), name_bytes_max), " ", spaced(s.action)});
  say_where_and_who(s);
  s.summary.number("release_id", item["id"].integer());
  s.summary.text("tag", item["tag_name"].text());
  s.summary.text("title", item["name"].text());
  s.summary.truth("prerelease", item["prerelease"].truth());
  s.summary.truth("draft", item["draft"].truth());
  s.summary.text("url", item["html_url"].text(), 500);
}

void describe_star(sketch& s) {
  say(s, {s.where.empty() ? std::string_view{"repository"} : std::string_view{s.where},
          s.action == "deleted" ? " unstarred" : " starred"});
  if (!s.who.empty())
    say(s, {" by ", s.who});
  auto stars = s.payload["repository"]["stargazers_count"].integer();
  if (stars)
    say(s, {" (", std::to_string(*stars), *stars == 1 ? " star)" : " stars)"});
  s.summary.number("stars", stars);
}

void describe_watch(sketch& s) {
  say(s, {s.where.empty() ? std::string_view{"repository"} : std::string_view{s.where}, " watched"});
  if (!s.who.empty())
    say(s, {" by ", s.who});
  s.summary.number("stars", s.payload["repository"]["stargazers_count"].integer());
}

void describe_fork(sketch& s) {
  auto copy = s.payload["forkee"];
  say(s, {s.where.empty() ? std::string_view{"repository"} : std::string_view{s.where}, " forked"});
  if (auto name = copy["full_name"].text(); !name.empty())
    say(s, {" to ", clipped(name, name_bytes_max)});
  if (!s.who.empty())
    say(s, {" by ", s.who});
  s.summary.text("fork", copy["full_name"].text());
  s.summary.number("forks", s.payload["repository"]["forks_count"].integer());
  s.summary.text("url", copy["html_url"].text(), 500);
}

/// The events `create` and `delete`: of a branch or tag.
void describe_ref(sketch& s) {
  auto kind = s.payload["ref_type"].text();
  auto name = s.payload["ref"].text();
  say(s, {kind.empty() ? std::string_view{"ref"} : std::string_view{clipped(kind, 32)}});
  if (!name.empty())
    say(s, {" ", clipped(name, name_bytes_max)});
  say(s, {s.event == "create" ? " created" : " deleted"});
  say_where_and_who(s);
  s.summary.text("ref", name);
  s.summary.text("ref_type", kind);
}

/// Runs of automation: a name, a status, later a conclusion.
void describe_run(sketch& s, std::string_view label, json_view item, std::string_view name) {
  say(s, {label});
  if (!name.empty())
    say(s, {" ", clipped(name, title_bytes_max)});
  if (!s.action.empty())
    say(s, {" ", spaced(s.action)});
  auto conclusion = item["conclusion"].text();
  if (!conclusion.empty())
    say(s, {" (", spaced(conclusion), ")"});
  say_where_and_who(s);
  s.summary.text("name", name);
  s.summary.text("status", item["status"].text());
  s.summary.text("conclusion", conclusion);
  s.summary.text("branch", item["head_branch"].text());
  s.summary.number("number", item["run_number"].integer());
  s.summary.text("url", item["html_url"].text(), 500);
}

void describe_workflow_run(sketch& s) {
  auto item = s.payload["workflow_run"];
  describe_run(s, "workflow", item, item["name"].text());
}

void describe_workflow_job(sketch& s) {
  auto item = s.payload["workflow_job"];
  describe_run(s, "job", item, item["name"].text());
}

void describe_check_run(sketch& s) {
  auto item = s.payload["check_run"];
  describe_run(s, "check", item, item["name"].text());
}

void describe_check_suite(sketch& s) {
  auto item = s.payload["check_suite"];
  describe_run(s, "check suite", item, item["app"]["name"].text());
}

void describe_status(sketch& s) {
  auto state = s.payload["state"].text();
  say(s, {"status ", clipped(s.payload["context"].text(), title_bytes_max), " is ",
          clipped(state, 64)});
  say_where_and_who(s);
  s.summary.text("state", state);
  s.summary.text("context", s.payload["context"].text());
  s.summary.text("title", s.payload["description"].text());
  s.summary.text("sha", s.payload["sha"].text());
  s.summary.text("url", s.payload["target_url"].text(), 500);
}

void describe_deployment_status(sketch& s) {
  auto item = s.payload["deployment_status"];
  say(s, {"deployment to ",
          clipped(s.payload["deployment"]["environment"].text(), name_bytes_max), " is ",
          spaced(item["state"].text())});
  say_where_and_who(s);
  s.summary.text("environment", s.payload["deployment"]["environment"].text());
  s.summary.text("state", item["state"].text());
  s.summary.text("url", item["target_url"].text(), 500);
}

void describe_commit_comment(sketch& s) {
  auto item = s.payload["comment"];
  say(s, {"comment ", spaced(s.action), " on commit ",
          clipped(item["commit_id"].text().substr(0, 10), 10)});
  say_where_and_who(s);
  s.summary.text("sha", item["commit_id"].text());
  s.summary.text("url", item["html_url"].text(), 500);
}

void describe_discussion(sketch& s) {
  describe_numbered(s, "discussion", s.payload["discussion"], s.action);
}

void describe_member(sketch& s) {
  auto name = clipped(s.payload["member"]["login"].text(), name_bytes_max);
  say(s, {"member ", name, " ", spaced(s.action)});
  say_where_and_who(s);
  s.summary.text("member", name);
}

using describer = void (*)(sketch&);

constexpr std::array<std::pair<std::string_view, describer>, 22> describers{{
  {"push", describe_push},
  {"issues", describe_issue},
  {"pull_request", describe_pull_request},
  {"pull_request_target", describe_pull_request},
  {"release", describe_release},
  {"star", describe_star},
  {"watch", describe_watch},
  {"fork", describe_fork},
  {"issue_comment", describe_issue_comment},
  {"pull_request_review", describe_review},
  {"pull_request_review_comment", describe_review},
  {"create", describe_ref},
  {"delete", describe_ref},
  {"workflow_run", describe_workflow_run},
  {"workflow_job", describe_workflow_job},
  {"check_run", describe_check_run},
  {"check_suite", describe_check_suite},
  {"status", describe_status},
  {"deployment_status", describe_deployment_status},
  {"commit_comment", describe_commit_comment},
  {"discussion", describe_discussion},
  {"member", describe_member},
}};

} // namespace

event_summary summarise_github(std::string_view event, json_view payload) {
  sketch s;
  s.event = event;
  s.payload = payload;
  s.action = payload["action"].text();
  auto repository = payload["repository"]["full_name"].text();
  auto organization = payload["organization"]["login"].text();
  auto sender = payload["sender"]["login"].text();
  if (sender.empty())
    sender = payload["pusher"]["name"].text();
  s.where = clipped(repository.empty() ? organization : repository, name_bytes_max);
  s.who = clipped(sender, name_bytes_max);
  s.message.reserve(160);
  s.summary.text("repository", repository);
  s.summary.text("organization", organization);
  s.summary.text("sender", sender);
  s.summary.text("action", s.action);
  describer describe = describe_generic;
  for (const auto& [name, how] : describers)
    if (name == event)
      describe = how;
  describe(s);
  return {std::move(s.message), s.summary.take()};
}

} // namespace lapwing
