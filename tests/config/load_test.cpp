// From file, environment and command line to a config or to every mistake.
#define CAF_SUITE config_load

#include "tests/support/caf_test.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>

#include <sys/stat.h>
#include <unistd.h>

#include "config/keys.hpp"
#include "config/load.hpp"

using namespace lapwing;

namespace {

const std::string jwt_secret(32, 's');

/// An environment in which nothing is missing.
environment with(environment more = {}) {
  more.emplace("LAPWING_AUTH__JWT_SECRET", jwt_secret);
  return more;
}

std::vector<std::string> lines(const load_result& loaded) {
  std::vector<std::string> out;
  for (const auto& mistake : loaded.mistakes)
    out.push_back(to_string(mistake));
  return out;
}

/// The mistakes of this file, in a good environment.
std::vector<std::string> mistakes_of(std::string_view toml, const environment& env = with()) {
  return lines(load_text(toml, "l.toml", env));
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != text.npos;
}

/// Fails unless there is exactly one mistake and it has all these parts.
void check_one(const std::vector<std::string>& found,
               std::initializer_list<std::string_view> parts) {
  CAF_CHECK_EQUAL(found.size(), 1u);
  for (const auto& line : found)
    CAF_MESSAGE(line);
  for (const auto part : parts)
    CAF_CHECK(!found.empty() && contains(found.front(), part));
}

/// A directory of its own that goes away with its files.
class scratch {
public:
  scratch() {
    std::string name = "/tmp/lapwing-config-XXXXXX";
    path_ = ::mkdtemp(name.data());
  }
  ~scratch() {
    for (const auto& file : files_)
      ::unlink(file.c_str());
    ::rmdir(path_.c_str());
  }
  std::string write(const std::string& name, std::string_view text) {
    files_.push_back(path_ + "/" + name);
    std::ofstream{files_.back()} << text;
    return files_.back();
  }
  const std::string& path() const { return path_; }

private:
  std::string path_;
  std::vector<std::string> files_;
};

} // namespace

CAF_TEST(a file overrides defaults) {
  const auto loaded = load_text(R"(
[node]
listen = ["127.0.0.1:4000", "[::1]:4000"]
threads = 2
migrate = false
[limits]
rate_window = "1h"
session_queue = "64KiB"
body = 2048
[webhooks.github]
secret = "0123456789abcdef0123456789abcdef"
)",
                                "l.toml", with());
  CAF_CHECK(lines(loaded).empty());
  CAF_CHECK((loaded.value.node.listen == std::vector<std::string>{"127.0.0.1:4000", "[::1]:4000"}));
  CAF_CHECK_EQUAL(loaded.value.node.threads, 2u);
  CAF_CHECK(!loaded.value.node.migrate);
  CAF_CHECK(loaded.value.limits.rate_window == 1h);
  CAF_CHECK_EQUAL(loaded.value.limits.session_queue, 65536u);
  CAF_CHECK_EQUAL(loaded.value.limits.body, 2048u);
  CAF_CHECK_EQUAL(loaded.value.webhooks.github.current, "0123456789abcdef0123456789abcdef");
  CAF_CHECK_EQUAL(loaded.value.limits.api_requests, 100u);
}

CAF_TEST(no file means defaults and environment) {
  const auto loaded = load(nullptr, with());
  CAF_CHECK(lines(loaded).empty());
  CAF_CHECK_EQUAL(loaded.value.auth.jwt_secret, jwt_secret);
  CAF_CHECK_EQUAL(loaded.value.node.listen.front(), "127.0.0.1:3001");
}

CAF_TEST(the environment wins over the file and the command line over both) {
  const auto toml = "[limits]\napi_requests = 1\nwebhook_requests = 1\nsessions_per_user = 1\n";
  const auto loaded = load_text(
      toml, "l.toml",
      with({{"LAPWING_LIMITS__WEBHOOK_REQUESTS", "2"}, {"LAPWING_LIMITS__SESSIONS_PER_USER", "2"}}),
      {{"limits.sessions_per_user", "3", "--sessions"}});
  CAF_CHECK(lines(loaded).empty());
  CAF_CHECK_EQUAL(loaded.value.limits.api_requests, 1u);
  CAF_CHECK_EQUAL(loaded.value.limits.webhook_requests, 2u);
  CAF_CHECK_EQUAL(loaded.value.limits.sessions_per_user, 3u);
}

