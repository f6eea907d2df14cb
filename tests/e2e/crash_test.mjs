// kill -9 at any moment loses nothing that was acknowledged and doubles nothing.
import assert from "node:assert/strict";
import test from "node:test";
import { user_token } from "./support/sign.mjs";
import { SseStream } from "./support/sse.mjs";
import { WsStream } from "./support/websocket.mjs";
import { assert_ascending, position, start_node } from "./support/node.mjs";
import { afterwards, Watched, deadline_ms, quick, random_source } from "./support/waiting.mjs";

/** A client that comes back whenever the node does, from where it was. */
function survivor(t, node, name, open) {
  const seen = Object.assign(new Watched(), { name, positions: [], deliveries: [], connects: 0 });
  let stopped = false;
  afterwards(t, () => (stopped = true));
  const take = (envelope) => {
    if (envelope.type === "connected") ++seen.connects;
    if (envelope.type === "reset") seen.failure = `reset: ${JSON.stringify(envelope)}`;
    if (envelope.type === "webhook_received") {
      seen.last_id = envelope.id;
      seen.positions.push(position(envelope.id));
      seen.deliveries.push(envelope.data.deliveryId);
    }
    seen.changed();
  };
  const run = async () => {
    while (!stopped) {
      // While the node is away a connection is refused at once; waiting for its next word is free.
      if (node.exit || !node.serving) await node.until(() => stopped || node.serving, "the node", 10 * deadline_ms);
      if (stopped) return;
      await open(seen.last_id, take).catch(() => undefined);
    }
  };
  run().catch((failure) => (seen.failure = failure.message));
  return seen;
}

test("kill -9 under load: acknowledged, stored and seen are the same deliveries", async (t) => {
  const rounds = quick ? 4 : 20;
  const chance = random_source(t);
  const node = await start_node(t);
  node.serving = true;
  await node.add_user("u1");
  const acknowledged = new Set();
  const seen = [
    ...[0, 1].map((index) =>
      survivor(t, node, `sse ${index}`, async (last_event_id, take) => {
        const stream = await SseStream.open(t, node, { token: user_token("u1"), last_event_id });
        let taken = 0;
        while (!stream.closed) {
          await stream.until(() => stream.closed || stream.blocks.length > taken, "more", 10 * deadline_ms);
          for (; taken < stream.blocks.length; ++taken) take(stream.blocks[taken].json ?? {});
        }
      })),
    ...[0, 1].map((index) =>
      survivor(t, node, `ws ${index}`, async (lastEventId, take) => {
        const stream = await WsStream.open(t, node, {
          auth: { token: user_token("u1"), ...(lastEventId ? { lastEventId } : {}) }, on_frame: take,
        });
        if (!stream.failure) await stream.until(() => stream.close_code, "close", 10 * deadline_ms);
      })),
  ];
  for (const client of seen) await client.until(() => client.connects > 0, `${client.name} to connect`);
  // Everybody has a resume point before the first kill.
  assert.equal((await node.push("u1", 0, "first")).status, 200);
  acknowledged.add("first");
  for (const client of seen) await client.until(() => client.deliveries.length > 0, `${client.name} to see one`);

  let number = 0;
  let redelivered = 0;
  for (let round = 0; round < rounds; ++round) {
    const kill_after = chance.between(20, 250);
    let acks = 0;
    let dying = false;
    const open = new Set();
    const senders = Array.from({ length: 16 }, async () => {
      while (!dying) {
        const delivery = `r${round}-${++number}`;
        open.add(delivery);
        const answer = await node.push("u1", number, delivery).catch(() => undefined);
        if (answer === undefined) continue;
        assert.equal(answer.status, 200, answer.text);
        acknowledged.add(delivery);
        open.delete(delivery);
        if (++acks === kill_after) {
          dying = true;
          node.serving = false;
          node.signal("SIGKILL");
        }
      }
    });
    await Promise.all(senders);
    await node.kill();
    await node.start();
    node.serving = true;
    node.changed();
    // What was acknowledged is there before anybody sends it again.
    const stored = new Set((await node.history("u1")).map(({ data }) => data.deliveryId));
    for (const delivery of acknowledged) assert.ok(stored.has(delivery), `${delivery} was acknowledged`);
    for (const delivery of open) {
      const answer = await node.push("u1", 0, delivery);
      assert.equal(answer.status, 200, answer.text);
      assert.equal(answer.json.duplicate ?? false, stored.has(delivery));
      acknowledged.add(delivery);
      ++redelivered;
    }
  }
  const log = await node.history("u1");
  const stored = log.map(({ data }) => data.deliveryId);
  assert.equal(stored.length, acknowledged.size);
  assert.deepEqual(new Set(stored), acknowledged);
  assert_ascending(log.map(({ id }) => position(id)), "the log");
  for (const client of seen) {
    await client.until(
      () => client.failure || client.deliveries.length >= acknowledged.size,
      () => `${client.name} to see ${acknowledged.size}; it saw ${client.deliveries.length}`,
    );
    assert.equal(client.failure, undefined);
    assert.deepEqual(client.deliveries, stored, `${client.name} saw the log`);
    assert_ascending(client.positions, client.name);
  }
  t.diagnostic(`${acknowledged.size} acknowledged, ${redelivered} sent again after ${rounds} kills`);
});

test("a delivery that was repeated has one effect and one id", async (t) => {
  const node = await start_node(t);
  await node.add_user("u1");
  const first = await node.push("u1", 1, "same");
  const second = await node.push("u1", 1, "same");
  assert.deepEqual(second.json, { received: true, duplicate: true, id: first.json.id });
  await node.kill();
  await node.start();
  const third = await node.push("u1", 1, "same");
  assert.deepEqual(third.json, { received: true, duplicate: true, id: first.json.id });
  assert.equal((await node.history("u1")).length, 1);
  // The same id of another user is another delivery.
  await node.add_user("u2");
  assert.equal((await node.push("u2", 1, "same")).json.duplicate, undefined);
});

test("a hundred copies at once have one effect", async (t) => {
  const node = await start_node(t);
  await node.add_user("u1");
  const answers = await Promise.all(Array.from({ length: 100 }, () => node.push("u1", 1, "race")));
  assert.ok(answers.every(({ status }) => status === 200));
  assert.equal(answers.filter(({ json }) => !json.duplicate).length, 1);
  assert.equal(new Set(answers.map(({ json }) => json.id)).size, 1);
  assert.equal((await node.history("u1")).length, 1);
});
