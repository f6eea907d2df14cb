// What the customer's five seed documents show: routes, shapes and answers, word for word.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import test from "node:test";
import { EventSource } from "eventsource";
import WebSocket from "ws";
import {
  admin_token, now_s, slack_headers, standard_headers, supabase_secret, user_token,
} from "./support/sign.mjs";
import { SseStream } from "./support/sse.mjs";
import { WsStream } from "./support/websocket.mjs";
import { assert_problem, start_node } from "./support/node.mjs";
import { Watched, afterwards, eventually } from "./support/waiting.mjs";

const json_type = /^application\/json/;

test("S0-5: the webhook health answer is the seed's", async (t) => {
  const node = await start_node(t);
  const answer = await node.request("/api/webhooks/health");
  assert.equal(answer.status, 200);
  assert.match(answer.headers["content-type"], json_type);
  const { status, service, endpoints } = answer.json;
  assert.equal(status, "ok");
  assert.equal(service, "webhook-receiver");
  for (const [platform, path] of Object.entries({
    github: "/api/webhooks/github/:userId", gmail: "/api/webhooks/gmail", slack: "/api/webhooks/slack/:userId",
  })) assert.equal(endpoints[platform], path);
});

test("S0-21 and S0-22: SSE health counts connections and stats are for the service", async (t) => {
  const node = await start_node(t, { dev: true });
  assert.deepEqual((await node.request("/api/sse/health")).json, { status: "ok", service: "sse", connections: 0 });
  const stream = await SseStream.open(t, node, { user: "u1" });
  await stream.first("connected");
  assert.deepEqual((await node.request("/api/sse/health")).json, { status: "ok", service: "sse", connections: 1 });
  const stats = await node.service("/api/sse/stats");
  assert.equal(stats.status, 200);
  assert.equal(typeof stats.json, "object");
  stream.close();
  await node.connections(0);
});

test("S1-17, S1-26 and S1-71: a browser's EventSource gets connected by onmessage and events by name", async (t) => {
  const node = await start_node(t, { dev: true });
  const source = new EventSource(`${node.url}/api/sse/stream?userId=YOUR_USER_ID`);
  afterwards(t, () => source.close());
  const got = Object.assign(new Watched(), { messages: [], webhooks: [] });
  source.onmessage = (event) => {
    got.messages.push(JSON.parse(event.data));
    got.changed();
  };
  source.addEventListener("webhook_received", (event) => {
    got.webhooks.push(JSON.parse(event.data));
    got.changed();
  });
  await got.until(() => got.messages.length, "the first message");
  assert.equal(got.messages[0].type, "connected");
  assert.equal(typeof got.messages[0].sessionId, "string");
  assert.equal((await node.push("YOUR_USER_ID", 1, "d-1")).status, 200);
  await got.until(() => got.webhooks.length, "the webhook event");
  assert.equal(got.webhooks[0].type, "webhook_received");
  assert.equal(got.webhooks[0].platform, "github");
  assert.equal(got.messages.length, 1, "named events do not fire onmessage");
});

test("S1-27 and S3-22: a WebSocket on /ws with the seed's first message gets events", async (t) => {
  const node = await start_node(t, { dev: true });
  const socket = new WebSocket(`ws://127.0.0.1:${node.port}/ws`);
  afterwards(t, () => socket.terminate());
  const got = Object.assign(new Watched(), { messages: [] });
  socket.on("message", (data) => {
    got.messages.push(JSON.parse(data));
    got.changed();
  });
  socket.on("open", () => socket.send(JSON.stringify({ type: "auth", userId: "user-123" })));
  await got.until(() => got.messages[0]?.type === "connected", "connected");
  // S3-24 and S3-25, sent by a backend.
  const example = { type: "platform_sync", platform: "spotify", message: "spotify data synced successfully" };
  const sent = await node.service("/api/sse/send", { method: "POST", body: { userId: "user-123", event: example } });
  assert.equal(sent.status, 202, sent.text);
  await got.until(() => got.messages[1], "the event");
  for (const [key, value] of Object.entries(example)) assert.equal(got.messages[1][key], value);
});

test("S0-20 and S3-24: new_data has count and dataType at the top and in data", async (t) => {
  const node = await start_node(t, { dev: true });
  const stream = await SseStream.open(t, node, { user: "u1" });
  await stream.first("connected");
  const event = { type: "new_data", platform: "spotify", count: 50, dataType: "recently_played",
    data: { count: 50, dataType: "recently_played" } };
  const answer = await node.service("/api/sse/send", { method: "POST", body: { userId: "u1", event } });
  assert.equal(answer.status, 202, answer.text);
  const got = await stream.first("new_data");
  assert.equal(got.count, 50);
  assert.equal(got.dataType, "recently_played");
  assert.equal(got.data.count, 50);
  assert.equal(got.data.dataType, "recently_played");
  assert.equal(got.platform, "spotify");
});