CAF_TEST(lists in the environment are comma separated) {
  const auto loaded = load(
      nullptr, with({{"LAPWING_HTTP__CORS_ORIGINS", "https://a.example, https://b.example:8443"}}));
  CAF_CHECK(lines(loaded).empty());
  CAF_CHECK((loaded.value.http.cors_origins
             == std::vector<std::string>{"https://a.example", "https://b.example:8443"}));
}

CAF_TEST(the variables of the seeds work) {
  const std::string raw_key = "0123456789abcdef,123456789abcdef";
  const auto loaded = load(nullptr, with({
                                        {"GITHUB_WEBHOOK_SECRET", "gh"},
                                        {"SLACK_SIGNING_SECRET", "sl"},
                                        {"GOOGLE_PROJECT_ID", "project-1"},
                                        {"API_URL", "http://localhost:3001"},
                                        {"ENCRYPTION_KEY", raw_key},
                                        {"LINKEDIN_CLIENT_SECRET", "li"},
                                        {"SUPABASE_URL", "https://x.supabase.co"},
                                        {"SUPABASE_SERVICE_ROLE_KEY", "srk"},
                                        {"WEBHOOK_SECRET", "wh"},
                                        {"MAILGUN_API_KEY", "mk"},
                                        {"MAILGUN_DOMAIN", "mg.example.com"},
                                        {"MAILGUN_FROM_EMAIL", "a@mg.example.com"},
                                        {"CRON_SECRET", "cs"},
                                        {"DEBUG", "1"},
                                        {"SPOTIFY_CLIENT_ID", "not ours yet, and no mistake"},
                                    }));
  CAF_CHECK(lines(loaded).empty());
  const auto& got = loaded.value;
  CAF_CHECK_EQUAL(got.webhooks.github.current, "gh");
  CAF_CHECK_EQUAL(got.webhooks.slack.current, "sl");
  CAF_CHECK_EQUAL(got.webhooks.google_project_id, "project-1");
  CAF_CHECK_EQUAL(got.node.public_url, "http://localhost:3001");
  CAF_CHECK((got.security.encryption_keys == std::vector<std::string>{raw_key}));
  CAF_CHECK_EQUAL(got.webhooks.linkedin.current, "li");
  CAF_CHECK_EQUAL(got.supabase.url, "https://x.supabase.co");
  CAF_CHECK_EQUAL(got.supabase.service_role_key, "srk");
  CAF_CHECK_EQUAL(got.webhooks.supabase.current, "wh");
  CAF_CHECK_EQUAL(got.mail.mailgun_api_key, "mk");
  CAF_CHECK_EQUAL(got.mail.mailgun_domain, "mg.example.com");
  CAF_CHECK_EQUAL(got.mail.mailgun_from_email, "a@mg.example.com");
  CAF_CHECK_EQUAL(got.cron.secret, "cs");
  CAF_CHECK_EQUAL(got.log.level, "debug");
}

CAF_TEST(our own variables win over those of the seeds and empty ones of the seeds do not count) {
  const auto loaded = load(nullptr, with({{"GITHUB_WEBHOOK_SECRET", "theirs"},
                                          {"LAPWING_WEBHOOKS__GITHUB__SECRET", "ours"},
                                          {"API_URL", ""},
                                          {"DEBUG", "express:*"}}));
  CAF_CHECK(lines(loaded).empty());
  CAF_CHECK_EQUAL(loaded.value.webhooks.github.current, "ours");
  CAF_CHECK_EQUAL(loaded.value.node.public_url, "");
  CAF_CHECK_EQUAL(loaded.value.log.level, "info");
}

