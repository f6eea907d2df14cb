// What a stream can be asked for and how it ends.
import assert from "node:assert/strict";
import test from "node:test";
import { admin_token, jwt, now_s, service_token, user_token } from "./support/sign.mjs";
import { SseStream } from "./support/sse.mjs";
import { WsStream } from "./support/websocket.mjs";
import { assert_ascending, assert_problem, position, start_node } from "./support/node.mjs";

const send = (node, user, event, more = {}) =>
  node.service("/api/sse/send", { method: "POST", body: { userId: user, event, ...more } });

test("an SSE answer has the headers that keep proxies and caches away", async (t) => {
  const node = await start_node(t, { dev: true });
  const stream = await SseStream.open(t, node, { user: "u1" });
  const { headers } = stream.response;
  assert.match(headers["content-type"], /^text\/event-stream/);
  assert.match(headers["cache-control"], /no-store|no-cache/);
  assert.equal(headers["x-accel-buffering"], "no");
  await stream.first("connected");
  assert.match(stream.retry, /^\d+$/);
});

test("types and platforms filter the stream, and the position moves on all the same", async (t) => {
  const node = await start_node(t, { dev: true });
  const wanted = await SseStream.open(t, node, { user: "u1", query: { types: "a,b", platforms: "spotify" } });
  const socket = await WsStream.open(t, node, { auth: { userId: "u1", types: ["a", "b"], platforms: ["spotify"] } });
  await wanted.first("connected");
  await socket.first("connected");
  for (const type of ["a", "b", "c"]) {
    for (const platform of ["spotify", "github"]) await send(node, "u1", { type, platform });
  }
  await send(node, "u1", { type: "b", platform: "spotify", message: "last" });
  for (const stream of [wanted, socket]) {
    const last = await stream.until(() => stream.of("b").find(({ message }) => message === "last"), "the last event");
    assert.equal(stream.of("a").length, 1);
    assert.equal(stream.of("b").length, 2);
    assert.equal(stream.of("c").length, 0);
    assert.equal(position(last.id), 7);
  }
  socket.send({ type: "subscribe", types: ["c"], platforms: ["github"] });
  const set = await socket.first("subscribed");
  assert.deepEqual([...set.types].sort(), ["a", "b", "c"]);
  assert.deepEqual([...set.platforms].sort(), ["github", "spotify"]);
  await send(node, "u1", { type: "c", platform: "github" });
  await socket.first("c");
});

test("payload=full adds the whole delivery, otherwise only history has it", async (t) => {
  const node = await start_node(t, { dev: true });
  const brief = await SseStream.open(t, node, { user: "u1" });
  const full = await SseStream.open(t, node, { user: "u1", query: { payload: "full" } });
  const socket = await WsStream.open(t, node, { auth: { userId: "u1", payload: "full" } });
  for (const stream of [brief, full, socket]) await stream.first("connected");
  const body = '{\n  "ref": "refs/heads/main",\r\n  "commits": []\n}';
  const { id } = (await node.github("u1", body, { delivery: "d-1" })).json;
  assert.equal((await brief.first("webhook_received")).data.payload, undefined);
  assert.deepEqual((await full.first("webhook_received")).data.payload, JSON.parse(body));
  assert.deepEqual((await socket.first("webhook_received")).data.payload, JSON.parse(body));
  const single = (await node.request(`/api/events/${id}?userId=u1`)).json;
  assert.deepEqual(single.data.payload, JSON.parse(body));
});

test("CloudEvents are delivered on request by header and by query", async (t) => {
  const node = await start_node(t, { dev: true });
  const streams = [
    await SseStream.open(t, node, { user: "u1", headers: { Accept: "application/cloudevents+json" } }),
    await SseStream.open(t, node, { user: "u1", query: { format: "cloudevents" } }),
  ];
  assert.equal((await node.push("u1", 1, "d-1")).status, 200);
  for (const stream of streams) {
    const event = await stream.first("lapwing.webhook_received");
    assert.equal(event.specversion, "1.0");
    assert.equal(position(event.id), 1);
    assert.match(event.source, /u1/);
    assert.ok(!Number.isNaN(Date.parse(event.time)));
    assert.equal(event.datacontenttype, "application/json");
    assert.equal(event.data.data.deliveryId, "d-1");
  }
});