test("S1-18, S1-19 and S3-27: send reaches one user, broadcast everybody, and both are resumable", async (t) => {
  const node = await start_node(t, { dev: true });
  const one = await SseStream.open(t, node, { user: "one" });
  const two = await WsStream.open(t, node, { auth: { userId: "two" } });
  await one.first("connected");
  await two.first("connected");
  const post = (path, body) => node.service(path, { method: "POST", body });
  const sent = await post("/api/sse/send", { userId: "one", event: { type: "custom_notification", message: "Your soul signature has been updated!" } });
  assert.equal(sent.status, 202);
  assert.equal(typeof sent.json.id, "string");
  assert.equal(sent.json.sessions, 1);
  assert.equal((await one.first("custom_notification")).message, "Your soul signature has been updated!");
  const broadcast = await post("/api/sse/broadcast", { event: { type: "notice", data: { text: "hello all" } } });
  assert.equal(broadcast.status, 202);
  assert.equal(broadcast.json.sessions, 2);
  assert.equal((await one.first("notice")).data.text, "hello all");
  assert.equal((await two.first("notice")).data.text, "hello all");
  assert.equal(two.of("custom_notification").length, 0);
  assert.equal((await post("/api/sse/send", { userId: "nobody-there", event: { type: "later" } })).json.sessions, 0);
  const later = await SseStream.open(t, node, { user: "nobody-there", last_event_id: "u0" });
  await later.first("later");
});

test("an ephemeral event has no id, reaches the live and nobody later", async (t) => {
  const node = await start_node(t, { dev: true });
  const stream = await SseStream.open(t, node, { user: "u1" });
  await stream.first("connected");
  const before = stream.last_id;
  const sent = await node.service("/api/sse/send", {
    method: "POST", body: { userId: "u1", event: { type: "typing" }, ephemeral: true },
  });
  assert.equal(sent.status, 202);
  assert.equal(sent.json.id, undefined);
  assert.equal(sent.json.sessions, 1);
  const got = await stream.first("typing");
  assert.equal(got.id, undefined);
  assert.equal(stream.last_id, before);
  const events = (await node.request("/api/events?userId=u1")).json.events;
  assert.deepEqual(events, []);
});

test("bad bodies of send and broadcast are refused", async (t) => {
  const node = await start_node(t, { dev: true });
  for (const body of ["", "{", "[]", "{}", '{"userId":"u1"}', '{"userId":"u1","event":{}}',
    '{"userId":"u1","event":{"type":"a b"}}', '{"userId":"u1","event":{"type":5}}',
    '{"userId":"a/b","event":{"type":"x"}}', `{"userId":"u1","event":{"type":"${"x".repeat(65)}"}}`]) {
    const answer = await node.service("/api/sse/send", {
      method: "POST", body, headers: { "Content-Type": "application/json" },
    });
    assert.equal(answer.status, 400, `${body}: ${answer.text}`);
    assert.ok(["bad_request", "malformed_json"].includes(answer.json.code));
  }
  const form = await node.service("/api/sse/send", {
    method: "POST", body: "userId=u1", headers: { "Content-Type": "application/x-www-form-urlencoded" },
  });
  assert_problem(form, 415, "unsupported_media_type");
  assert.deepEqual((await node.request("/api/events?userId=u1")).json.events, []);
});

test("a sender cannot forge the members that the node sets", async (t) => {
  const node = await start_node(t, { dev: true });
  const stream = await SseStream.open(t, node, { user: "u1" });
  await stream.first("connected");
  const event = { type: "x", id: "u999", userId: "other", timestamp: "1999", room: "admin", message: "m", data: { a: 1 } };
  assert.equal((await node.service("/api/sse/send", { method: "POST", body: { userId: "u1", event } })).status, 202);
  const block = await stream.until(() => stream.blocks.find(({ json }) => json?.type === "x"), "the event");
  assert.equal(block.json.userId, "u1");
  assert.notEqual(block.json.id, "u999");
  assert.equal(block.json.id, block.id);
  assert.notEqual(block.json.timestamp, "1999");
  assert.equal(block.json.room, undefined);
  // No member twice: a parser that takes the first must see the same as one that takes the last.
  assert.equal(block.data.split('"userId"').length, 2);
  assert.equal(block.data.split('"timestamp"').length, 2);
});

