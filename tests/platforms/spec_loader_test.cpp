// Platform files: what they say arrives, and every mistake in them is told.
#define CAF_SUITE platform_files

#include "tests/support/caf_test.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <unistd.h>

#include "platforms/builtin.hpp"
#include "platforms/lasting_kinds.hpp"
#include "platforms/spec_keys.hpp"
#include "platforms/spec_loader.hpp"

using namespace lapwing;
using namespace std::chrono_literals;

namespace {

// CONTRACT section 2, letter by letter.
constexpr std::string_view myplatform = R"TOML(name = "myplatform"

[oauth]
authorize_url = "https://myplatform.example/oauth/authorize"
token_url = "https://myplatform.example/oauth/token"
client_auth = "basic"                # or "body"
pkce = true
scopes = ["read"]
scope_separator = " "
reauth_errors = ["invalid_grant"]    # the user must connect again
config_errors = ["invalid_client"]   # the operator must act; users stay connected

[poll]
interval = "4h"                      # or cron = "0 */4 * * *"

[[poll.endpoints]]
id = "user_data"                     # becomes data_type
url = "https://api.myplatform.example/user/data"
items = "items"                      # path of the array in the answer
key = ["id"]                         # natural key of an item
next_cursor = "cursor"               # path of the cursor to keep, sent as
cursor_param = "after"
next_page = "next"                   # path of the next page's token, sent as
page_param = "page"
etag = true                          # If-None-Match / 304
resync_status = 410                  # cursor is gone: start over

[webhook]
scheme = "standard-webhooks"         # or hmac-sha256 (header, prefix, encoding), ed25519, github, slack, google-oidc, channel-token, websub
secret = "whsec_..."
)TOML";

constexpr std::string_view least = R"(name = "x"
[oauth]
authorize_url = "https://x.example/a"
token_url = "https://x.example/t"
)";

std::string all(const std::vector<config_mistake>& mistakes) {
  std::string out;
  for (const auto& mistake : mistakes)
    out += to_string(mistake) + "\n";
  return out;
}

std::string mistakes_of(std::string_view toml, const environment& env = {}) {
  return all(load_platform_text(toml, "x.toml", env).mistakes);
}

std::string read_source(const std::string& path) {
  std::ifstream file{std::string{LAPWING_SOURCE_DIR} + "/" + path};
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

const platform_spec* find(const platforms_result& in, std::string_view name) {
  const auto found = std::ranges::find(in.platforms, name,
                                       [](const platform_spec& p) { return p.name.str(); });
  return found == in.platforms.end() ? nullptr : &*found;
}

/// A folder that is gone with the test.
struct scratch_folder {
  std::string path = std::filesystem::temp_directory_path().string() + "/lapwing-platforms-"
                     + std::to_string(::getpid());
  scratch_folder() { std::filesystem::create_directories(path); }
  ~scratch_folder() { std::filesystem::remove_all(path); }
  void write(const std::string& name, std::string_view text) const {
    std::ofstream{path + "/" + name} << text;
  }
};

} // namespace

CAF_TEST(the example of the contract loads as it is written there) {
  const auto loaded = load_platform_text(myplatform, "myplatform.toml", {});
  CAF_CHECK_EQUAL(all(loaded.mistakes), "");
  const auto& p = loaded.value;
  CAF_CHECK_EQUAL(p.name.str(), "myplatform");
  CAF_CHECK_EQUAL(p.title, "myplatform");
  CAF_CHECK_EQUAL(p.oauth.authorize_url, "https://myplatform.example/oauth/authorize");
  CAF_CHECK_EQUAL(p.oauth.token_url, "https://myplatform.example/oauth/token");
  CAF_CHECK(p.oauth.authentication == client_auth::basic);
  CAF_CHECK(p.oauth.pkce);
  CAF_CHECK((p.oauth.scopes == std::vector<std::string>{"read"}));
  CAF_CHECK((p.oauth.reauth_errors == std::vector<std::string>{"invalid_grant"}));
  CAF_CHECK((p.oauth.config_errors == std::vector<std::string>{"invalid_client"}));
  CAF_CHECK(p.poll.schedule.interval == 4h);
  CAF_REQUIRE(p.poll.endpoints.size() == 1);
  const auto& e = p.poll.endpoints.front();
  CAF_CHECK_EQUAL(e.id, "user_data");
  CAF_CHECK_EQUAL(e.items, "items");
  CAF_CHECK((e.key == std::vector<std::string>{"id"}));
  CAF_CHECK(e.cursor == cursor_style::value);
  CAF_CHECK_EQUAL(e.next_cursor, "cursor");
  CAF_CHECK_EQUAL(e.cursor_param, "after");
  CAF_CHECK(e.pages == page_style::token);
  CAF_CHECK_EQUAL(e.next_page, "next");
  CAF_CHECK_EQUAL(e.page_param, "page");
  CAF_CHECK(e.etag);
  CAF_CHECK_EQUAL(e.resync_status, 410);
  CAF_CHECK_EQUAL(p.webhook.scheme, "standard-webhooks");
  CAF_CHECK_EQUAL(p.webhook.secret, "whsec_...");
  CAF_CHECK(!connectable(p));
}