CAF_TEST(every key can be set by its variable) {
  for (const auto& key : config_keys()) {
    config defaults;
    const auto value = key.member(defaults);
    if (!std::holds_alternative<std::uint64_t*>(value)
        && !std::holds_alternative<milliseconds*>(value))
      continue;
    const bool number = std::holds_alternative<std::uint64_t*>(value);
    const auto text = std::to_string(key.max) + (number ? "" : "ms");
    auto loaded = load(nullptr, with({{environment_name(key.path), text}}));
    // Single values may clash with others (a batch longer than its queue), never with their range.
    for (const auto& mistake : loaded.mistakes)
      CAF_CHECK(!contains(to_string(mistake), "out of range"));
    const auto got = key.member(loaded.value);
    CAF_CHECK_EQUAL(number ? *std::get<std::uint64_t*>(got)
                           : static_cast<std::uint64_t>(std::get<milliseconds*>(got)->count()),
                    key.max);
    const auto beyond = std::to_string(key.max + 1) + (number ? "" : "ms");
    const auto refused = load(nullptr, with({{environment_name(key.path), beyond}}));
    check_one(lines(refused), {environment_name(key.path), key.path, "out of range"});
  }
}

CAF_TEST(every mistake is reported at once with its place) {
  const auto found = mistakes_of(R"([limits]
api_request = 5
rate_window = "15 minutes"
body = "1MB"
[node]
threads = 900
listen = ["somewhere"]
[auth]
mode = "none"
[metrics]
port = 1
host = 2
)",
                                 with({{"LAPWING_STORAGE__BATCH_MAX", "many"}}));
  CAF_REQUIRE_EQUAL(found.size(), 8u);
  CAF_CHECK_EQUAL(found[0],
                  "l.toml:2:1: limits.api_request: unknown key; did you mean limits.api_requests?");
  CAF_CHECK_EQUAL(found[1], "l.toml:3:15: limits.rate_window: \"15 minutes\" is not valid; give a "
                            "duration from \"1s\" to \"1d\" (units ms, s, m, h, d)");
  CAF_CHECK_EQUAL(found[2], "l.toml:4:8: limits.body: \"1MB\" is not valid; give bytes from 1 KiB "
                            "to 1 GiB, as an integer or as \"256KiB\", \"1MiB\"");
  CAF_CHECK_EQUAL(found[3], "l.toml:6:11: node.threads: \"900\" is out of range; give an integer "
                            "from 0 to 64");
  CAF_CHECK(
      contains(found[4], "l.toml:7:10: node.listen: \"somewhere\" is not valid; give a list"));
  CAF_CHECK_EQUAL(found[5], "l.toml:9:8: auth.mode: \"none\" is not valid; give one of \"jwt\", "
                            "\"dev\"");
  CAF_CHECK(contains(found[6], "l.toml:10:2: metrics: unknown section"));
  CAF_CHECK_EQUAL(found[7], "LAPWING_STORAGE__BATCH_MAX: storage.batch_max: \"many\" is not valid; "
                            "give an integer from 1 to 4096");
}

CAF_TEST(a sender is one address and a mail key needs its domain) {
  const auto with_sender = [](const std::string& sender) {
    return mistakes_of("[mail]\nmailgun_api_key = \"k\"\nmailgun_domain = \"mg.example.com\"\n"
                       "mailgun_from_email = \"" + sender + "\"\n");
  };
  for (const char* good : {"", "a@mg.example.com", "MeloTech <a@mg.example.com>", "<a@b.example>"})
    CAF_CHECK(with_sender(good).empty());
  for (const char* bad : {"MeloTech", "a@b.example, c@d.example", "A <a@b.example> x", "A <a@b>",
                          "A\\r\\nBcc: c@d.example <a@b.example>", "<<a@b.example>"})
    check_one(with_sender(bad), {"mail.mailgun_from_email", "give an address"});
  check_one(mistakes_of("[mail]\nmailgun_api_key = \"k\"\n"), {"mail.mailgun_domain", "is missing"});
  check_one(mistakes_of("[mail]\nmailgun_api_key = \"k\"\nmailgun_domain = \"no domain\"\n"),
            {"mail.mailgun_domain", "give a domain"});
}