test("S0-7, S0-10 and S1-5: Slack's challenge, events, retries and rate notice", async (t) => {
  const node = await start_node(t);
  await node.add_user("u1");
  const post = (value, more = {}) => {
    const body = JSON.stringify(value);
    return node.request("/api/webhooks/slack/u1", { method: "POST", body, headers: { ...slack_headers(body), ...more } });
  };
  const challenge = await post({ token: "t", challenge: "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P", type: "url_verification" });
  assert.equal(challenge.status, 200);
  assert.equal(challenge.json?.challenge ?? challenge.text, "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P");
  const message = {
    token: "t", team_id: "T1", api_app_id: "A1", type: "event_callback", event_id: "Ev1", event_time: now_s(),
    event: { type: "message", channel: "C1", user: "U1", text: "hello", ts: "1355517523.000005", event_ts: "1355517523.000005", channel_type: "channel" },
  };
  const first = await post(message);
  assert.equal(first.status, 200);
  assert.equal(first.json.received, true);
  const retried = await post(message, { "X-Slack-Retry-Num": "1", "X-Slack-Retry-Reason": "http_timeout" });
  assert.deepEqual(retried.json, { received: true, duplicate: true, id: first.json.id });
  // A retry of something never stored is the first time for us.
  const lost = await post({ ...message, event_id: "Ev2" }, { "X-Slack-Retry-Num": "2", "X-Slack-Retry-Reason": "http_error" });
  assert.equal(lost.json.duplicate, undefined);
  const limited = { token: "t", type: "app_rate_limited", team_id: "T1", minute_rate_limited: 1518467820, api_app_id: "A1" };
  assert.equal((await post(limited)).status, 200);
  assert.equal((await post(limited)).json.duplicate, true);
  const events = await node.history("u1");
  assert.deepEqual(events.map(({ data }) => data.event), ["message", "message", "app_rate_limited"]);
  assert.ok(events.every(({ platform }) => platform === "slack"));
  assert.ok(!(await node.as("u1", `/api/events/${first.json.id}`)).text.includes('"token":"t"'), "the token is not kept");
});

test("S0-14: registrations tell without a secret", async (t) => {
  const node = await start_node(t);
  await node.add_user("u1");
  assert.equal((await node.push("u1", 1, "d-1")).status, 200);
  const answer = await node.as("u1", "/api/webhooks/registrations/u1");
  assert.equal(answer.status, 200, answer.text);
  assert.match(answer.text, /github/);
  assert.equal((await node.as("u1", "/api/monitoring/status")).status, 200);
});

const submission = (type, record, old_record = null) => ({ type, table: "submissions", schema: "public", record, old_record });

test("S4-5 to S4-7: a submission update reaches the admin's and the artist's sockets", async (t) => {
  const node = await start_node(t, { dev: true });
  const admin = await WsStream.open(t, node, { path: "/ws/admin", auth: { token: admin_token() } });
  const artist = await WsStream.open(t, node, { path: "/ws/artist/artist-7", auth: { userId: "artist-7" } });
  const other = await WsStream.open(t, node, { path: "/ws/artist/artist-8", auth: { userId: "artist-8" } });
  for (const stream of [admin, artist, other]) await stream.first("connected");
  const body = JSON.stringify(submission("UPDATE",
    { id: 5, user_id: "artist-7", status: "approved", updated_at: "2026-11-21T09:00:00Z" }, { id: 5, user_id: "artist-7", status: "pending" }));
  const json = { "Content-Type": "application/json" };
  const hex = createHmac("sha256", supabase_secret).update(body).digest("hex");
  // Each way of proving the secret; the change itself is the same, so it takes effect once.
  const ways = [
    { "X-Webhook-Secret": supabase_secret }, { Authorization: `Bearer ${supabase_secret}` },
    { "X-Webhook-Signature": hex },
  ];
  const ids = new Set();
  for (const headers of ways) {
    const answer = await node.request("/webhook/submission-update", { method: "POST", body, headers: { ...json, ...headers } });
    assert.equal(answer.status, 200, `${JSON.stringify(headers)}: ${answer.text}`);
    ids.add(answer.json.id);
  }
  assert.equal(ids.size, 1);
  const to_admin = await admin.first("submission_update");
  const to_artist = await artist.first("submission_update");
  assert.equal(to_admin.room, "admin");
  assert.equal(to_artist.room, "artist:artist-7");
  assert.match(JSON.stringify(to_admin.data), /approved/);
  const done = await node.request("/webhook/submission-update", {
    method: "POST", body: JSON.stringify(submission("DELETE", null, { id: 6, user_id: "artist-8" })),
    headers: { ...json, "X-Webhook-Secret": supabase_secret },
  });
  assert.equal(done.status, 200);
  await other.first("submission_update");
  await admin.wait_for("submission_update", 2);
  assert.equal(artist.of("submission_update").length, 1);
});

