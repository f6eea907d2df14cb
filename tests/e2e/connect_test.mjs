// A person connects each platform through the browser's redirects, against `lapwing sim`: what was
// polled is on the stream and in the store; disconnecting forgets it.
import assert from "node:assert/strict";
import test from "node:test";
import { assert_problem } from "./support/node.mjs";
import { user_token } from "./support/sign.mjs";
import { connect, connected_node } from "./support/simulator.mjs";
import { SseStream } from "./support/sse.mjs";

const platforms = ["spotify", "gmail", "github", "slack", "discord", "calendar", "youtube", "linkedin"];

test("every platform is connected, polled, stored and told", async (t) => {
  const { node } = await connected_node(t);
  const stream = await SseStream.open(t, node, { token: user_token("user-0") });
  await stream.first("connected");
  for (const platform of platforms) {
    const end = await connect(node, platform);
    assert.equal(end.status, 302, end.text);
    assert.equal(end.headers.location, `/done?connected=${platform}`);
  }
  const told = (type, platform) => stream.of(type).filter((event) => event.platform === platform);
  for (const platform of platforms) {
    await stream.until(() => told("platform_sync", platform).length > 0, () => `${platform} to sync; ${stream.summary()}`);
    assert.equal(told("connection_status", platform)[0].status, "connected");
    const news = told("new_data", platform)[0];
    assert.ok(news.count > 0 && news.count === news.data.count);
    assert.equal(news.dataType, news.data.dataType);
    const page = (await node.as("user-0", `/api/data/${platform}?type=${news.dataType}&limit=5`)).json;
    assert.ok(page.items.length > 0, platform);
    assert.equal(page.items[0].dataType, news.dataType);
  }
  const list = (await node.as("user-0", "/api/connections")).json;
  assert.deepEqual(list.connections.map(({ platform }) => platform).sort(), [...platforms].sort());
  for (const one of list.connections) assert.equal(one.status, "connected");
  const doctor = (await node.as("user-0", "/api/monitoring/status")).json;
  assert.equal(doctor.connections.find(({ platform }) => platform === "spotify").healthy, true);
  for (const text of [JSON.stringify(list), JSON.stringify(doctor), node.stderr]) {
    assert.doesNotMatch(text, /access_token|refresh_token|sim-spotify-secret/);
  }
});

test("polls by hand and by a cron service are taken", async (t) => {
  const { node } = await connected_node(t);
  assert.equal((await connect(node, "spotify")).status, 302);
  const stream = await SseStream.open(t, node, { token: user_token("user-0") });
  await stream.first("connected");
  const sync = await node.as("user-0", "/api/connections/spotify/sync", { method: "POST" });
  assert.equal(sync.status, 202, sync.text);
  await stream.first("platform_sync");
  assert.equal((await node.as("user-0", "/api/connections/sync", { method: "POST" })).json.started, 1);
  assert_problem(await node.as("user-0", "/api/connections/github/sync", { method: "POST" }), 404, "not_found");
  assert_problem(await node.request("/api/cron/token-refresh"), 401, "missing_token");
  assert_problem(await node.request("/api/cron/token-refresh", { token: "wrong" }), 401, "invalid_token");
  for (const job of ["token-refresh", "poll-spotify"]) {
    assert.equal((await node.request(`/api/cron/${job}`, { token: "cron-secret-for-tests" })).status, 200);
  }
  assert_problem(await node.request("/api/cron/poll-nothing", { token: "cron-secret-for-tests" }), 404, "not_found");
});

test("an authorization is good once, in the browser that began it, and says when it failed", async (t) => {
  const { node } = await connected_node(t);
  assert_problem(await node.as("user-0", "/api/oauth/nothing/authorize"), 404, "not_found");
  for (const evil of ["https://evil.example/", "//evil.example", "/\\evil.example"]) {
    assert_problem(await node.as("user-0", `/api/oauth/spotify/authorize?redirect=${encodeURIComponent(evil)}`), 400, "bad_request");
  }
  assert_problem(await connect(node, "spotify", { cookie: "lapwing_oauth=somebody-elses" }), 400, "bad_request");
  const forged = await node.request("/api/oauth/spotify/callback?code=x&state=made-up",
    { headers: { Cookie: "lapwing_oauth=made-up" } });
  assert.equal(forged.status, 302);
  assert.match(forged.headers.location, /connect_error=bad_request/);
  assert.deepEqual((await node.as("user-0", "/api/connections")).json.connections, []);
  assert_problem(await node.request("/api/connections"), 401, "missing_token");
});