test("heartbeats come at their interval and name the newest id", async (t) => {
  const node = await start_node(t, { dev: true, env: { LAPWING_STREAMS__HEARTBEAT: "100ms" } });
  const sse = await SseStream.open(t, node, { user: "u1" });
  const ws = await WsStream.open(t, node, { auth: { userId: "u1" } });
  for (const stream of [sse, ws]) await stream.first("connected");
  const sent = await send(node, "u1", { type: "x" });
  for (const stream of [sse, ws]) {
    const beat = await stream.until(
      () => stream.of("heartbeat").find(({ lastEventId }) => lastEventId && /^u1\b/.test(lastEventId)),
      () => `a heartbeat at ${sent.json.id}; got ${stream.summary()}`,
    );
    assert.equal(position(beat.lastEventId), position(sent.json.id));
    await stream.wait_for("heartbeat", 5);
  }
});

test("connected tells the session and whether it was resumed", async (t) => {
  const node = await start_node(t, { dev: true });
  const first = await SseStream.open(t, node, { user: "u1" });
  const hello = await first.first("connected");
  assert.match(hello.sessionId, /\S/);
  assert.equal(hello.resumed, false);
  assert.equal(typeof hello.lastEventId, "string");
  await send(node, "u1", { type: "x" });
  await first.first("x");
  const again = await SseStream.open(t, node, { user: "u1", last_event_id: first.last_id });
  const resumed = await again.first("connected");
  assert.equal(resumed.resumed, true);
  assert.notEqual(resumed.sessionId, hello.sessionId);
});

test("a stream that just connected can resume from what connected said", async (t) => {
  const node = await start_node(t, { dev: true });
  await send(node, "u1", { type: "old" });
  const first = await WsStream.open(t, node, { auth: { userId: "u1" } });
  const { lastEventId } = await first.first("connected");
  first.close();
  await send(node, "u1", { type: "missed" });
  const second = await WsStream.open(t, node, { auth: { userId: "u1", lastEventId } });
  await second.first("missed");
  assert.equal(second.of("old").length, 0);
});

test("a user has at most 16 streams, and a place is free again when one ends", async (t) => {
  const node = await start_node(t, { dev: true });
  const streams = [];
  for (let index = 0; index < 8; ++index) {
    streams.push(await SseStream.open(t, node, { user: "u1" }), await WsStream.open(t, node, { auth: { userId: "u1" } }));
  }
  for (const stream of streams) await stream.first("connected");
  const refused = await SseStream.open(t, node, { user: "u1" });
  assert.equal(refused.status, 429);
  assert.equal(refused.problem.code, "too_many_sessions");
  const refused_ws = await WsStream.open(t, node, { auth: { userId: "u1" } });
  assert.equal(await refused_ws.until_closed(), 4429);
  const other = await SseStream.open(t, node, { user: "u2" });
  assert.equal(other.status, 200);
  streams[0].close();
  await node.connections(8);
  const next = await SseStream.open(t, node, { user: "u1" });
  assert.equal(next.status, 200);
});

test("a slow client is cut off, holds nobody up, and can resume", async (t) => {
  const node = await start_node(t, { env: { LAPWING_LIMITS__SESSION_QUEUE: "65536" } });
  await node.add_user("u1");
  const slow = await SseStream.open(t, node, { token: user_token("u1"), query: { payload: "full" } });
  const quick = await SseStream.open(t, node, { token: user_token("u1") });
  for (const stream of [slow, quick]) await stream.first("connected");
  slow.response.pause();
  let total = 0;
  const connections = async () => (await node.request("/api/sse/health")).json.connections;
  while ((await connections()) === 2) {
    assert.ok(total < 400, "the slow client was never cut off");
    const answer = await node.push("u1", total, `d-${total}`, { filler: 200_000 });
    assert.equal(answer.status, 200);
    ++total;
  }
  await quick.wait_for("webhook_received", total);
  assert.equal(quick.closed, false);
  // What it got until then, and the rest by resuming.
  slow.response.resume();
  await slow.until_closed();
  const got = slow.of("webhook_received");
  assert.ok(got.length < total);
  const resumed = await SseStream.open(t, node, { token: user_token("u1"), last_event_id: slow.last_id });
  const rest = await resumed.wait_for("webhook_received", total - got.length);
  const all = [...got, ...rest];
  assert.deepEqual(all.map(({ data }) => data.deliveryId), Array.from({ length: total }, (_, index) => `d-${index}`));
  assert_ascending(all.map(({ id }) => position(id)), "both streams");
});

