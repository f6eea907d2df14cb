// Broadcasts of private channels are kept and told again, on both stores.
import assert from "node:assert/strict";
import { test } from "node:test";
import { start_node } from "./support/node.mjs";
import { PostgresServer } from "./support/postgres.mjs";
import { Application, RawSocket, clients } from "./support/realtime.mjs";
import { service_token, user_token } from "./support/sign.mjs";
import { random_source } from "./support/waiting.mjs";

const token = service_token();
const heard_of = (raw) => raw.frames.filter((frame) => frame[3] === "broadcast").map((frame) => frame[4]);

/** Sends messages to a private channel over HTTP: each {n}. */
async function say(node, ...numbers) {
  const messages = numbers.map((n) => ({ topic: "log", event: "line", payload: { n }, private: true }));
  const answer = await node.request("/realtime/v1/api/broadcast", { method: "POST", headers: { apikey: token }, body: { messages } });
  assert.equal(answer.status, 202, answer.text);
}

async function join(t, node, replay, more = {}) {
  const raw = await RawSocket.open(t, node, { apikey: more.apikey ?? token });
  raw.send(["1", "1", "realtime:log", "phx_join", { config: { private: true, broadcast: { replay, ...more.broadcast } } }]);
  raw.answer = (await raw.reply("1"))[4];
  return raw;
}

const stores = {
  SQLite: async () => ({}),
  PostgreSQL: async (t) => ({ env: { LAPWING_NODE__DATABASE_URL: (await PostgresServer.start(t)).url } }),
};

for (const [store, options_of] of Object.entries(stores)) {
  test(`${store}: what was said is told again since a time, with a limit, and behind an id; also after kill -9`, async (t) => {
    const node = await start_node(t, await options_of(t));
    await say(node, 1, 2, 3);
    const first = await join(t, node, { since: 0 });
    await first.until(() => heard_of(first).length === 3, "the past");
    assert.deepEqual(heard_of(first)[0], { type: "broadcast", event: "line", payload: { n: 1 }, meta: { id: "1", replayed: true } });
    await say(node, 4);
    await first.until(() => heard_of(first).length === 4, "the present");
    assert.deepEqual(heard_of(first)[3].meta, { id: "4" });
    await node.kill();
    await node.start();
    const between = Date.now();
    await say(node, ...Array.from({ length: 100 }, (_, i) => i + 5));
    const told = async (replay, right) => {
      const raw = await join(t, node, replay);
      await raw.until(() => heard_of(raw).length >= right.length, () => `${right.length} messages of ${JSON.stringify(replay)}`);
      await raw.still_open();
      assert.deepEqual(heard_of(raw).map(({ payload }) => payload.n), right);
      assert.ok(heard_of(raw).every(({ meta }) => meta.replayed));
    };
    const numbers = (from, to) => Array.from({ length: to - from + 1 }, (_, i) => from + i);
    await told({ since: 0 }, numbers(1, 104));
    await told({ since: between }, numbers(5, 104));
    await told({ since: 0, limit: 25 }, numbers(80, 104));
    await told({ after: "102" }, [103, 104]);
    await told({ after: "102", limit: 1 }, [104]);
    await told({ since: Date.now() + 60_000 }, []);
    // Channels may have any name.
    const names = ["a b/ü?%", "log%2Flog", "x\ny\"'\\", "nul\u0000l", "ü".repeat(200), "n".repeat(512)];
    for (const [index, topic] of names.entries()) {
      const sent = await node.request("/realtime/v1/api/broadcast",
        { method: "POST", headers: { apikey: token }, body: { messages: [{ topic, event: "e", payload: { index }, private: true }] } });
      assert.equal(sent.status, 202);
    }
    for (const [index, topic] of names.entries()) {
      const raw = await RawSocket.open(t, node, { apikey: token });
      raw.send(["1", "1", `realtime:${topic}`, "phx_join", { config: { private: true, broadcast: { replay: { since: 0 } } } }]);
      await raw.until(() => heard_of(raw).length === 1, JSON.stringify(topic));
      assert.equal(heard_of(raw)[0].payload.index, index);
    }
  });
}

for (const [store, options_of] of Object.entries(stores)) {
  test(`${store}: a client that resumes by id through broken sockets and kill -9 hears each acknowledged message once, in order`, async (t) => {
    const node = await start_node(t, await options_of(t));
    const random = random_source(t);
    const heard = [];
    let listener;
    const listen = async () => {
      listener = await join(t, node, { after: heard.at(-1)?.id ?? "0" });
      const current = listener;
      listener.taken = 0;
      listener.collect = () => {
        const all = heard_of(current);
        for (; current.taken < all.length; current.taken++) heard.push({ id: all[current.taken].meta.id, n: all[current.taken].payload.n });
        return heard.length;
      };
    };
    await listen();
    const acknowledged = [];
    for (let round = 0, n = 0; round < 12; round++) {
      const talker = await join(t, node, undefined, { broadcast: { ack: true } });
      const count = random.between(20, 120);
      for (let i = 0; i < count; i++) talker.send(["1", `m${++n}`, "realtime:log", "broadcast", { type: "broadcast", event: "line", payload: { n } }]);
      const replies = () => talker.frames.filter((frame) => frame[3] === "phx_reply" && frame[1].startsWith("m"));
      if (round % 4 === 3) {
        await talker.until(() => replies().length > 0 || talker.closed, "some answers");
        await node.kill();
        await talker.until(() => talker.closed, "the end");
        await node.start();
      } else {
        await talker.until(() => replies().length === count, () => `answers to all; ${replies().length} of ${count}`);
        if (random.between(0, 1) === 1) await listener.until(() => listener.collect() && listener.taken > 0, "something");
      }
      acknowledged.push(...replies().filter((frame) => frame[4].status === "ok").map((frame) => Number(frame[1].slice(1))));
      listener.collect();
      listener.socket.terminate();
      talker.socket.terminate();
      await listen();
    }
    await say(node, "end");
    await listener.until(() => listener.collect() && heard.at(-1).n === "end", () => `the end; ${heard.length}`);
    const numbers = heard.map(({ n }) => n);
    assert.deepEqual(numbers.slice(0, -1), [...new Set(numbers.slice(0, -1))].sort((a, b) => a - b));
    const got = new Set(numbers);
    assert.deepEqual(acknowledged.filter((n) => !got.has(n)), []);
    assert.ok(acknowledged.length > 300, `${acknowledged.length}`);
  });
}