test("a disconnected platform keeps no token and tells so", async (t) => {
  const { node } = await connected_node(t);
  assert.equal((await connect(node, "github")).status, 302);
  const stream = await SseStream.open(t, node, { token: user_token("user-0") });
  await stream.first("connected");
  assert.equal((await node.as("user-0", "/api/connections/github", { method: "DELETE" })).status, 204);
  await stream.until(() => stream.of("connection_status").some(({ status }) => status === "disconnected"), "the word");
  const [left] = (await node.as("user-0", "/api/connections")).json.connections;
  assert.equal(left.status, "disconnected");
  assert_problem(await node.as("user-0", "/api/connections/spotify", { method: "DELETE" }), 404, "not_found");
});

test("connections outlive kill -9, and tokens lie sealed", async (t) => {
  const { node } = await connected_node(t);
  assert.equal((await connect(node, "spotify")).status, 302);
  await node.kill();
  await node.start();
  const [left] = (await node.as("user-0", "/api/connections")).json.connections;
  assert.equal(left.status, "connected");
  // Nothing of it is in memory yet, and the doctor knows it.
  const [report] = (await node.as("user-0", "/api/monitoring/status")).json.connections;
  assert.equal(report.platform, "spotify");
  assert.equal(report.healthy, true);
  assert.equal(report.state, "connected");
  const { registrations } = (await node.as("user-0", "/api/webhooks/registrations/user-0")).json;
  assert.equal(registrations[0].platform, "spotify");
  const sync = await node.as("user-0", "/api/connections/spotify/sync", { method: "POST" });
  assert.equal(sync.status, 202);
});

test("S3-36 and S3-37: the banner tells what runs by itself, the log what it does", async (t) => {
  const { node, simulator } = await connected_node(t);
  // Standard error is another pipe than the "ready" on standard output: each line may come later.
  await node.until(() => /background +tokens and polls that are due are looked for every 200ms/.test(node.stderr), () => `the banner; ${node.stderr}`);
  for (const [title, interval] of [["Spotify", "30m"], ["YouTube", "2h"], ["GitHub", "6h"], ["Discord", "4h"], ["Gmail", "1h"],
    ["Slack", "4h"], ["Google Calendar", "2h"]]) {
    await node.until(() => node.stderr.includes(`background   ${title} is polled every ${interval}\n`), () => `${title}\n${node.stderr}`);
  }
  const stream = await SseStream.open(t, node, { token: user_token("user-0") });
  await stream.first("connected");
  assert.equal((await connect(node, "spotify")).status, 302);
  await stream.first("platform_sync");
  await simulator.order({ do: "expire_access_tokens", platform: "spotify" });
  await node.as("user-0", "/api/connections/spotify/sync", { method: "POST" });
  await stream.first("token_refresh");
  await simulator.order({ do: "revoke", platform: "spotify" });
  await node.as("user-0", "/api/connections/spotify/sync", { method: "POST" });
  await stream.until(() => stream.of("connection_status").some(({ status }) => status === "needs_reauth"), "the end");
  for (const line of [/info +SSE stream connected and authenticated for user user-0$/m, /info +spotify connected for user user-0$/m,
    /info +\d+ new in recently_played of Spotify \(user: user-0\)$/m,
    /info +spotify data synced successfully \(user: user-0\)$/m, /info +token refreshed for spotify \(user: user-0\)$/m,
    /warning +Spotify .* Connect it again to go on; all settings are kept\. \(user: user-0\)$/m]) {
    await node.until(() => line.test(node.stderr), () => `${line} in\n${node.stderr}`);
  }
});
