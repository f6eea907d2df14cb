// Supabase Realtime: the official clients and the stock Phoenix client against a node.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Presence } from "phoenix";
import { start_node } from "./support/node.mjs";
import { Application, RawSocket, anon_key, answer_to, clients, phoenix } from "./support/realtime.mjs";
import { jwt, now_s, service_token, user_token } from "./support/sign.mjs";
import { eventually } from "./support/waiting.mjs";

for (const kind of clients) {
  test(`${kind.name}: broadcasts reach the others, and the sender that asked for its own`, async (t) => {
    const node = await start_node(t);
    const ann = await new Application(t, node, kind).channel("room1", { broadcast: { ack: true, self: true } });
    const ben = await new Application(t, node, kind).channel("room1");
    const payload = { x: 1, text: "café – ü", deep: [1, { y: null }] };
    assert.equal(await ann.channel.send({ type: "broadcast", event: "cursor", payload }), "ok");
    for (const who of [ann, ben]) {
      const [first] = await who.until(() => who.broadcasts.length && who.broadcasts, "the broadcast");
      assert.equal(first.event, "cursor");
      assert.deepEqual(first.payload, payload);
    }
    assert.equal(await ben.channel.send({ type: "broadcast", event: "back", payload: {} }), "ok");
    await ann.until(() => ann.broadcasts.length === 2, "the answer");
    assert.equal(ben.broadcasts.length, 1);
  });

  test(`${kind.name}: presence syncs, joins and leaves over two clients`, async (t) => {
    const node = await start_node(t);
    const first_app = new Application(t, node, kind);
    const ann = await first_app.channel("room1", { presence: { key: "ann" } });
    await ann.until(() => ann.presence.some(({ event }) => event === "sync"), "the first sync");
    assert.equal(await ann.channel.track({ mood: "glad" }), "ok");
    await ann.until(() => ann.channel.presenceState().ann, "ann to see herself");
    const second_app = new Application(t, node, kind);
    const ben = await second_app.channel("room1", { presence: { key: "ben" } });
    await ben.until(() => ben.channel.presenceState().ann?.[0].mood === "glad", "ben to see ann");
    assert.equal(await ben.channel.track({ mood: "calm" }), "ok");
    await ann.until(() => ann.presence.find(({ event, key }) => event === "join" && key === "ben"), "ben's join");
    assert.equal(await ann.channel.track({ mood: "sad" }), "ok");
    // One difference with a join and a leave. realtime-js 2.109 keeps the earlier meta beside it: its
    // join callback takes the refs off the state before it looks for the one that left.
    await ben.until(() => ben.channel.presenceState().ann?.some(({ mood }) => mood === "sad"), "ann's new mood");
    assert.equal(await ann.channel.untrack(), "ok");
    await ben.until(() => ben.presence.some(({ event, key, leftPresences }) => event === "leave" && key === "ann" && leftPresences.some(({ mood }) => mood === "sad")), "ann to be gone");
    second_app.client.disconnect();
    await ann.until(() => !ann.channel.presenceState().ben, "ben to be gone");
  });

  test(`${kind.name}: refused joins say why`, async (t) => {
    const node = await start_node(t);
    const app = new Application(t, node, kind);
    const refused = await app.channel("secret", { private: true }, { subscribe: false });
    refused.subscribe();
    await refused.until(() => refused.statuses.includes("CHANNEL_ERROR"), "the refusal");
    assert.match(refused.errors[0].message, /Unauthorized: You do not have permissions to read from this Channel topic: secret/);
    const allowed = new Application(t, node, kind, { apikey: user_token("ann", { rooms: ["sec*"] }) });
    await allowed.channel("secret", { private: true });
  });

  test(`${kind.name}: heartbeats are answered`, async (t) => {
    const node = await start_node(t);
    const app = new Application(t, node, kind, { heartbeatIntervalMs: 50 });
    const beats = [];
    app.client.onHeartbeat((status) => {
      beats.push(status);
      app.changed();
    });
    await app.channel("room1");
    await app.until(() => beats.filter((status) => status === "ok").length >= 3, () => `heartbeats: ${beats}`);
    assert.ok(!beats.includes("error") && !beats.includes("timeout"));
  });

  test(`${kind.name}: a renewed token keeps the channel, a forgotten one ends it`, async (t) => {
    const node = await start_node(t, { env: { LAPWING_AUTH__LEEWAY: "0s" } });
    const short = () => user_token("ann", { exp: now_s() + 2 });
    const renewing = new Application(t, node, kind);
    await renewing.client.setAuth(short());
    const kept = await renewing.channel("room1");
    await renewing.client.setAuth(user_token("ann"));
    const forgetful = new Application(t, node, kind);
    await forgetful.client.setAuth(short());
    const lost = await forgetful.channel("room1");
    await lost.until(() => lost.statuses.includes("CLOSED"), () => `the end; ${lost.statuses}`);
    assert.match(lost.system.at(-1).message, /^Token has expired \d seconds ago$/);
    assert.equal(kept.statuses.at(-1), "SUBSCRIBED");
    assert.equal(await kept.channel.send({ type: "broadcast", event: "e", payload: {} }), "ok");
  });

  test(`${kind.name}: after the node was killed channels are joined again by themselves`, async (t) => {
    const node = await start_node(t);
    const ann = await new Application(t, node, kind).channel("room1");
    const ben = await new Application(t, node, kind).channel("room1");
    await node.kill();
    await node.start();
    if (kind.rejoins === false) {
      // This client connects again but forgets its channels (its disconnect() tears them down): the
      // application makes them anew.
      const app = ann.app;
      await eventually(() => app.client.isConnected(), "the connection");
      await app.client.removeAllChannels();
      await app.channel("room1");
      return;
    }
    for (const who of [ann, ben]) {
      await who.until(() => who.statuses.filter((status) => status === "SUBSCRIBED").length === 2,
        () => `the rejoin; ${who.statuses}`);
    }
    await ann.channel.send({ type: "broadcast", event: "again", payload: {} });
    await ben.until(() => ben.broadcasts.some(({ event }) => event === "again"), "the broadcast");
  });

  test(`${kind.name}: leaving is answered and final`, async (t) => {
    const node = await start_node(t);
    const ann = await new Application(t, node, kind).channel("room1");
    const ben = await new Application(t, node, kind).channel("room1");
    assert.equal(await ben.channel.unsubscribe(), "ok");
    await ann.channel.send({ type: "broadcast", event: "e", payload: {} });
    const carl = await new Application(t, node, kind).channel("room1");
    await ann.channel.send({ type: "broadcast", event: "f", payload: {} });
    await carl.until(() => carl.broadcasts.length === 1, "the broadcast");
    assert.equal(ben.broadcasts.length, 0);
  });

  test(`${kind.name}: what is sent before a channel is joined goes over HTTP`, async (t) => {
    const node = await start_node(t);
    const ben = await new Application(t, node, kind).channel("room1");
    const early = new Application(t, node, kind);
    const channel = early.client.channel("room1");
    assert.equal(await channel.send({ type: "broadcast", event: "early", payload: { n: 1 } }), "ok");
    const [got] = await ben.until(() => ben.broadcasts.length && ben.broadcasts, "the broadcast");
    assert.deepEqual([got.event, got.payload], ["early", { n: 1 }]);
  });

  test(`${kind.name}: without PostgreSQL changes are refused by a message and the channel lives`, async (t) => {
    const node = await start_node(t);
    const entry = { event: "*", schema: "public", table: "messages", filter: "id=gt.0" };
    const ann = await new Application(t, node, kind).channel("room1", {}, { changes: [entry] });
    const told = await ann.until(() => ann.system.find(({ extension }) => extension === "postgres_changes"), "the message");
    assert.equal(told.status, "error");
    assert.match(told.message, /Please check Realtime is enabled for the given connect parameters: \[event: \*, schema: public, table: messages/);
    assert.equal(await ann.channel.send({ type: "broadcast", event: "e", payload: {} }), "ok");
  });
}

test("clients of both versions hear each other, bytes reach those that can take them", async (t) => {
  const node = await start_node(t);
  const [modern, , old] = clients;
  const ann = await new Application(t, node, modern).channel("room1", { broadcast: { ack: true, self: true } });
  const ben = await new Application(t, node, old).channel("room1");
  const bytes = new Uint8Array([0, 1, 2, 253, 254, 255]).buffer;
  assert.equal(await ann.channel.send({ type: "broadcast", event: "raw", payload: bytes }), "ok");
  await ann.until(() => ann.broadcasts.length, "the bytes");
  assert.deepEqual([...new Uint8Array(ann.broadcasts[0].payload)], [0, 1, 2, 253, 254, 255]);
  await ben.channel.send({ type: "broadcast", event: "text", payload: { from: "ben" } });
  await ann.until(() => ann.broadcasts.length === 2, "ben's text");
  await ann.channel.send({ type: "broadcast", event: "text", payload: { from: "ann" } });
  await ben.until(() => ben.broadcasts.length, "ann's text");
  assert.deepEqual(ben.broadcasts.map(({ payload }) => payload), [{ from: "ann" }]);
});

test("one message over HTTP: JSON, bytes, names that need encoding, private channels", async (t) => {
  const node = await start_node(t);
  const token = user_token("ann", { rooms: ["mine"] });
  const app = new Application(t, node, clients[0], { apikey: token });
  const name = "a room/with ümläuts?";
  const ann = await app.channel(name);
  const sent = await ann.channel.httpSend("évent/1", { x: 1 });
  assert.equal(sent.success, true);
  await ann.until(() => ann.broadcasts.length, "the broadcast");
  assert.deepEqual([ann.broadcasts[0].event, ann.broadcasts[0].payload], ["évent/1", { x: 1 }]);
  assert.equal((await ann.channel.httpSend("raw", new Uint8Array([7, 8]).buffer)).success, true);
  await ann.until(() => ann.broadcasts.length === 2, "the bytes");
  assert.deepEqual([...new Uint8Array(ann.broadcasts[1].payload)], [7, 8]);
  const mine = await app.channel("mine", { private: true });
  assert.equal((await mine.channel.httpSend("e", { p: true })).success, true);
  await mine.until(() => mine.broadcasts.length, "the private broadcast");
  const stranger = await node.request("/realtime/v1/api/broadcast/mine/events/e?private=true",
    { method: "POST", headers: { apikey: anon_key() }, body: {} });
  assert.equal(stranger.status, 403);
});

test("broadcasts over HTTP are answered as documented", async (t) => {
  const node = await start_node(t, { config: "[realtime]\nmessages_per_second = 50\npayload_bytes = 2000\n" });
  const ben = await new Application(t, node).channel("room1");
  const post = (body, headers = { apikey: anon_key() }) =>
    node.request("/realtime/v1/api/broadcast?apikey=ignored&vsn=2.0.0", { method: "POST", headers, body });
  const message = (more = {}) => ({ topic: "room1", event: "e", payload: { n: 1 }, ...more });
  const good = await post({ messages: [message(), message({ event: "f" })] });
  assert.deepEqual([good.status, good.text], [202, ""]);
  assert.equal(good.headers["x-rate-limit"], "50");
  await ben.until(() => ben.broadcasts.length === 2, "both broadcasts");
  for (const headers of [{}, { apikey: "nonsense" }, { apikey: anon_key(), authorization: "Bearer nonsense" }]) {
    const refused = await post({ messages: [message()] }, headers);
    assert.deepEqual([refused.status, refused.json], [401, { message: "Unauthorized" }]);
  }
  const wrong = async (body, errors) => {
    const answer = await post(body);
    assert.deepEqual([answer.status, answer.json], [422, { errors }]);
  };
  await wrong({ messages: [message({ payload: undefined })] }, { messages: [{ payload: ["can't be blank"] }] });
  await wrong({ messages: [message(), message({ topic: "", payload: 5 })] },
    { messages: [{}, { topic: ["can't be blank"], payload: ["is invalid"] }] });
  await wrong({ messages: [message({ payload: { big: "x".repeat(3000) } })] },
    { messages: [{ payload: ["Payload size exceeds tenant limit"] }] });
  await wrong({}, { messages: ["can't be blank"] });
  await wrong({ messages: {} }, { messages: ["is invalid"] });
  assert.equal((await post("{]", { apikey: anon_key(), "Content-Type": "application/json" })).status, 400);
  // A private channel in which the sender may not write: dropped without a word.
  assert.equal((await post({ messages: [message({ private: true })] })).status, 202);
  const many = await post({ messages: Array.from({ length: 60 }, () => message()) }, { apikey: user_token("busy") });
  assert.deepEqual([many.status, many.json],
    [429, { message: "Too many messages to broadcast, please reduce the batch size" }]);
  const type = await node.request("/realtime/v1/api/broadcast/room1/events/e",
    { method: "POST", headers: { apikey: anon_key(), "Content-Type": "text/plain" }, body: "x" });
  assert.deepEqual([type.status, type.json],
    [415, { error: "Unsupported Media Type. Use application/json or application/octet-stream" }]);
});

test("the stock Phoenix client joins, broadcasts and is present", async (t) => {
  const node = await start_node(t);
  const socket = await phoenix(t, node);
  const channel = socket.channel("realtime:room1", { config: { broadcast: { ack: true, self: true }, presence: { key: "p" } } });
  const heard = [];
  channel.on("broadcast", (payload) => heard.push(payload));
  const presence = new Presence(channel);
  assert.equal((await answer_to(channel.join())).status, "ok");
  const sent = await answer_to(channel.push("broadcast", { type: "broadcast", event: "e", payload: { x: 1 } }));
  assert.equal(sent.status, "ok");
  await eventually(() => heard.length === 1, "its own broadcast");
  assert.deepEqual(heard[0].payload, { x: 1 });
  assert.equal((await answer_to(channel.push("presence", { type: "presence", event: "track", payload: { a: 1 } }))).status, "ok");
  await eventually(() => presence.list().length === 1, "itself in the presence list");
  const other = socket.channel("realtime:secret", { config: { private: true } });
  const refused = await answer_to(other.join());
  assert.match(refused.response.reason, /^Unauthorized: /);
  assert.equal((await answer_to(channel.leave())).status, "ok");
});

test("handshakes without a good key are refused with the documented words", async (t) => {
  const node = await start_node(t, { env: { LAPWING_AUTH__LEEWAY: "0s" } });
  const refused = async (options, status, error) => {
    const raw = await RawSocket.open(t, node, options);
    assert.ok(raw.refused, "the handshake must be refused");
    assert.deepEqual([raw.refused.status, JSON.parse(raw.refused.body)], [status, { error }]);
  };
  await refused({ apikey: "" }, 401, "API key is missing");
  await refused({ apikey: "x" }, 401, "The token provided is not a valid JWT");
  await refused({ apikey: jwt({ role: "anon" }, { secret: "another-secret-of-more-than-32-characters" }) }, 401,
    "Failed to validate JWT signature");
  await refused({ apikey: jwt({ role: "anon", exp: now_s() - 10 }) }, 401, "Token has expired");
  await refused({ apikey: jwt({ role: undefined, sub: "u1" }) }, 401, "Fields `role` and `exp` are required in JWT");
  await refused({ apikey: jwt({ role: "anon", exp: undefined }) }, 401, "Fields `role` and `exp` are required in JWT");
  await refused({ vsn: "3.0.0" }, 400, "vsn must be 1.0.0 or 2.0.0");
  const by_header = await RawSocket.open(t, node, { apikey: "", headers: { "x-api-key": anon_key() }, path: "/socket/websocket" });
  await by_header.still_open();
});

test("joins are refused with the documented reasons", async (t) => {
  const node = await start_node(t, { env: { LAPWING_AUTH__LEEWAY: "0s" } });
  const raw = await RawSocket.open(t, node);
  const join = async (ref, topic, payload = {}) => {
    raw.send([ref, ref, topic, "phx_join", payload]);
    return (await raw.reply(ref))[4];
  };
  const reason = async (...args) => {
    const { status, response } = await join(...args);
    assert.equal(status, "error");
    return response.reason;
  };
  assert.equal(await reason("1", "realtime:"), "TopicNameRequired: You must provide a topic name");
  assert.equal(await reason("2", "other:a"), "unmatched topic");
  assert.match(await reason("3", "realtime:a", { access_token: jwt({ exp: now_s() - 90 }) }),
    /^InvalidJWTToken: Token has expired 9\d seconds ago$/);
  assert.equal(await reason("4", "realtime:a", { access_token: "x.y.z" }), "MalformedJWT: The token provided is not a valid JWT");
  assert.equal(await reason("5", "realtime:a", { access_token: jwt({ role: undefined, sub: "a" }) }),
    "InvalidJWTToken: Fields `role` and `exp` are required in JWT");
  assert.equal(await reason("6", "realtime:a", { config: { broadcast: { replay: { since: 1 } } } }),
    "UnableToReplayMessages: Replay is not allowed for public channels");
  assert.equal((await join("7", "realtime:a", { config: { private: "false", broadcast: 7, postgres_changes: [null] } })).status, "ok");
});

test("a hundred channels and no more; the socket stays open", async (t) => {
  const node = await start_node(t, { env: { LAPWING_REALTIME__JOINS_PER_SECOND: "1000" } });
  const raw = await RawSocket.open(t, node);
  for (let i = 1; i <= 101; i++) raw.send([`${i}`, `${i}`, `realtime:r${i}`, "phx_join", {}]);
  assert.equal((await raw.reply("100"))[4].status, "ok");
  assert.equal((await raw.reply("101"))[4].response.reason, "ChannelRateLimitReached: Too many channels");
  raw.send(["1", "200", "realtime:r1", "phx_leave", {}]);
  await raw.reply("200");
  raw.send(["201", "201", "realtime:r101", "phx_join", {}]);
  assert.equal((await raw.reply("201"))[4].status, "ok");
  await raw.still_open();
});

test("too many joins in a second end the socket", async (t) => {
  const node = await start_node(t, { env: { LAPWING_REALTIME__JOINS_PER_SECOND: "5" } });
  const raw = await RawSocket.open(t, node);
  for (let i = 1; i <= 6; i++) raw.send([`${i}`, `${i}`, `realtime:r${i}`, "phx_join", {}]);
  await raw.until(() => raw.closed, "the end");
  assert.equal(raw.closed.code, 1012);
  assert.ok(raw.frames.some((frame) => frame[4].response?.reason === "ClientJoinRateLimitReached: Too many joins per second"));
});

test("too many messages end the channel, not the socket", async (t) => {
  const node = await start_node(t, { env: { LAPWING_REALTIME__MESSAGES_PER_SECOND: "10" } });
  const raw = await RawSocket.open(t, node);
  raw.send(["1", "1", "realtime:a", "phx_join", {}]);
  await raw.reply("1");
  for (let i = 0; i < 30; i++) raw.send(["1", null, "realtime:a", "broadcast", { type: "broadcast", event: "e", payload: {} }]);
  const told = await raw.until(() => raw.frames.find((frame) => frame[3] === "system"), "the message");
  assert.deepEqual(told, ["1", null, "realtime:a", "system",
    { message: "Too many messages per second", status: "error", extension: "system", channel: "a" }]);
  await raw.until(() => raw.frames.find((frame) => frame[3] === "phx_close"), "the close");
  await raw.still_open();
});

test("malformed frames, unknown events and wrong refs are ignored; the socket stays open", async (t) => {
  const node = await start_node(t);
  const raw = await RawSocket.open(t, node);
  raw.send(["1", "1", "realtime:a", "phx_join", {}]);
  await raw.reply("1");
  await raw.until(() => raw.frames.length === 2, "the presence state");
  for (const junk of ["", "{", "[]", "null", "[1,2,3,4,5]", `["1","2","realtime:a","broadcast",${"[".repeat(500)}`,
    Buffer.from([]), Buffer.from([3]), Buffer.from([9, 1, 2, 3]), Buffer.from([3, 255, 255, 255, 255, 255, 1]), Buffer.alloc(1000)]) {
    raw.send(junk);
  }
  raw.send(["1", "9", "realtime:a", "nonsense", {}]);
  raw.send(["stale", null, "realtime:a", "broadcast", { type: "broadcast", event: "e", payload: {} }]);
  raw.send([null, "10", "phoenix", "nonsense", {}]);
  await raw.still_open();
  assert.equal(raw.frames.length, 3);
  raw.send(["1", "11", "realtime:nobody", "broadcast", {}]);
  assert.deepEqual((await raw.reply("11"))[4], { status: "error", response: { reason: "unmatched topic" } });
});

test("a broadcast that is too large is answered with an error where an answer is asked for", async (t) => {
  const node = await start_node(t, { env: { LAPWING_REALTIME__PAYLOAD_BYTES: "2000" } });
  const raw = await RawSocket.open(t, node);
  raw.send(["1", "1", "realtime:a", "phx_join", { config: { broadcast: { ack: true, self: true } } }]);
  await raw.reply("1");
  raw.send(["1", "2", "realtime:a", "broadcast", { type: "broadcast", event: "e", payload: { x: "y".repeat(3000) } }]);
  assert.equal((await raw.reply("2"))[4].status, "error");
  raw.send(["1", "3", "realtime:a", "presence", { type: "presence", event: "track", payload: [] }]);
  assert.equal((await raw.reply("3"))[4].response.reason, "Presence track payload must be a map");
  raw.send(["1", "4", "realtime:a", "presence", { type: "presence", event: "track", payload: { x: "y".repeat(3000) } }]);
  await raw.until(() => raw.frames.find((frame) => frame[3] === "system" && frame[4].message === "Track message size exceeded"), "the message");
  await raw.still_open();
});

test("a frame larger than five megabytes closes the socket with 1009", async (t) => {
  const node = await start_node(t);
  const raw = await RawSocket.open(t, node);
  raw.send("x".repeat(5_000_001));
  await raw.until(() => raw.closed, "the end");
  assert.equal(raw.closed.code, 1009);
  await node.is_alive();
});

test("a draining node closes its sockets with 1012", async (t) => {
  const node = await start_node(t);
  const raw = await RawSocket.open(t, node);
  raw.send(["1", "1", "realtime:a", "phx_join", {}]);
  await raw.reply("1");
  await node.stop();
  assert.equal(raw.closed?.code, 1012);
});

test("no key of a socket's address is logged", async (t) => {
  const node = await start_node(t, { env: { LAPWING_LOG__LEVEL: "trace" } });
  const key = service_token();
  const raw = await RawSocket.open(t, node, { apikey: key });
  raw.send(["1", "1", "realtime:a", "phx_join", { access_token: key }]);
  await raw.reply("1");
  await node.request(`/realtime/v1/api/broadcast?apikey=${key}`, { method: "POST", body: {} });
  assert.ok(!node.stderr.includes(key));
});