CAF_TEST(a value of the wrong type is refused whatever it looks like) {
  check_one(mistakes_of("[node]\nthreads = \"4\"\n"),
            {"l.toml:2:11", "node.threads", "\"4\" has the wrong type"});
  check_one(mistakes_of("[node]\nthreads = 4.0\n"), {"the number 4", "wrong type"});
  check_one(mistakes_of("[node]\nthreads = -1\n"), {"\"-1\" is not valid"});
  check_one(mistakes_of("[node]\nmigrate = 1\n"), {"the integer 1 has the wrong type"});
  check_one(mistakes_of("[node]\nlisten = \"127.0.0.1:1\"\n"), {"wrong type", "a list"});
  check_one(mistakes_of("[node]\nlisten = [1]\n"), {"a list of something other than text"});
  check_one(mistakes_of("[node]\ndata_dir = 2026-11-21\n"), {"a date or time has the wrong type"});
  check_one(mistakes_of("[limits]\nrate_window = 900\n"), {"the integer 900", "duration"});
  check_one(mistakes_of("limits = 3\n"), {"l.toml:1:1: limits: is a section"});
  check_one(mistakes_of("[node.threads]\nx = 1\n"), {"a table has the wrong type"});
  check_one(mistakes_of("\"limits.body\" = 4096\n"), {"unknown key"});
}

CAF_TEST(a key in the wrong section is found by its name) {
  check_one(mistakes_of("[limits]\nheartbeat = \"5s\"\n"),
            {"limits.heartbeat: unknown key; did you mean streams.heartbeat?"});
  check_one(mistakes_of("[node]\nzzzzzzzzzz = 1\n"), {"docs/configuration.md lists all keys"});
}

CAF_TEST(a file that is not TOML says where) {
  const auto found = mistakes_of("[node]\nthreads = = 4\n");
  check_one(found, {"l.toml:2:11", "is not TOML"});
  check_one(mistakes_of("[node]\nthreads = 1\nthreads = 2\n"), {"l.toml:3:", "is not TOML"});
}

CAF_TEST(an unreadable file is one mistake) {
  const std::string missing = "/nonexistent/l.toml";
  check_one(lines(load(&missing, {})), {"/nonexistent/l.toml: cannot be read: No such file"});
  const std::string directory = "/tmp";
  check_one(lines(load(&directory, {})), {"/tmp: cannot be read: is not a regular file"});
}

CAF_TEST(a misspelt variable is found but variables of other programs do not matter) {
  check_one(lines(load(nullptr, with({{"LAPWING_LIMIT__API_REQUESTS", "5"}}))),
            {"environment: LAPWING_LIMIT__API_REQUESTS: unknown variable",
             "did you mean LAPWING_LIMITS__API_REQUESTS?"});
  CAF_CHECK(load(nullptr, with({{"LAPWING_ADMIN_TOKEN", "x"}, {"OTHER__THING", "y"}})).ok());
}

CAF_TEST(a wrong secret is never shown) {
  const std::string short_secret = "hunter2";
  for (const auto& found : {mistakes_of("[auth]\njwt_secret = \"hunter2\"\n", {}),
                            lines(load(nullptr, {{"LAPWING_AUTH__JWT_SECRET", short_secret}})),
                            mistakes_of("[auth]\njwt_secret = [\"hunter2\"]\n", {}),
                            mistakes_of("[security]\nencryption_keys = [\"hunter2\"]\n"),
                            lines(load(nullptr, with({{"ENCRYPTION_KEY", short_secret}}))),
                            mistakes_of("[node]\ndatabase_url = \"mysql://u:hunter2@h/d\"\n")}) {
    CAF_CHECK_EQUAL(found.size(), 1u);
    for (const auto& line : found) {
      CAF_MESSAGE(line);
      CAF_CHECK(!contains(line, "hunter2"));
    }
  }
}

CAF_TEST(a secret may stand in a file of its own) {
  scratch dir;
  const auto file = dir.write("jwt", jwt_secret + "\n");
  const auto loaded = load_text("[auth]\njwt_secret = \"file:" + file + "\"\n", "l.toml", {});
  CAF_CHECK(lines(loaded).empty());
  CAF_CHECK_EQUAL(loaded.value.auth.jwt_secret, jwt_secret);

  const auto windows = dir.write("gh", "two words \r\n");
  CAF_CHECK_EQUAL(load(nullptr, with({{"GITHUB_WEBHOOK_SECRET", "file:" + windows}}))
                      .value.webhooks.github.current,
                  "two words ");

  const auto key = dir.write("key", std::string(64, 'a') + "\n");
  CAF_CHECK_EQUAL(load(nullptr, with({{"LAPWING_SECURITY__ENCRYPTION_KEYS",
                                       "file:" + key + "," + std::string(64, 'b')}}))
                      .value.security.encryption_keys.size(),
                  2u);
}