CAF_TEST(every mistake is told at once with its place and what would be right) {
  const auto text = mistakes_of(R"(name = "Has Spaces"
titel = "x"
[oauth]
authorize_url = "http://plain.example/a"
scopes = "read"
client_auth = "cookies"
scope_separator = ""
[poll]
interval = "soon"
intervall = "4h"
[[poll.endpoints]]
id = "a"
url = "https://me:secret@x.example/"
etag = "yes"
resync_status = 1000
[webhook]
scheme = "none"
)");
  for (const auto* expected :
       {"x.toml:1:8: name: \"Has Spaces\" is not valid; give at most 32 small letters",
        "x.toml:2:1: titel: unknown key; did you mean title?",
        "x.toml:4:17: oauth.authorize_url: \"http://plain.example/a\" is not valid; give an https",
        "x.toml:5:10: oauth.scopes: \"read\" has the wrong type; give a list",
        "x.toml:6:15: oauth.client_auth: \"cookies\" is not valid; give one of \"basic\", \"body\"",
        "x.toml:7:19: oauth.scope_separator: is empty", "oauth.token_url: is missing",
        "x.toml:9:12: poll.interval: \"soon\" is not valid; give a duration from \"1s\" to \"30d\"",
        "x.toml:10:1: poll.intervall: unknown key; did you mean poll.interval?",
        "x.toml:13:7: poll.endpoints.url:", "x.toml:14:8: poll.endpoints.etag: \"yes\" has the wrong",
        "x.toml:15:17: poll.endpoints.resync_status: the integer 1000 is out of range",
        "x.toml:17:10: webhook.scheme: \"none\" is not valid; give one of"})
    if (text.find(expected) == text.npos)
      CAF_ERROR("not told: " << expected << "\nin:\n" << text);
}

