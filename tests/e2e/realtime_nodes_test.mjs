// Live database changes with several nodes on one database: one streams, the others wait for its end.
import assert from "node:assert/strict";
import { test } from "node:test";
import { start_node } from "./support/node.mjs";
import { PostgresServer } from "./support/postgres.mjs";
import { RawSocket } from "./support/realtime.mjs";
import { user_token } from "./support/sign.mjs";
import { eventually, quick } from "./support/waiting.mjs";

const schema = `
  CREATE ROLE authenticated NOLOGIN NOINHERIT; GRANT authenticated TO lapwing;
  CREATE TABLE messages (id bigint PRIMARY KEY);
  GRANT SELECT ON messages TO authenticated;
  CREATE PUBLICATION supabase_realtime FOR TABLE messages;`;

async function database(t) {
  const server = await PostgresServer.start(t);
  await server.sql(schema);
  return server;
}

const start = (t, server, env = {}) => start_node(t, { env: { LAPWING_REALTIME__DATABASE_URL: server.url, ...env } });

/** A channel that wants everything: what it was told of itself, and the ids of the rows it heard. */
async function joined(t, node) {
  const socket = await RawSocket.open(t, node, { apikey: user_token("ann") });
  const config = { presence: { enabled: false }, postgres_changes: [{ event: "*", schema: "public", table: "messages" }] };
  socket.send(["1", "1", "realtime:room1", "phx_join", { config }]);
  const system = () => socket.frames.filter((frame) => frame[3] === "system").map((frame) => frame[4]);
  const ids = () => socket.frames.filter((frame) => frame[3] === "postgres_changes").map((frame) => frame[4].data.record.id);
  return {
    ids,
    system,
    until_live: () => socket.until(() => system().at(-1)?.status === "ok", () => `the subscription; ${JSON.stringify(system())}`),
    until_elsewhere: () => socket.until(() => /^Another node streams/.test(system().at(-1)?.message), () => `the word; ${JSON.stringify(system())}`),
    until_heard: (from, to) => socket.until(() => {
      const heard = new Set(ids());
      for (let id = from; id <= to; id++) if (!heard.has(id)) return false;
      return true;
    }, () => `${from} to ${to}; ${ids().length} ids`, 40_000),
    until_told: (words) => socket.until(() => system().some(({ message }) => message === words), () => `${words}; ${JSON.stringify(system())}`, 40_000),
  };
}

async function metric(node, name) {
  const found = new RegExp(`^${name} (\\S+)$`, "m").exec((await node.request("/metrics")).text);
  return found && Number(found[1]);
}

const insert = (server, from, to) => server.sql(`INSERT INTO messages SELECT generate_series(${from}, ${to})`);

test("a second node waits, says so, and takes over with every change of the meantime after kill -9", async (t) => {
  const server = await database(t);
  const nodes = [await start(t, server)];
  let streaming = await joined(t, nodes[0]);
  await streaming.until_live();
  nodes.push(await start(t, server));
  let last = 0;
  const rounds = quick ? 2 : 10;
  for (let round = 0; round < rounds; round++) {
    const [owner, other] = nodes;
    const waiting = await joined(t, other);
    await waiting.until_elsewhere();
    assert.equal(await metric(owner, "lapwing_realtime_slot_active"), 1);
    assert.equal(await metric(other, "lapwing_realtime_slot_active"), 0);
    await insert(server, last + 1, last + 50);
    await streaming.until_heard(last + 1, last + 50);
    assert.deepEqual(waiting.ids(), []);
    await owner.kill();
    await insert(server, last + 51, last + 100);
    const rejoined = await joined(t, other);
    await Promise.all([waiting.until_live(), rejoined.until_live()]);
    await Promise.all([waiting.until_heard(last + 51, last + 100), rejoined.until_heard(last + 51, last + 100)]);
    await insert(server, last + 101, last + 110);
    await Promise.all([waiting.until_heard(last + 101, last + 110), rejoined.until_heard(last + 101, last + 110)]);
    last += 110;
    streaming = rejoined;
    await owner.start();
    nodes.reverse();
  }
  assert.equal(await server.sql("SELECT count(*) FROM pg_replication_slots"), "1");
});

test("a node that ends in good order leaves nothing out for the one that waits", async (t) => {
  const server = await database(t);
  const first = await start(t, server);
  await (await joined(t, first)).until_live();
  const second = await start(t, server);
  const waiting = await joined(t, second);
  await waiting.until_elsewhere();
  await first.stop();
  await insert(server, 1, 10);
  await waiting.until_live();
  await waiting.until_heard(1, 10);
});

test("a slot that holds back too much is an alarm, then it is given up, and clients are told", async (t) => {
  const server = await database(t);
  const node = await start(t, server, { LAPWING_REALTIME__SLOT_BYTES: "1MiB" });
  const heard = await joined(t, node);
  await heard.until_live();
  await server.sql("CREATE TABLE filler (x text)");
  // What is not confirmed cannot be forgotten; a transaction that stays open holds the log.
  const commit = await server.open_transaction(t, "INSERT INTO filler VALUES ('x')");
  const fill = (bytes) => server.sql(`INSERT INTO filler SELECT repeat('x', 1000) FROM generate_series(1, ${bytes / 1000})`);
  await fill(3e6);
  await eventually(() => metric(node, "lapwing_realtime_slot_alarm"), "the alarm");
  await node.until(() => /slot lapwing_realtime_\d+ holds back \d+ MiB/.test(node.stderr), "the alarm in the log");
  await fill(3e6);
  // It is made anew only when no transaction is older than it.
  await node.until(() => /the slot held back too much and is given up/.test(node.stderr), () => node.stderr);
  await commit();
  await heard.until_told("reset");
  await eventually(async () => (await metric(node, "lapwing_realtime_slot_alarm")) === 0, "its end");
  assert.equal(await metric(node, "lapwing_realtime_slot_resets_total"), 1);
  await insert(server, 1, 5);
  await heard.until_heard(1, 5);
  assert.equal(await server.sql("SELECT count(*) FROM pg_replication_slots"), "1");
});