for (const kind of clients) {
  test(`${kind.name}: the official client has the past replayed`, async (t) => {
    const node = await start_node(t);
    await say(node, 1, 2);
    const app = new Application(t, node, kind, { apikey: token });
    const config = { private: true, broadcast: { replay: { since: Date.now() - 60_000, limit: 10 } } };
    const heard = await app.channel("log", config);
    await heard.until(() => heard.broadcasts.length === 2, "both");
    assert.deepEqual(heard.broadcasts.map(({ payload, meta }) => [payload.n, meta.replayed, meta.id]), [[1, true, "1"], [2, true, "2"]]);
  });
}

test("bytes are kept as they are", async (t) => {
  const node = await start_node(t);
  const app = new Application(t, node, clients[0], { apikey: token });
  const bytes = new Uint8Array([0, 1, 2, 253, 254, 255]);
  const sender = await app.channel("log", { private: true, broadcast: { ack: true } });
  assert.equal(await sender.channel.send({ type: "broadcast", event: "räw", payload: bytes.buffer }), "ok");
  const later = new Application(t, node, clients[0], { apikey: token });
  const heard = await later.channel("log", { private: true, broadcast: { replay: { since: 0 } } });
  await heard.until(() => heard.broadcasts.length === 1, "the bytes");
  assert.deepEqual([...new Uint8Array(heard.broadcasts[0].payload)], [...bytes]);
  assert.deepEqual(heard.broadcasts[0].meta, { id: "1", replayed: true });
});

test("what retention took is said, and a replay of all that is left follows", async (t) => {
  const node = await start_node(t, { config: "[events]\nretention_count = 10\nretention_interval = \"1s\"\n" });
  await say(node, ...Array.from({ length: 50 }, (_, i) => i + 1));
  let raw;
  for (const stop = Date.now() + 30_000; Date.now() < stop;) {
    raw = await join(t, node, { since: 1 });
    await raw.until(() => heard_of(raw).at(-1)?.payload.n === 50, "the last one");
    if (heard_of(raw).length === 10) break;
  }
  assert.equal(heard_of(raw).length, 10);
  const told = raw.frames.find((frame) => frame[3] === "system");
  assert.deepEqual(told[4], { message: "Replay may be incomplete: older messages are not kept any more", status: "error", extension: "system", channel: "log" });
  assert.ok(raw.frames.indexOf(told) < raw.frames.findIndex((frame) => frame[3] === "broadcast"));
  const after = await join(t, node, { after: "45" });
  await after.until(() => heard_of(after).length === 5, "the five");
  assert.ok(!after.frames.some((frame) => frame[3] === "system"));
});

test("replay wants a private channel, the right to read and sensible words", async (t) => {
  const node = await start_node(t);
  const reason = async (...args) => (await join(t, node, ...args)).answer.response.reason;
  for (const bad of [{}, { since: "yesterday" }, { since: -1 }, { since: 1.5 }, { since: 1, limit: [] }, { after: "1; DROP TABLE events" }, "all"]) {
    assert.equal(await reason(bad), "UnableToReplayMessages: Replay params are not valid", JSON.stringify(bad));
  }
  assert.match(await reason({ since: 0 }, { apikey: user_token("ann") }), /^Unauthorized: /);
  // Neither can a room's address reach what is kept, nor a channel a room.
  const rooms = await node.request("/api/rooms/realtime%2Flog/send", { method: "POST", headers: { authorization: `Bearer ${token}` }, body: { event: { type: "x", message: "y" } } });
  assert.equal(rooms.status, 400);
  for (const path of ["realtime%2Flog", "realtime%252Flog"]) {
    const read = await node.request(`/api/rooms/${path}/events`, { headers: { authorization: `Bearer ${token}` } });
    assert.ok([400, 403, 404].includes(read.status), `${read.status}`);
  }
  const event = await node.request("/api/events/r1:realtime%2Flog", { headers: { authorization: `Bearer ${token}` } });
  assert.ok([400, 404].includes(event.status), `${event.status}`);
  const off = await start_node(t, { env: { LAPWING_REALTIME__KEEP_BROADCASTS: "false" } });
  assert.equal((await join(t, off, { since: 0 })).answer.response.reason, "UnableToReplayMessages: Realtime was unable to replay messages");
  await say(off, 1);
});