CAF_TEST(keys that need one another are missed) {
  const auto refuses = [](std::string_view rest, std::string_view expected) {
    const auto text = mistakes_of(std::string{least} + std::string{rest});
    if (text.find(expected) == text.npos)
      CAF_ERROR("not told: " << expected << "\nin:\n" << text);
  };
  const std::string endpoint = "[poll]\ninterval = \"1h\"\n[[poll.endpoints]]\nid = \"a\"\n"
                               "url = \"https://x.example/a\"\n";
  refuses("[[poll.endpoints]]\nid = \"a\"\nurl = \"https://x.example/a\"\n",
          "poll.interval: is missing");
  refuses("[poll]\ninterval = \"1h\"\ncron = \"0 * * * *\"\n", "poll.cron: goes against interval");
  refuses("[poll]\ncron = \"0 25 * * *\"\n", "five cron fields");
  refuses("[poll]\ncron = \"0 * * *\"\n", "five cron fields");
  refuses(endpoint + "next_cursor = \"c\"\n", "needs next_cursor and cursor_param");
  refuses(endpoint + "cursor_param = \"c\"\n", "cursor_param: of a has no cursor");
  refuses(endpoint + "cursor = \"newest_key\"\n", "needs key");
  refuses(endpoint + "next_page = \"n\"\n", "needs next_page and page_param");
  refuses(endpoint + "start_url = \"https://x.example/s\"\n", "goes with start_cursor");
  refuses(endpoint + "[[poll.endpoints]]\nid = \"a\"\nurl = \"https://x.example/b\"\n",
          "a is the id of two endpoints");
  refuses("[poll]\ninterval = \"1h\"\n[[poll.endpoints]]\nid = \"a\"\n"
          "url = \"https://x.example/{resource}\"\n",
          "nothing says what {resource} stands for");
  refuses("[poll]\ninterval = \"1h\"\n[[poll.endpoints]]\nid = \"a\"\n"
          "url = \"https://x.example/{resource}\"\nresources_from = \"b.id\"\n",
          "does not name another endpoint");
  refuses("[poll]\nendpoints = 5\n", "write [[poll.endpoints]]");
  refuses("[webhook]\nscheme = \"hmac-sha256\"\n", "webhook.header: is missing");
  refuses("[webhook]\nsecret = \"x\"\n", "webhook.scheme: is missing");
  refuses("[registration]\nstyle = \"websub\"\n", "registration.url: is missing");
  refuses("[limits]\nuser_gap_min = \"9s\"\n", "longer than user_gap_max");
  refuses("client_id = \"abc\"\n", "environment");
  refuses("reauth_errors = [\"a\"]\nconfig_errors = [\"a\"]\n", "two lists");
  const auto address = mistakes_of("account_url = \"https://me:hunter2@x.example/\"\n");
  CAF_CHECK(address.find("account_url: the address is not valid") != address.npos);
  CAF_CHECK(address.find("hunter2") == address.npos);
  CAF_CHECK(mistakes_of("[oauth\n").find("x.toml:1:7: is not TOML") != std::string::npos);
  CAF_CHECK(mistakes_of("name = \"x\"\n").find("oauth: is missing; write [oauth]")
            != std::string::npos);
  CAF_CHECK(mistakes_of("").find("name: is missing") != std::string::npos);
  CAF_CHECK_EQUAL(mistakes_of(least), "");
}

CAF_TEST(a secret is never in a mistake and can come from a file) {
  const scratch_folder folder;
  folder.write("secret", "whsec_abc\n");
  const std::string scheme = std::string{least} + "[webhook]\nscheme = \"github\"\n";
  const auto good = load_platform_text(
      scheme + "secret = \"file:" + folder.path + "/secret\"\n", "x.toml", {});
  CAF_CHECK(good.ok());
  CAF_CHECK_EQUAL(good.value.webhook.secret, "whsec_abc");
  const auto bad = mistakes_of(scheme + "secret = [\"hunter2\"]\n");
  CAF_CHECK(bad.find("webhook.secret: the value has the wrong type") != bad.npos);
  CAF_CHECK(bad.find("hunter2") == bad.npos);
  CAF_CHECK(mistakes_of(scheme + "secret = \"file:relative\"\n").find("not absolute")
            != std::string::npos);
}

CAF_TEST(a file with thousands of mistakes tells a hundred) {
  std::string text{least};
  for (int i = 0; i < 5000; ++i)
    text += "wrong" + std::to_string(i) + " = 1\n";
  const auto loaded = load_platform_text(text, "x.toml", {});
  CAF_CHECK_EQUAL(loaded.mistakes.size(), 101u);
  CAF_CHECK(!load_platform_text(std::string(300 * 1024, '#'), "x.toml", {}).ok());
}

CAF_TEST(the eight load without a mistake and have the intervals of the seeds) {
  const auto loaded = load_platforms("", {});
  CAF_CHECK_EQUAL(all(loaded.mistakes), "");
  CAF_CHECK_EQUAL(loaded.platforms.size(), 8u);
  const std::pair<const char*, std::chrono::seconds> intervals[] = {
      {"spotify", 30min}, {"youtube", 2h}, {"github", 6h},  {"discord", 4h},
      {"gmail", 1h},      {"calendar", 2h}, {"slack", 4h}, {"linkedin", 24h}};
  for (const auto& [name, interval] : intervals) {
    const auto* platform = find(loaded, name);
    CAF_REQUIRE(platform != nullptr);
    CAF_CHECK(platform->poll.schedule.interval == interval);
    CAF_CHECK(!platform->poll.endpoints.empty());
    CAF_CHECK(!platform->oauth.scopes.empty());
    CAF_CHECK(!connectable(*platform));
  }
}