test("S4-4 and S4-11: a status update is broadcast even without a mail service", async (t) => {
  const node = await start_node(t, { dev: true });
  const admin = await WsStream.open(t, node, { path: "/ws/admin", auth: { token: admin_token() } });
  await admin.first("connected");
  const body = JSON.stringify(submission("UPDATE", { id: 9, user_id: "a", status: "rejected", email: "a@example.com" }));
  const answer = await node.request("/webhook/submission-status-update", {
    method: "POST", body, headers: { "Content-Type": "application/json", "X-Webhook-Secret": supabase_secret },
  });
  assert.equal(answer.status, 200, answer.text);
  await admin.first("submission_update");
});

test("S4-8: /health tells status, WebSocket connections, rooms and features", async (t) => {
  const node = await start_node(t, { dev: true });
  const before = await node.request("/health");
  assert.equal(before.status, 200);
  assert.match(before.headers["content-type"], json_type);
  const socket = await WsStream.open(t, node, { path: "/ws/admin", auth: { token: admin_token() } });
  await socket.first("connected");
  const after = (await node.request("/health")).json;
  assert.equal(typeof after.status, "string");
  const grew = Object.keys(after).filter((key) => typeof after[key] === "number" && after[key] === before.json[key] + 1);
  assert.ok(grew.length >= 2, `connections and rooms: ${JSON.stringify(after)}`);
  assert.equal(typeof after.features, "object");
});

test("S1-28: SSE and WebSocket of one user get the same events at once", async (t) => {
  const node = await start_node(t, { dev: true });
  const streams = [];
  for (let index = 0; index < 4; ++index) {
    streams.push(await SseStream.open(t, node, { user: "u1" }));
    streams.push(await WsStream.open(t, node, { auth: { userId: "u1" } }));
  }
  for (const stream of streams) await stream.first("connected");
  for (let number = 0; number < 50; ++number) assert.equal((await node.push("u1", number, `d-${number}`)).status, 200);
  const all = [];
  for (const stream of streams) all.push(await stream.wait_for("webhook_received", 50));
  for (const events of all) assert.deepEqual(events, all[0]);
});

test("S4-6: rooms are joined, left and told about", async (t) => {
  const node = await start_node(t, { dev: true });
  const stream = await WsStream.open(t, node, { auth: { userId: "u1" } });
  await stream.first("connected");
  const say = async (room, message) => {
    const answer = await node.service(`/api/rooms/${room}/send`, { method: "POST", body: { event: { type: "note", message } } });
    assert.equal(answer.status, 202, answer.text);
    return answer.json;
  };
  assert.equal((await say("lobby", "nobody here")).sessions, 0);
  stream.send({ type: "subscribe", rooms: ["lobby", "team:7"] });
  const joined = await stream.first("subscribed");
  assert.deepEqual([...joined.rooms].sort(), ["lobby", "team:7"]);
  assert.equal((await say("lobby", "one")).sessions, 1);
  const note = (await stream.wait_for("note", 1))[0];
  assert.equal(note.room, "lobby");
  assert.equal(note.message, "one");
  assert.equal(note.userId, undefined);
  stream.send({ type: "unsubscribe", rooms: ["lobby"] });
  assert.deepEqual((await stream.first("unsubscribed")).rooms, ["team:7"]);
  assert.equal((await say("lobby", "two")).sessions, 0);
  await say("team:7", "three");
  assert.deepEqual((await stream.wait_for("note", 2)).map(({ message }) => message), ["one", "three"]);
  assert_problem(await node.service("/api/rooms/bad%20name/send", { method: "POST", body: { event: { type: "x" } } }), 400, "bad_request");
});