test("a slow WebSocket is cut off and can resume", async (t) => {
  const node = await start_node(t, { env: { LAPWING_LIMITS__SESSION_QUEUE: "65536" } });
  await node.add_user("u1");
  const auth = { token: user_token("u1"), payload: "full" };
  const slow = await WsStream.open(t, node, { auth });
  await slow.first("connected");
  slow.socket.pause();
  let total = 0;
  while ((await node.request("/health")).json.websocket.active_connections === 1) {
    assert.ok(total < 400, "the slow client was never cut off");
    assert.equal((await node.push("u1", total, `d-${total}`, { filler: 200_000 })).status, 200);
    ++total;
  }
  slow.socket.resume();
  await slow.until_closed();
  const got = slow.of("webhook_received");
  assert.ok(got.length < total);
  const resumed = await WsStream.open(t, node, { auth: { ...auth, lastEventId: got.at(-1)?.id ?? "u0" } });
  const rest = await resumed.wait_for("webhook_received", total - got.length);
  assert.deepEqual([...got, ...rest].map(({ data }) => data.deliveryId),
    Array.from({ length: total }, (_, index) => `d-${index}`));
});

test("a stream ends when its token does, unless it was renewed", async (t) => {
  const node = await start_node(t, { env: { LAPWING_AUTH__LEEWAY: "0s" } });
  await node.add_user("u1");
  const short = () => jwt({ sub: "u1", exp: now_s() + 2 });
  const sse = await SseStream.open(t, node, { token: short() });
  const ws = await WsStream.open(t, node, { auth: { token: short() } });
  const renewed = await WsStream.open(t, node, { auth: { token: short() } });
  for (const stream of [sse, ws, renewed]) await stream.first("connected");
  renewed.send({ type: "auth", token: user_token("u1") });
  assert.equal(await ws.until_closed(), 4401);
  await sse.until_closed();
  assert.match(JSON.stringify(sse.blocks.at(-1).comments), /expired/);
  assert.equal(renewed.close_code, undefined);
  assert.equal((await node.push("u1", 1, "d-1")).status, 200);
  await renewed.first("webhook_received");
  // Renewing for somebody else is no renewal.
  renewed.send({ type: "auth", token: user_token("u2") });
  await renewed.until(() => renewed.of("error").length || renewed.close_code, "a refusal");
});

test("a token is taken as a header and as either query name", async (t) => {
  const node = await start_node(t);
  await node.add_user("u1");
  const token = user_token("u1");
  for (const query of [{ access_token: token }, { token }]) {
    const stream = await SseStream.open(t, node, { query });
    assert.equal(stream.status, 200);
    const socket = await WsStream.open(t, node, { query });
    await socket.first("connected");
  }
  const both = await WsStream.open(t, node, { headers: { Authorization: `Bearer ${token}` } });
  await both.first("connected");
});

test("an admin hears every submission, the service role everybody's stream", async (t) => {
  const node = await start_node(t);
  await node.add_user("u1");
  const admin = await WsStream.open(t, node, { path: "/ws/admin", auth: { token: admin_token() } });
  await admin.first("connected");
  const service = await SseStream.open(t, node, { token: service_token(), user: "u1" });
  await service.first("connected");
  await node.push("u1", 1, "d-1");
  await service.first("webhook_received");
});

test("HEAD of a stream and a POST to it open nothing", async (t) => {
  const node = await start_node(t, { dev: true });
  const head = await node.request("/api/sse/stream?userId=u1", { method: "HEAD" });
  assert.equal(head.status, 200);
  const post = await node.request("/api/sse/stream?userId=u1", { method: "POST", body: {} });
  assert_problem(post, 405, "method_not_allowed");
  await node.connections(0);
  const missing = await SseStream.open(t, node);
  assert.ok([400, 401].includes(missing.status));
});

test("events of one user never reach another", async (t) => {
  const node = await start_node(t, { dev: true });
  const streams = await Promise.all(
    Array.from({ length: 20 }, (_, index) => SseStream.open(t, node, { user: `user-${index}` })));
  await Promise.all(streams.map((stream) => stream.first("connected")));
  await Promise.all(streams.flatMap((_, index) =>
    [0, 1, 2].map((number) => node.push(`user-${index}`, number, `d-${index}-${number}`))));
  for (const [index, stream] of streams.entries()) {
    const events = await stream.wait_for("webhook_received", 3);
    assert.deepEqual(events.map(({ data }) => data.deliveryId).sort(), [0, 1, 2].map((number) => `d-${index}-${number}`));
    assert.ok(events.every(({ userId }) => userId === `user-${index}`));
  }
});
