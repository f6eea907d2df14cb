// Seed 003's myplatform: a ninth platform that is nothing but a file. It connects, is read, keeps its
// tokens fresh and receives signed webhooks.
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import test from "node:test";
import { assert_problem, position, start_node } from "./support/node.mjs";
import { Provider, platform_file } from "./support/provider.mjs";
import { standard_headers, user_token } from "./support/sign.mjs";
import { SseStream } from "./support/sse.mjs";

const secret = "whsec_" + Buffer.from("the ninth platform signs with it").toString("base64");

async function ninth_platform(t) {
  const provider = await Provider.start(t);
  const node = await start_node(t, {
    start: false,
    config: "[platforms]\nscan = \"200ms\"\n\n[outbound]\nallow_private_addresses = true\n",
    env: {
      MYPLATFORM_CLIENT_ID: provider.client.id,
      MYPLATFORM_CLIENT_SECRET: provider.client.secret,
      ENCRYPTION_KEY: "0123456789abcdef".repeat(4),
      API_URL: "http://127.0.0.1:1",
    },
  });
  const folder = join(dirname(node.config_file), "platforms");
  mkdirSync(folder);
  writeFileSync(join(folder, "myplatform.toml"), platform_file(provider, { secret }));
  await node.start();
  return { node, provider };
}

async function connect(node, user) {
  const start = await node.as(user, "/api/oauth/myplatform/authorize?redirect=/done");
  assert.equal(start.status, 302, start.text);
  const consent = await fetch(start.headers.location, { redirect: "manual" });
  const back = new URL(consent.headers.get("location"));
  const end = await node.request(`${back.pathname}${back.search}`,
    { headers: { Cookie: start.headers["set-cookie"][0].split(";")[0] } });
  assert.equal(end.headers.location, "/done?connected=myplatform", end.text);
}

async function open_stream(t, node, user) {
  const stream = await SseStream.open(t, node, { token: user_token(user) });
  await stream.first("connected");
  return stream;
}

async function stored(node, user) {
  const page = (await node.as(user, "/api/data/myplatform?type=user_data&limit=1000")).json;
  return page.items.map(({ data }) => data.id).sort();
}

const names = (count) => Array.from({ length: count }, (_, index) => `item-${index + 1}`).sort();

async function sync(node, user, stream) {
  const before = stream.of("platform_sync").length;
  const answer = await node.as(user, "/api/connections/myplatform/sync", { method: "POST" });
  assert.equal(answer.status, 202, answer.text);
  await stream.wait_for("platform_sync", before + 1);
}

test("a platform that is only a file connects, and all pages of it are read", async (t) => {
  const { node, provider } = await ninth_platform(t);
  provider.add_items(5);
  const stream = await open_stream(t, node, "ann");
  await connect(node, "ann");
  const sync_event = await stream.first("platform_sync");
  assert.equal(sync_event.message, "myplatform data synced successfully");
  const told = stream.of("new_data");
  assert.equal(told.reduce((sum, { count }) => sum + count, 0), 5);
  for (const event of told) {
    assert.equal(event.platform, "myplatform");
    assert.equal(event.dataType, "user_data");
  }
  assert.deepEqual(await stored(node, "ann"), names(5));
  const [connection] = (await node.as("ann", "/api/connections")).json.connections;
  assert.equal(connection.status, "connected");
  assert.deepEqual(provider.refused, []);
});

test("it goes on from its cursor, knows an unchanged answer, and starts over when the cursor is gone", async (t) => {
  const { node, provider } = await ninth_platform(t);
  provider.add_items(3);
  const stream = await open_stream(t, node, "ann");
  await connect(node, "ann");
  await stream.first("platform_sync");
  provider.add_items(2);
  await sync(node, "ann", stream);
  assert.deepEqual(await stored(node, "ann"), names(5));
  assert.ok(provider.calls.some(({ query }) => query.get("after") === "1:3"), "the cursor was sent");
  await sync(node, "ann", stream);
  await sync(node, "ann", stream);
  assert.ok(provider.count("/user/data", 304) > 0, "If-None-Match was sent");
  provider.expire_cursors();
  provider.add_items(1);
  await sync(node, "ann", stream);
  assert.ok(provider.count("/user/data", 410) > 0);
  assert.deepEqual(await stored(node, "ann"), names(6));
  assert.equal(stream.of("new_data").reduce((sum, { count }) => sum + count, 0), 6, "nothing was told twice");
});

test("its tokens are renewed: halfway when they are short, at once when one is refused", async (t) => {
  const { node, provider } = await ninth_platform(t);
  provider.token_life_s = 4;
  const stream = await open_stream(t, node, "ann");
  await connect(node, "ann");
  provider.token_life_s = 3600;
  const renewed = await stream.first("token_refresh");
  assert.equal(renewed.platform, "myplatform");
  assert.equal(renewed.userId, "ann");
  provider.add_items(1);
  provider.expire_access();
  await sync(node, "ann", stream);
  await stream.wait_for("token_refresh", 2);
  assert.deepEqual(await stored(node, "ann"), names(1));
  assert.deepEqual(provider.refused, [], "a refresh token was used once");
});

test("a withdrawn consent is told once with its remedy, and connecting again goes on", async (t) => {
  const { node, provider } = await ninth_platform(t);
  provider.add_items(2);
  const stream = await open_stream(t, node, "ann");
  await connect(node, "ann");
  await stream.first("platform_sync");
  provider.revoke();
  await node.as("ann", "/api/connections/myplatform/sync", { method: "POST" });
  const lost = () => stream.of("connection_status").filter(({ status }) => status === "needs_reauth");
  await stream.until(() => lost().length, "needs_reauth");
  assert.equal(lost()[0].data.remedy, "/api/oauth/myplatform/authorize");
  provider.add_items(1);
  const syncs = stream.of("platform_sync").length;
  await connect(node, "ann");
  await stream.wait_for("platform_sync", syncs + 1);
  assert.deepEqual(await stored(node, "ann"), names(3));
  assert.equal(lost().length, 1);
});

test("its signed webhooks arrive, once each; others do not", async (t) => {
  const { node } = await ninth_platform(t);
  const stream = await open_stream(t, node, "ann");
  await connect(node, "ann");
  const body = JSON.stringify({ type: "data.created", data: { id: "item-1" } });
  const post = (headers) => node.request("/api/webhooks/myplatform/ann", { method: "POST", body, headers });
  const headers = standard_headers(body, { id: "msg_1", secret });
  const first = await post(headers);
  assert.equal(first.status, 200, first.text);
  const event = await stream.first("webhook_received");
  assert.equal(event.platform, "myplatform");
  assert.equal(event.data.event, "data.created");
  assert.equal(position(event.id), position(first.json.id));
  assert.equal((await post(headers)).json.duplicate, true);
  const other = "whsec_" + Buffer.from("a secret that is somebody else's").toString("base64");
  assert_problem(await post(standard_headers(body, { id: "msg_2", secret: other })), 401, "signature_mismatch");
  assert.equal(stream.of("webhook_received").length, 1);
  const report = (await node.as("ann", "/api/monitoring/status")).json.connections
    .find(({ platform }) => platform === "myplatform");
  assert.equal(report.deliveries, 1);
  for (const text of [node.stderr, JSON.stringify(report)]) assert.doesNotMatch(text, /whsec_|secret-9/);
});
