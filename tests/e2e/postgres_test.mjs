// kill -9 of PostgreSQL, and of the node on it, under load: what was acknowledged is stored once, streams
// see it once and in order, and everything comes back by itself.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import {
  assert_ascending, binary, command, position, root, start_node, temporary_folder,
} from "./support/node.mjs";
import { PostgresServer, remove_server } from "./support/postgres.mjs";
import { user_token } from "./support/sign.mjs";
import { SseStream } from "./support/sse.mjs";
import { afterwards, Watched, deadline_ms, eventually, quick, random_source } from "./support/waiting.mjs";

async function node_on(t, server, env = {}) {
  return start_node(t, { env: { LAPWING_NODE__DATABASE_URL: server.url, ...env } });
}

/** A stream that is opened again whenever it ends, from where it was. */
function survivor(t, node, user) {
  const seen = Object.assign(new Watched(), { user, deliveries: [], positions: [], opened: 0 });
  let stopped = false;
  afterwards(t, () => (stopped = true));
  (async () => {
    while (!stopped) {
      if (!node.serving) await node.until(() => stopped || node.serving, "the node", 10 * deadline_ms);
      if (stopped) return;
      const stream = await SseStream.open(t, node, { token: user_token(user), last_event_id: seen.last_id })
        .catch(() => undefined);
      if (stream === undefined || stream.status !== 200) continue;
      ++seen.opened;
      for (let taken = 0; !stream.closed;) {
        await stream.until(() => stream.closed || stream.blocks.length > taken, "more", 10 * deadline_ms);
        for (; taken < stream.blocks.length; ++taken) {
          const envelope = stream.blocks[taken].json ?? {};
          if (envelope.type === "reset") seen.failure = JSON.stringify(envelope);
          if (envelope.type !== "webhook_received") continue;
          seen.last_id = envelope.id;
          seen.positions.push(position(envelope.id));
          seen.deliveries.push(envelope.data.deliveryId);
          seen.changed();
        }
      }
    }
  })().catch((failure) => (seen.failure = failure.message));
  return seen;
}

const users = ["u0", "u1", "u2", "u3"];

/** Sends deliveries until `stopped()`, each again until it is acknowledged, and counts. */
function senders(node, ledger, stopped) {
  return Promise.all(Array.from({ length: 16 }, async (_, index) => {
    const user = users[index % users.length];
    while (!stopped()) {
      const delivery = `d${++ledger.number}`;
      for (;;) {
        if (!node.serving) await node.until(() => node.serving, "the node", 10 * deadline_ms);
        const answer = await node.push(user, ledger.number, delivery).catch(() => undefined);
        if (answer?.status === 200) break;
        ++ledger.refused;
        // The store is away: exactly that, at once, and with a time to come again.
        if (answer !== undefined) {
          assert.equal(answer.status, 503, answer.text);
          assert.ok(Number(answer.headers["retry-after"]) >= 1);
        }
        await new Promise((resolve) => setTimeout(resolve, 5)); // As a provider would, only sooner.
      }
      ledger.acknowledged.get(user).add(delivery);
      ++ledger.count;
      ledger.changed();
    }
  }));
}

test("kill -9 of PostgreSQL and of the node under load, ten times each", async (t) => {
  const rounds = quick ? 2 : 10;
  const chance = random_source(t);
  const server = await PostgresServer.start(t);
  const node = await node_on(t, server);
  for (const user of users) await node.add_user(user);
  node.serving = true;
  const ledger = Object.assign(new Watched(), {
    number: 0, count: 0, refused: 0, acknowledged: new Map(users.map((user) => [user, new Set()])),
  });
  const seen = users.map((user) => survivor(t, node, user));
  for (const client of seen) await eventually(async () => client.opened > 0, `${client.user} to connect`);
  // Everybody has a resume point before the first kill.
  for (const user of users) {
    assert.equal((await node.push(user, 0, `first-${user}`)).status, 200);
    ledger.acknowledged.get(user).add(`first-${user}`);
  }
  for (const client of seen) await client.until(() => client.deliveries.length > 0, "the first delivery");
  let done = false;
  const sending = senders(node, ledger, () => done);
  const some_more = (what) => {
    const target = ledger.count + chance.between(50, 300);
    return Promise.race([sending, ledger.until(() => ledger.count >= target, `load after ${what}`, 3 * deadline_ms)]);
  };
  for (let round = 0; round < rounds; ++round) {
    await some_more("a start");
    await server.kill();
    assert.equal((await node.request("/livez")).status, 200);
    await server.start();
    await some_more("PostgreSQL was killed");
    node.serving = false;
    await node.kill();
    await node.start();
    node.serving = true;
    node.changed();
  }
  await some_more("the last start");
  done = true;
  await sending;
  for (const [index, user] of users.entries()) {
    const expected = ledger.acknowledged.get(user);
    const log = await node.history(user);
    const stored = log.map(({ data }) => data.deliveryId);
    assert.equal(stored.length, expected.size, `${user}: stored once each`);
    assert.deepEqual(new Set(stored), expected);
    assert_ascending(log.map(({ id }) => position(id)), user);
    const client = seen[index];
    await client.until(() => client.failure || client.deliveries.length >= expected.size,
      () => `${user} to see ${expected.size}; it saw ${client.deliveries.length}`);
    assert.equal(client.failure, undefined);
    assert.deepEqual(client.deliveries, stored, `${user} saw the log`);
    assert_ascending(client.positions, user);
  }
  assert.equal(await server.sql("SELECT count(*) FROM events"), String([...ledger.acknowledged.values()]
    .reduce((sum, { size }) => sum + size, 0)));
  t.diagnostic(`${ledger.count} acknowledged, ${ledger.refused} attempts failed, ${rounds} kills of each`);
});