CAF_TEST(a secret file that cannot be used is a mistake) {
  scratch dir;
  const auto check_refused = [&](const std::string& path, std::string_view why) {
    check_one(
        lines(load(nullptr, with({{"GITHUB_WEBHOOK_SECRET", "file:" + path}}))),
        {"GITHUB_WEBHOOK_SECRET: webhooks.github.secret: cannot take the secret from file", why});
  };
  check_refused(dir.path() + "/missing", "No such file");
  check_refused(dir.write("empty", "\n"), "it is empty");
  check_refused(dir.write("long", std::string(70'000, 'x')), "is longer than 64 KiB");
  check_refused(dir.path(), "is not a regular file");
  check_refused("relative", "the path is not absolute");
  const auto pipe = dir.path() + "/pipe";
  CAF_REQUIRE_EQUAL(::mkfifo(pipe.c_str(), 0600), 0);
  check_refused(pipe, "is not a regular file");
  ::unlink(pipe.c_str());
}

CAF_TEST(tokens need a key to be checked with) {
  check_one(mistakes_of("", {}), {"l.toml: auth.jwt_secret", "no key to check tokens with"});
  CAF_CHECK(mistakes_of("[auth]\njwks_url = \"https://id.example/keys\"\n", {}).empty());
  CAF_CHECK(mistakes_of("[auth]\njwks_file = \"/etc/keys\"\n", {}).empty());
  CAF_CHECK(mistakes_of("[auth]\nmode = \"dev\"\n", {}).empty());
}

CAF_TEST(a command that serves nobody needs no key for tokens) {
  CAF_CHECK(load_text("", "l.toml", {}, {}, config_purpose::offline).ok());
  CAF_CHECK(!load_text("[node]\nthreads = 99\n", "l.toml", {}, {}, config_purpose::offline).ok());
}

CAF_TEST(development identity serves on loopback only) {
  const auto toml = "[auth]\nmode = \"dev\"\n[node]\nlisten = [\"127.0.0.1:1\", \"0.0.0.0:1\"]\n";
  check_one(mistakes_of(toml, {}),
            {"l.toml:4:10: node.listen", "cannot serve on \"0.0.0.0:1\"", "loopback", "127.0.0.1"});
  check_one(lines(load(nullptr, {},
                       {{"auth.mode", "dev", "--dev"}, {"node.listen", "[::]:80", "--listen"}})),
            {"--listen: node.listen", "cannot serve on \"[::]:80\""});
}

CAF_TEST(development identity changes two defaults) {
  const auto loaded = load(nullptr, {}, {{"auth.mode", "dev", "--dev"}});
  CAF_CHECK(loaded.value.webhooks.accept_unknown_users);
  CAF_CHECK((loaded.value.http.cors_origins
             == std::vector<std::string>{"http://localhost:8086", "http://localhost:5173"}));
  const auto strict = load(nullptr, {{"LAPWING_WEBHOOKS__ACCEPT_UNKNOWN_USERS", "false"}},
                           {{"auth.mode", "dev", "--dev"}});
  CAF_CHECK(!strict.value.webhooks.accept_unknown_users);
  CAF_CHECK(!load(nullptr, with()).value.webhooks.accept_unknown_users);
}

CAF_TEST(settings that need each other come together) {
  check_one(mistakes_of("[tls]\ncertificate = \"c.pem\"\n"),
            {"tls.key", "is missing while tls.certificate is set"});
  check_one(mistakes_of("[push]\nvapid_private_key = \"k\"\n"), {"push.vapid_public_key"});
  check_one(mistakes_of("[webhooks.slack]\nsecret_previous = \"k\"\n"), {"webhooks.slack.secret"});
  check_one(mistakes_of("[limits]\ninflight_bytes = \"2MiB\"\n"),
            {"limits.body_github", "25 MiB is more than limits.inflight_bytes (2 MiB)"});
  check_one(mistakes_of("[storage]\nqueue_max = 10\n"), {"storage.batch_max"});
  check_one(mistakes_of("[node]\nlisten = []\n"), {"node.listen", "is empty"});
}

CAF_TEST(custom platforms are tables with a name) {
  const auto loaded = load_text(R"(
[webhooks.custom.shop-1]
scheme = "hmac-sha256"
header = "X-Shop-Signature"
prefix = "sha256="
encoding = "base64"
[webhooks.custom.plain]
secret = "whsec_x"
)",
                                "l.toml",
                                with({{"LAPWING_WEBHOOKS__CUSTOM__SHOP_1__SECRET", "s1"},
                                      {"LAPWING_WEBHOOKS__CUSTOM__NEW__SECRET", "s2"}}));
  CAF_CHECK(lines(loaded).empty());
  const auto& custom = loaded.value.webhooks.custom;
  CAF_REQUIRE_EQUAL(custom.size(), 3u);
  CAF_CHECK_EQUAL(custom.at("shop-1").header, "X-Shop-Signature");
  CAF_CHECK_EQUAL(custom.at("shop-1").encoding, "base64");
  CAF_CHECK_EQUAL(custom.at("shop-1").secret.current, "s1");
  CAF_CHECK_EQUAL(custom.at("plain").scheme, "standard-webhooks");
  CAF_CHECK_EQUAL(custom.at("new").secret.current, "s2");
}

CAF_TEST(mistakes in custom platforms are found too) {
  check_one(mistakes_of("[webhooks.custom.shop]\nsecret = \"x\"\nschema = \"websub\"\n"),
            {"l.toml:3:1: webhooks.custom.shop.schema: unknown key; did you mean scheme?"});
  check_one(mistakes_of("[webhooks.custom.shop]\nscheme = \"websub\"\n"),
            {"webhooks.custom.shop.secret", "is missing"});
  check_one(mistakes_of("[webhooks.custom.shop]\nscheme = \"hmac-sha256\"\nsecret = \"x\"\n"),
            {"webhooks.custom.shop.header", "is missing"});
  check_one(mistakes_of("[webhooks.custom.shop]\nscheme = \"ed25519\"\nsecret = \"x\"\n"),
            {"l.toml:3:10: webhooks.custom.shop.secret", "is not a key of scheme ed25519"});
  check_one(mistakes_of("[webhooks.custom.Shop]\nsecret = \"x\"\n"),
            {"l.toml:1:", "small letters"});
  check_one(mistakes_of("[webhooks.custom.github]\nsecret = \"x\"\n"), {"ships with Lapwing"});
  check_one(mistakes_of("[webhooks.custom]\nshop = 1\n"), {"l.toml:2:1", "not the table"});
}

CAF_TEST(a file full of mistakes gives a bounded list) {
  std::string toml = "[node]\n";
  for (int i = 0; i < 5000; ++i)
    toml += "key_" + std::to_string(i) + " = 1\n";
  const auto found = mistakes_of(toml);
  CAF_CHECK_EQUAL(found.size(), 101u);
  CAF_CHECK(contains(found.back(), "further mistakes"));
}

CAF_TEST(no broken file gets an exception out) {
  const std::string whole = "[node]\nlisten = [\"127.0.0.1:1\"]\nthreads = 1\n[webhooks.custom.a]\n"
                            "secret = \"\\u00e9\"\n[limits]\nrate_window = '1h'\nbody = 0x800\n";
  for (std::size_t cut = 0; cut <= whole.size(); ++cut) {
    load_text(whole.substr(0, cut), "l.toml", {});
    auto flipped = whole;
    if (cut < flipped.size())
      flipped[cut] = '\xff';
    load_text(flipped, "l.toml", {});
    flipped[cut % whole.size()] = '=';
    load_text(flipped, "l.toml", {});
  }
  CAF_CHECK(load_text(whole, "l.toml", with()).ok());
}
