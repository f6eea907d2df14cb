// `lapwing check-config` on seed 003's platform file with one mistake at a time: each is named with
// file, line, key, what is wrong and what would be right, and a node does not start with it.
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { command, temporary_folder } from "./support/node.mjs";
import { platform_file } from "./support/provider.mjs";

const good = platform_file({ url: "https://api.myplatform.example" }, { secret: "whsec_c2VjcmV0LW9mLW15cGxhdGZvcm0=" });
const env = { ENCRYPTION_KEY: "0123456789abcdef".repeat(4) };

function written(t, text) {
  const folder = temporary_folder(t);
  mkdirSync(join(folder, "platforms"));
  writeFileSync(join(folder, "lapwing.toml"), "[auth]\nmode = \"dev\"\n");
  const file = join(folder, "platforms", "myplatform.toml");
  writeFileSync(file, text);
  return { file, config: join(folder, "lapwing.toml") };
}

/** What is replaced by what; the line it is told at (none: the file as a whole); what is told. */
const mistakes = [
  ["a name with spaces", 'name = "myplatform"', 'name = "My Platform"', 1, "name", /"My Platform" is not valid; give at most 32 small letters/],
  ["no name", 'name = "myplatform"\n', "", undefined, "name", /is missing; give it; docs\/platforms\.md has examples/],
  ["no token_url", /token_url = .*\n/, "", 3, "oauth.token_url", /is missing; give it/],
  ["plain http", 'token_url = "https:', 'token_url = "http:', 5, "oauth.token_url", /is not valid; give an https:\/\/ address/],
  ["an unknown way to show the client", '"basic"', '"header"', 6, "oauth.client_auth", /"header" is not valid; give one of "basic", "body", "none"/],
  ["a switch in quotes", "pkce = true", 'pkce = "yes"', 7, "oauth.pkce", /"yes" has the wrong type; give true or false/],
  ["scopes as one text", 'scopes = ["read"]', 'scopes = "read"', 8, "oauth.scopes", /has the wrong type; give a list/],
  ["an error in two classes", 'config_errors = ["invalid_client"]', 'config_errors = ["invalid_grant"]', 10, "oauth.reauth_errors", /invalid_grant stands in two lists of errors; give each error one class/],
  ["a credential in the file", "pkce = true", 'client_secret = "hunter2"', 7, "oauth.client_secret", /environment/],
  ["a duration in words", 'interval = "4h"', 'interval = "4 hours"', 14, "poll.interval", /"4 hours" is not valid; give a duration from "1s" to "30d"/],
  ["four cron fields", 'interval = "4h"', 'cron = "0 */4 * *"', 14, "poll.cron", /is not valid; give five cron fields in UTC, such as/],
  ["no schedule", 'interval = "4h"\n', "", undefined, "poll.interval", /is missing: nothing says when to ask; give interval = "4h" or cron/],
  ["two schedules", 'interval = "4h"', 'interval = "4h"\ncron = "0 */4 * * *"', 15, "poll.cron", /goes against interval; give one of the two/],
  ["no id of an endpoint", 'id = "user_data"\n', "", 16, "poll.endpoints.id", /is missing; give it/],
  ["an address without https", /url = "https:\S+data"/, 'url = "api.myplatform.example"', 18, "poll.endpoints.url", /is not valid; give an https:\/\/ address/],
  ["a cursor that is never sent", 'cursor_param = "after"\n', "", undefined, "poll.endpoints.cursor", /of user_data needs next_cursor and cursor_param; say where the cursor is and how it is sent/],
  ["a page token that is never sent", 'page_param = "page"\n', "", undefined, "poll.endpoints.pages", /of user_data needs next_page and page_param/],
  ["a misspelt key", "etag = true", "etags = true", 25, "poll.endpoints.etags", /unknown key; did you mean poll\.endpoints\.etag\?/],
  ["a status out of range", "resync_status = 410", "resync_status = 4100", 26, "poll.endpoints.resync_status", /4100 is out of range; give an integer from 0 to 599/],
  ["an unknown scheme", '"standard-webhooks"', '"standard"', 29, "webhook.scheme", /"standard" is not valid; give one of "standard-webhooks"/],
  ["a scheme that belongs to Gmail", '"standard-webhooks"', '"google-oidc"', 29, "webhook.scheme", /google-oidc serves only the platform that ships with it; give one that a secret of this file can check/],
  ["webhooks that nobody could check", /secret = .*\n/, "", undefined, "webhook.secret", /is missing: no delivery could be checked; give the secret/],
  ["an HMAC without its header", '"standard-webhooks"', '"hmac-sha256"', undefined, "webhook.header", /is missing; give the header that holds the signature/],
  ["a section of another name", "[poll]", "[polling]", 13, "polling", /unknown section; docs\/platforms\.md lists all keys/],
  ["a bracket too few", "[webhook]", "[webhook", 28, "", /is not TOML: .*expected '\]'/],
];

test("the file itself has no mistakes", async (t) => {
  const { config } = written(t, good);
  const checked = await command(["check-config", config], { env });
  assert.equal(checked.code, 0, checked.stderr);
  assert.match(checked.stdout, /no mistakes/);
});

for (const [name, from, to, line, key, told] of mistakes) {
  test(`check-config explains ${name}`, async (t) => {
    const text = good.replace(from, to);
    assert.notEqual(text, good, "the mistake was made");
    const { file, config } = written(t, text);
    const checked = await command(["check-config", config], { env });
    assert.equal(checked.code, 1, checked.stdout);
    const lines = checked.stderr.split("\n");
    const place = `${file}${line === undefined ? ":" : `:${line}:`}`;
    const about = lines.find((one) => one.startsWith(place) && told.test(one));
    assert.ok(about, `${place} ${told}\n${checked.stderr}`);
    assert.ok(about.includes(key === "" ? "is not TOML" : ` ${key}: `), about);
    assert.ok(!checked.stderr.includes("hunter2") && !checked.stderr.includes("whsec_c2Vj"));
  });
}

test("a node does not start with a mistake, and says all of them", async (t) => {
  const text = good.replace('interval = "4h"', 'interval = "soon"').replace("pkce = true", "pkce = 1");
  const { config } = written(t, text);
  const started = await command(["node", "--config", config, "--listen", "127.0.0.1:0"], { env });
  assert.equal(started.code, 1);
  assert.equal(started.stdout, "");
  assert.match(started.stderr, /oauth\.pkce: .*\n.*poll\.interval: .*\n2 mistakes in the configuration/);
});