CAF_TEST(limits say whom a refusal stops and whose budget it is) {
  const auto loaded = load_platforms("", {});
  CAF_CHECK(find(loaded, "github")->limits.refusal_reach == limit_reach::token);
  CAF_CHECK(find(loaded, "slack")->limits.owner == budget_owner::account);
  CAF_CHECK(!find(loaded, "spotify")->limits.refusal_reach);
  CAF_CHECK(find(loaded, "spotify")->limits.owner == budget_owner::user);
  const auto text = mistakes_of(R"(name = "x"
[limits]
refusal_reach = "everybody"
quota_zone = "Europe/Berlin"
owner = "team"
)");
  for (const auto* expected :
       {"limits.refusal_reach: \"everybody\" is not valid; give one of \"endpoint\", \"token\", "
        "\"application\"",
        "limits.quota_zone: \"Europe/Berlin\" is not valid; give \"UTC\" or a zone of the United",
        "limits.owner: \"team\" is not valid; give one of \"user\", \"account\""})
    if (text.find(expected) == text.npos)
      CAF_ERROR("not told: " << expected << "\nin:\n" << text);
}

CAF_TEST(what shows the present state is kept for good) {
  const auto loaded = load_platforms("", {});
  const auto kinds = lasting_kinds(loaded.platforms);
  const auto lasts = [&](const char* platform, const char* type) {
    return std::ranges::find(kinds, stored_kind{platform, type}) != kinds.end();
  };
  CAF_CHECK(lasts("slack", "channels"));
  CAF_CHECK(lasts("youtube", "channels"));
  CAF_CHECK(lasts("discord", "guilds"));
  CAF_CHECK(lasts("github", "user_repos")); // Hooks are registered for them.
  CAF_CHECK(!lasts("slack", "history"));
  CAF_CHECK(!lasts("spotify", "recently_played"));
  CAF_CHECK(!lasts("github", "user_events"));
}

CAF_TEST(clients come from the environment and those of Google serve three platforms) {
  const environment env{{"GOOGLE_CLIENT_ID", "g"},   {"GOOGLE_CLIENT_SECRET", "gs"},
                        {"YOUTUBE_CLIENT_ID", "y"},  {"YOUTUBE_CLIENT_SECRET", "ys"},
                        {"SPOTIFY_CLIENT_ID", "sp"}, {"SPOTIFY_CLIENT_SECRET", "sps"}};
  const auto loaded = load_platforms("", env);
  CAF_CHECK_EQUAL(all(loaded.mistakes), "");
  CAF_CHECK_EQUAL(find(loaded, "gmail")->oauth.client_id, "g");
  CAF_CHECK_EQUAL(find(loaded, "calendar")->oauth.client_secret, "gs");
  CAF_CHECK_EQUAL(find(loaded, "youtube")->oauth.client_id, "y");
  CAF_CHECK_EQUAL(find(loaded, "youtube")->oauth.client_secret, "ys");
  CAF_CHECK(connectable(*find(loaded, "spotify")));
  CAF_CHECK(!connectable(*find(loaded, "github")));

  const auto half = load_platforms("", {{"GITHUB_CLIENT_ID", "x"}});
  CAF_CHECK(all(half.mistakes).find("GITHUB_CLIENT_SECRET: is missing") != std::string::npos);
  // LinkedIn signs webhooks with the secret alone.
  CAF_CHECK(load_platforms("", {{"LINKEDIN_CLIENT_SECRET", "x"}}).ok());
  CAF_CHECK(!load_platforms("", {{"GITHUB_CLIENT_ID", "a b"}, {"GITHUB_CLIENT_SECRET", "x"}}).ok());
  const auto dashed = load_platform_text(
      "name = \"my-app\"\n[oauth]\nauthorize_url = \"https://x.example/a\"\n"
      "token_url = \"https://x.example/t\"\nclient_auth = \"none\"\n",
      "x.toml", {{"MY_APP_CLIENT_ID", "public"}});
  CAF_CHECK(dashed.ok());
  CAF_CHECK(connectable(dashed.value));
}

