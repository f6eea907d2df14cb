// Clients that are cut off at random must miss nothing and get nothing twice.
import assert from "node:assert/strict";
import net from "node:net";
import test from "node:test";
import { EventSource } from "eventsource";
import { user_token } from "./support/sign.mjs";
import { SseStream } from "./support/sse.mjs";
import { WsStream } from "./support/websocket.mjs";
import { assert_ascending, position, start_node } from "./support/node.mjs";
import { afterwards, Watched, deadline_ms, eventually, in_parallel, quick, random_source } from "./support/waiting.mjs";

/** A TCP proxy that cuts each connection after a random number of bytes, in the middle of anything. */
async function cutting_proxy(t, node, chance, low, high) {
  const sockets = new Set();
  const proxy = { cuts: 0, calm: false };
  const server = net.createServer((client) => {
    const upstream = net.connect(node.port, "127.0.0.1");
    let left = chance.between(low, high);
    const cut = () => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", cut);
      socket.on("close", () => {
        sockets.delete(socket);
        cut();
      });
    }
    client.pipe(upstream);
    upstream.on("data", (data) => {
      if (!proxy.calm && data.length >= left) {
        ++proxy.cuts;
        client.end(data.subarray(0, left));
        upstream.destroy();
        return;
      }
      left -= data.length;
      client.write(data);
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  proxy.port = server.address().port;
  afterwards(t, () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return proxy;
}

/** What one client saw: ids and delivery ids in order of arrival. */
class Seen extends Watched {
  positions = [];
  deliveries = [];
  resets = [];
  connects = 0;

  constructor(name) {
    super();
    this.name = name;
  }

  take(envelope) {
    if (envelope.type === "reset") this.resets.push(envelope);
    if (envelope.type === "connected") ++this.connects;
    if (envelope.type === "webhook_received") {
      this.last_id = envelope.id;
      this.positions.push(position(envelope.id));
      this.deliveries.push(envelope.data.deliveryId);
    }
    this.changed();
  }
}

/** Our own SSE reader, reconnecting with the last id it saw. */
function follow_sse(t, node, port, seen) {
  let stopped = false;
  afterwards(t, () => (stopped = true));
  const run = async () => {
    let last_event_id;
    while (!stopped) {
      let taken = 0;
      const stream = await SseStream.open(t, node, { port, token: user_token("u1"), last_event_id })
        .catch(() => undefined);
      if (!stream) continue;
      while (!stopped) {
        for (; taken < stream.blocks.length; ++taken) {
          seen.take(stream.blocks[taken].json ?? {});
          last_event_id = stream.last_id ?? last_event_id;
        }
        if (stream.closed) break;
        await stream.until(() => stream.closed || stream.blocks.length > taken, "more", 10 * deadline_ms)
          .catch(() => undefined);
      }
    }
  };
  run();
}

/** The `eventsource` package, as an application uses it: it reconnects by itself. */
function follow_eventsource(t, port, seen) {
  const source = new EventSource(`http://127.0.0.1:${port}/api/sse/stream`, {
    fetch: (url, init) =>
      fetch(url, { ...init, headers: { ...init.headers, Authorization: `Bearer ${user_token("u1")}` } }),
  });
  const take = (event) => seen.take(JSON.parse(event.data));
  source.onmessage = take;
  source.addEventListener("webhook_received", (event) => {
    assert.equal(event.lastEventId, JSON.parse(event.data).id);
    take(event);
  });
  source.addEventListener("reset", take);
  afterwards(t, () => source.close());
  return source;
}

/** The `ws` package, resuming by the auth message. */
function follow_ws(t, node, port, seen) {
  let stopped = false;
  afterwards(t, () => (stopped = true));
  const run = async () => {
    while (!stopped) {
      const stream = await WsStream.open(t, node, {
        port,
        auth: { userId: "u1", token: user_token("u1"), lastEventId: seen.last_id ?? seen.start },
        on_frame: (message) => seen.take(message),
      });
      if (stream.failure) continue;
      await stream.until(() => stream.close_code, "close", 10 * deadline_ms).catch(() => undefined);
    }
  };
  run();
}

test("clients cut at random see every delivery once and in order", async (t) => {
  const total = quick ? 500 : 5000;
  const chance = random_source(t);
  const node = await start_node(t, { env: { LAPWING_STREAMS__RETRY: "20ms" } });
  await node.add_user("u1");
  // A first event, so that every client has a resume point before its first cut.
  assert.equal((await node.push("u1", 0, "d-0")).status, 200);
  const start = (await node.history("u1"))[0].id;
  const proxy = await cutting_proxy(t, node, chance, 2_000, 150_000);
  const clients = [];
  const add = (name) => {
    const seen = new Seen(name);
    seen.start = start;
    clients.push(seen);
    return seen;
  };
  // Without a point a stream starts live, so each client is connected once before the load.
  for (let index = 0; index < 4; ++index) follow_sse(t, node, proxy.port, add(`sse ${index}`));
  for (let index = 0; index < 4; ++index) follow_eventsource(t, proxy.port, add(`eventsource ${index}`));
  for (let index = 0; index < 4; ++index) follow_ws(t, node, proxy.port, add(`ws ${index}`));
  for (const seen of clients) await seen.until(() => seen.connects > 0, `${seen.name} to connect`);

  const numbers = Array.from({ length: total }, (_, index) => index + 1);
  await in_parallel(numbers, 16, async (number) => {
    const answer = await node.push("u1", number, `d-${number}`);
    assert.equal(answer.status, 200, answer.text);
  });
  proxy.calm = true;
  const wanted = new Set(numbers.map((number) => `d-${number}`));
  for (const seen of clients) {
    await seen.until(
      () => seen.deliveries.filter((id) => wanted.has(id)).length >= total,
      () => `${seen.name} to see ${total} deliveries; it saw ${seen.deliveries.length}`,
      3 * deadline_ms,
    );
    const got = seen.deliveries.filter((id) => wanted.has(id));
    assert.equal(new Set(got).size, total, `${seen.name} saw each once`);
    assert.equal(got.length, total, `${seen.name} saw none twice`);
    assert_ascending(seen.positions, seen.name);
    assert.equal(seen.resets.length, 0, `${seen.name} was not reset`);
  }
  assert.ok(proxy.cuts >= clients.length, `the proxy cut ${proxy.cuts} connections`);
  const log = (await node.history("u1")).map((event) => position(event.id));
  assert.equal(log.length, total + 1);
  assert_ascending(log, "history");
});

/** A node whose log of u1 lost its beginning; resolves with the ids that were and are there. */
async function trimmed_log(t) {
  const node = await start_node(t, {
    env: { LAPWING_EVENTS__RETENTION_COUNT: "50", LAPWING_EVENTS__RETENTION_INTERVAL: "100ms" },
  });
  await node.add_user("u1");
  const first = (await node.push("u1", 0, "d-0")).json.id;
  for (let number = 1; number < 200; ++number) {
    assert.equal((await node.push("u1", number, `d-${number}`)).status, 200);
  }
  const kept = await eventually(async () => {
    const events = await node.history("u1");
    return events.length === 50 && events;
  }, "retention to leave 50 events");
  return { node, first, kept };
}

const of_type = (envelopes, type) => envelopes.filter((envelope) => envelope.type === type);

/** The one reset comes first, and then exactly what is kept. */
function assert_reset_then_kept(envelopes, first, kept) {
  const events = envelopes.filter(({ type }) => type === "reset" || type === "webhook_received");
  assert.equal(events[0].type, "reset");
  assert.equal(of_type(events, "reset").length, 1);
  const { data } = events[0];
  assert.equal(typeof data.from, "string");
  assert.equal(typeof data.to, "string");
  assert.equal(typeof data.reason, "string");
  assert.equal(position(data.from), position(first));
  assert.deepEqual(
    events.slice(1, 51).map(({ data: { deliveryId } }) => deliveryId),
    kept.map(({ data: { deliveryId } }) => deliveryId),
  );
}

test("a resume point older than retention gives one reset and then the oldest kept on", async (t) => {
  const { node, first, kept } = await trimmed_log(t);
  const sse = await SseStream.open(t, node, { token: user_token("u1"), last_event_id: first });
  await sse.wait_for("webhook_received", 50);
  assert_reset_then_kept(sse.blocks.map(({ json }) => json ?? {}), first, kept);

  const by_query = await SseStream.open(t, node, { token: user_token("u1"), query: { lastEventId: first } });
  await by_query.wait_for("webhook_received", 50);
  assert_reset_then_kept(by_query.blocks.map(({ json }) => json ?? {}), first, kept);

  const ws = await WsStream.open(t, node, { auth: { token: user_token("u1"), lastEventId: first } });
  await ws.wait_for("webhook_received", 50);
  assert_reset_then_kept(ws.messages, first, kept);

  // The client's own reconnect after a reset goes on from there without another one.
  const again = await SseStream.open(t, node, { token: user_token("u1"), last_event_id: sse.last_id });
  const answer = await node.push("u1", 500, "d-after");
  await again.until(() => again.last_id && position(again.last_id) >= position(answer.json.id), "the new event");
  assert.equal(again.of("reset").length, 0);
  assert.deepEqual(again.of("webhook_received").map(({ data }) => data.deliveryId), ["d-after"]);
});

test("a resume point that is no cursor is treated as lost and not as an error", async (t) => {
  const { node, kept } = await trimmed_log(t);
  const stream = await SseStream.open(t, node, { token: user_token("u1"), last_event_id: "rubbish\u00e9<>" });
  assert.equal(stream.status, 200);
  await stream.wait_for("webhook_received", 50);
  assert.equal(stream.of("reset").length, 1);
  assert.deepEqual(
    stream.of("webhook_received").map(({ data }) => data.deliveryId),
    kept.map(({ data }) => data.deliveryId),
  );
});

test("a resume point from the future does not swallow what comes", async (t) => {
  const node = await start_node(t);
  await node.add_user("u1");
  await node.push("u1", 1, "d-1");
  const stream = await SseStream.open(t, node, { token: user_token("u1"), last_event_id: "u999999" });
  await stream.first("connected");
  await node.push("u1", 2, "d-2");
  await stream.until(
    () => stream.of("webhook_received").some(({ data }) => data.deliveryId === "d-2"),
    () => `the new event; got ${stream.summary()}`,
  );
});

test("room and broadcast events resume with the stream", async (t) => {
  const node = await start_node(t, { dev: true });
  const send = (path, body) => node.service(path, { method: "POST", body });
  const stream = await SseStream.open(t, node, { user: "u1", query: { rooms: "lobby" } });
  await stream.first("connected");
  const texts = [];
  const say = async (text) => {
    texts.push(text);
    const event = { type: "note", message: text };
    const where = ["/api/sse/send", "/api/sse/broadcast", "/api/rooms/lobby/send"][texts.length % 3];
    const answer = await send(where, where === "/api/sse/send" ? { userId: "u1", event } : { event });
    assert.equal(answer.status, 202, answer.text);
  };
  for (let index = 0; index < 9; ++index) await say(`before ${index}`);
  await stream.wait_for("note", 9);
  stream.close();
  for (let index = 0; index < 9; ++index) await say(`away ${index}`);
  const resumed = await SseStream.open(t, node, { user: "u1", query: { rooms: "lobby" }, last_event_id: stream.last_id });
  assert.equal((await resumed.first("connected")).resumed, true);
  await resumed.wait_for("note", 9);
  for (let index = 0; index < 3; ++index) await say(`after ${index}`);
  const notes = await resumed.wait_for("note", 12);
  // Each of the three logs is in order; between them there is no promise.
  const all = [...stream.of("note"), ...notes].map(({ message }) => message);
  assert.deepEqual([...all].sort(), [...texts].sort());
  for (let log = 0; log < 3; ++log) {
    const own = texts.filter((_, index) => (index + 1) % 3 === log);
    assert.deepEqual(all.filter((text) => own.includes(text)), own);
  }
});