test("while PostgreSQL is away streams stay up and readiness says no", async (t) => {
  const server = await PostgresServer.start(t);
  const node = await node_on(t, server);
  await node.add_user("u1");
  const stream = await SseStream.open(t, node, { token: user_token("u1") });
  await stream.first("connected");
  assert.equal((await node.push("u1", 1, "before")).status, 200);
  await server.kill();
  const refused = await node.push("u1", 2, "during");
  assert.equal(refused.status, 503, refused.text);
  assert.equal(refused.json.code, "store_unavailable");
  await eventually(async () => (await node.request("/readyz")).status === 503, "readiness to end");
  await server.start();
  await eventually(async () => (await node.request("/readyz")).status === 200, "readiness to come back");
  await eventually(async () => (await node.push("u1", 2, "during")).status === 200, "a delivery to be taken");
  await stream.until(() => stream.blocks.filter(({ json }) => json?.type === "webhook_received").length === 2,
    "both deliveries on the one stream");
  assert.equal(stream.closed, false);
});

test("a second node takes over and the first writes nothing any more", async (t) => {
  const server = await PostgresServer.start(t);
  const first = await node_on(t, server);
  await first.add_user("u1");
  assert.equal((await first.push("u1", 1, "one")).status, 200);
  const second = await node_on(t, server);
  assert.equal((await first.push("u1", 2, "two")).status, 503);
  assert.equal((await second.push("u1", 2, "two")).status, 200);
  assert.equal((await first.push("u1", 2, "two")).status, 503);
  assert.equal((await second.history("u1")).length, 2);
  assert.equal(await server.sql("SELECT string_agg(state, ' ' ORDER BY epoch) FROM nodes"), "dead live");
});

test("scripts/run --postgres brings a server of its own and stops it", async (t) => {
  const folder = temporary_folder(t);
  const server = join(folder, "server");
  afterwards(t, () => remove_server(server));
  const child = spawn(join(root, "scripts/run"), ["--postgres"], {
    cwd: root,
    env: {
      PATH: process.env.PATH, HOME: process.env.HOME, LAPWING_BINARY: binary,
      LAPWING_NODE__LISTEN: "127.0.0.1:0", LAPWING_RUN_POSTGRES: server,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  let exit;
  child.stdout.on("data", (data) => (output += data));
  child.stderr.on("data", (data) => (output += data));
  child.on("close", (code) => (exit = { code }));
  afterwards(t, () => child.kill("SIGKILL"));
  const [, address] = await eventually(async () => {
    assert.equal(exit, undefined, output);
    return /dashboard +(http:\S+)\//.exec(output);
  }, "the node to serve", 2 * deadline_ms);
  const sent = await fetch(`${address}/api/sse/send`, {
    method: "POST", headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ userId: "demo", event: { type: "custom_notification" } }),
  });
  assert.equal(sent.status, 202, await sent.text());
  const pid_file = join(server, "home/data/postmaster.pid");
  assert.ok(existsSync(pid_file));
  child.kill("SIGTERM");
  await eventually(async () => exit, "the script to end");
  assert.equal(exit.code, 0, output);
  assert.ok(!existsSync(pid_file), "the server was stopped");
});

test("lapwing migrate applies the schema once and says so", async (t) => {
  const server = await PostgresServer.start(t);
  const args = ["migrate", "--database-url", server.url];
  const cwd = temporary_folder(t);
  const first = await command(args, { cwd });
  assert.equal(first.code, 0, first.stderr);
  assert.match(first.stdout, /^applied 0001_init$/m);
  assert.match(first.stdout, /^the schema is at version \d+$/m);
  const second = await command(args, { cwd });
  assert.match(second.stdout, /nothing to do/);
  const wrong = await command(["migrate", "--database-url", "postgresql://ann:hunter2@127.0.0.1:1/x"], { cwd });
  assert.equal(wrong.code, 1);
  assert.doesNotMatch(wrong.stderr + wrong.stdout, /hunter2/);
});