CAF_TEST(a folder adds platforms and replaces whole ones by name) {
  const scratch_folder folder;
  folder.write("myplatform.toml", myplatform);
  folder.write("notes.txt", "not a platform");
  folder.write("spotify.toml", "name = \"spotify\"\n[oauth]\n"
                               "authorize_url = \"http://127.0.0.1:9/a\"\n"
                               "token_url = \"http://[::1]:9/t\"\n");
  const environment env{{"MYPLATFORM_CLIENT_ID", "a"}, {"MYPLATFORM_CLIENT_SECRET", "b"}};
  const auto loaded = load_platforms(folder.path, env);
  CAF_CHECK_EQUAL(all(loaded.mistakes), "");
  CAF_CHECK_EQUAL(loaded.platforms.size(), 9u);
  CAF_CHECK(connectable(*find(loaded, "myplatform")));
  CAF_CHECK(find(loaded, "spotify")->poll.endpoints.empty());
  CAF_CHECK(std::ranges::is_sorted(loaded.platforms, {}, &platform_spec::name));
  folder.write("again.toml", myplatform);
  CAF_CHECK(all(load_platforms(folder.path, env).mistakes).find("is the name of")
            != std::string::npos);
  CAF_CHECK_EQUAL(load_platforms(folder.path + "/none", {}).platforms.size(), 8u);
}

CAF_TEST(one simulator can stand in for all hosts) {
  auto loaded = load_platforms("", {});
  for (auto& platform : loaded.platforms) {
    redirect_to(platform, "http://127.0.0.1:9000/");
    const auto ours = [&](const std::string& url) {
      if (!url.empty() && !url.starts_with("http://127.0.0.1:9000/"))
        CAF_ERROR("still elsewhere: " << url);
    };
    ours(platform.oauth.authorize_url);
    ours(platform.oauth.token_url);
    ours(platform.oauth.revocation.url);
    ours(platform.account_url);
    ours(platform.registration.url);
    for (const auto& endpoint : platform.poll.endpoints) {
      ours(endpoint.url);
      ours(endpoint.start_url);
      ours(endpoint.first_sync_url);
    }
  }
  CAF_CHECK_EQUAL(find(loaded, "spotify")->oauth.token_url,
                  "http://127.0.0.1:9000/accounts.spotify.com/api/token");
  CAF_CHECK(find(loaded, "youtube")->registration.topic.starts_with("https://www.youtube.com/"));
}

CAF_TEST(random changes of the files never do worse than mistakes) {
  std::uint64_t seed = 20261121;
  const auto next = [&] { return seed = seed * 6364136223846793005u + 1442695040888963407u; };
  for (const auto& file : builtin_platforms())
    for (int round = 0; round < 60; ++round) {
      std::string text{file.toml};
      for (int change = 0; change < 4; ++change) {
        const auto at = (next() >> 20) % text.size();
        if (next() >> 63)
          text[at] = static_cast<char>(next() >> 56);
        else
          text.erase(at, 1 + (next() >> 60));
      }
      CAF_CHECK(load_platform_text(text, file.file_name, {}).mistakes.size() <= 101);
    }
}

CAF_TEST(the documentation has the reference that the table of keys gives) {
  const auto text = read_source("docs/platforms.md");
  const auto reference = spec_reference_markdown();
  if (text.find(reference) == text.npos) {
    std::ofstream{std::filesystem::temp_directory_path() / "lapwing-platform-reference.md"}
        << reference;
    CAF_ERROR("docs/platforms.md is not up to date; the right text is in the temporary folder");
  }
  for (const auto& file : builtin_platforms())
    CAF_CHECK(text.find("| " + std::string{file.file_name.substr(0, file.file_name.find('.'))}
                        + " |")
              != text.npos);
}

CAF_TEST(the example in the documentation loads) {
  const auto text = read_source("docs/platforms.md");
  std::size_t examples = 0;
  for (auto at = text.find("```toml\nname"); at != text.npos; at = text.find("```toml\nname", at)) {
    at += 8;
    const auto end = text.find("```", at);
    CAF_CHECK_EQUAL(mistakes_of(text.substr(at, end - at)), "");
    ++examples;
  }
  CAF_CHECK(examples >= 1);
}