test("a generic platform's signed webhook arrives like any other", async (t) => {
  const node = await start_node(t, {
    dev: true,
    config: `[webhooks.custom.svc]
scheme = "standard-webhooks"
secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
[webhooks.custom.hmacked]
scheme = "hmac-sha256"
secret = "shared secret"
header = "X-Signature"
prefix = "sha256="
encoding = "hex"
`,
  });
  const body = '{"type":"invoice.paid","data":{"amount":5}}';
  const taken = await node.request("/api/webhooks/svc/u1", { method: "POST", body, headers: standard_headers(body, { id: "msg_1" }) });
  assert.equal(taken.status, 200, taken.text);
  const again = await node.request("/api/webhooks/svc/u1", { method: "POST", body, headers: standard_headers(body, { id: "msg_1" }) });
  assert.equal(again.json.duplicate, true);
  const mac = createHmac("sha256", "shared secret").update(body).digest("hex");
  const hmacked = await node.request("/api/webhooks/hmacked/u1", {
    method: "POST", body, headers: { "Content-Type": "application/json", "X-Signature": `sha256=${mac}`, "X-Delivery-Id": "h-1" },
  });
  assert.equal(hmacked.status, 200, hmacked.text);
  const events = (await node.request("/api/events?userId=u1")).json.events;
  assert.deepEqual(events.map(({ platform, data }) => [platform, data.event, data.deliveryId]),
    [["svc", "invoice.paid", "msg_1"], ["hmacked", "invoice.paid", "h-1"]]);
});

test("S0-54: a signed webhook is on the open stream within a second", async (t) => {
  const node = await start_node(t);
  await node.add_user("u1");
  const stream = await SseStream.open(t, node, { token: user_token("u1") });
  await stream.first("connected");
  const took = [];
  for (let number = 0; number < 50; ++number) {
    const start = performance.now();
    const posted = node.push("u1", number, `d-${number}`);
    await stream.wait_for("webhook_received", number + 1);
    took.push(performance.now() - start);
    await posted;
  }
  took.sort((left, right) => left - right);
  t.diagnostic(`median ${took[25].toFixed(2)} ms, worst ${took[49].toFixed(2)} ms`);
  assert.ok(took[49] < 1000, `${took[49]} ms`);
});

test("history pages are complete, in order and end with null", async (t) => {
  const node = await start_node(t);
  await node.add_user("u1");
  for (let number = 0; number < 25; ++number) await node.push("u1", number, `d-${number}`);
  const pages = [];
  let after = "";
  do {
    const page = (await node.as("u1", `/api/events?limit=10${after && `&after=${encodeURIComponent(after)}`}`)).json;
    pages.push(page.events.length);
    after = page.next;
  } while (after);
  assert.deepEqual(pages.filter(Boolean), [10, 10, 5]);
  assert.equal((await node.as("u1", "/api/events")).json.events.length, 25);
  for (const limit of ["0", "1001", "-1", "x"]) {
    assert_problem(await node.as("u1", `/api/events?limit=${limit}`), 400, "bad_request");
  }
  assert_problem(await node.as("u1", "/api/events?after=rubbish"), 400, "bad_request");
  assert_problem(await node.as("u1", "/api/events/u999"), 404, "not_found");
  assert_problem(await node.as("u1", "/api/events/rubbish"), 404, "not_found");
});

test("the dashboard, the description and the metrics are served", async (t) => {
  const node = await start_node(t);
  const page = await node.request("/");
  assert.equal(page.status, 200);
  assert.match(page.headers["content-type"], /^text\/html/);
  const described = (await node.request("/openapi.json")).json;
  assert.match(described.openapi, /^3\.1/);
  for (const path of ["/api/webhooks/github/{userId}", "/api/sse/stream", "/api/events", "/health"]) {
    assert.ok(described.paths[path], path);
  }
  await node.push("u1", 1, "d-1");
  const metrics = await node.request("/metrics");
  assert.equal(metrics.status, 200);
  assert.match(metrics.headers["content-type"], /^text\/plain/);
  assert.match(metrics.text, /^lapwing_[a-z_]+(\{[^}]*\})? \d/m);
  assert.equal((await node.request("/livez")).status, 200);
  await eventually(async () => (await node.request("/readyz")).status === 200, "/readyz to say 200");
});

test("S4-18: connections from pages of other origins are refused", async (t) => {
  const node = await start_node(t, { dev: true });
  const evil = await WsStream.open(t, node, { headers: { Origin: "https://evil.example" } });
  assert.equal(evil.status, 403);
  const good = await WsStream.open(t, node, { headers: { Origin: "http://localhost:8086" }, auth: { userId: "u1" } });
  await good.first("connected");
  const same = await WsStream.open(t, node, { headers: { Origin: node.url }, auth: { userId: "u1" } });
  await same.first("connected");
});

test("development identity is refused on an address that others reach", async (t) => {
  const node = await start_node(t, { dev: true, start: false, listen: "0.0.0.0:0" });
  await assert.rejects(node.start(), /ended.*"code":[12]/s);
});
