// `lapwing reencrypt`: a new key seals everything, the old one is removed, and nothing is lost.
import assert from "node:assert/strict";
import test from "node:test";
import { command } from "./support/node.mjs";
import { connected_node } from "./support/simulator.mjs";
import { eventually } from "./support/waiting.mjs";

const old_key = "0123456789abcdef".repeat(4); // As in support/simulator.mjs.
const new_key = "fedcba9876543210".repeat(4);
const platforms = ["spotify", "github", "slack", "gmail"];

async function connect(node, platform) {
  const start = await node.as("user-0", `/api/oauth/${platform}/authorize?redirect=/done`);
  const consent = await fetch(`${start.headers.location}&login_hint=user-0&user=user-0`, { redirect: "manual" });
  const back = new URL(consent.headers.get("location"));
  const end = await node.request(`${back.pathname}${back.search}`,
    { headers: { Cookie: start.headers["set-cookie"][0].split(";")[0] } });
  assert.equal(end.headers.location, `/done?connected=${platform}`, end.text);
}

const statuses = async (node) =>
  Object.fromEntries((await node.as("user-0", "/api/connections")).json.connections.map(({ platform, status, lastSync }) => [platform, { status, lastSync }]));

/** Every platform is polled with its stored token. */
async function all_are_read(node) {
  const before = await statuses(node);
  assert.equal((await node.as("user-0", "/api/connections/sync", { method: "POST" })).json.started, platforms.length);
  await eventually(async () => {
    const now = await statuses(node);
    return platforms.every((one) => now[one].status === "connected" && now[one].lastSync > before[one].lastSync);
  }, "every platform to be read");
}

const reencrypt = (node, keys) => command(["reencrypt", "--data", node.data], { env: { LAPWING_SECURITY__ENCRYPTION_KEYS: keys } });

test("keys are rotated: the old one is removed and every token opens", async (t) => {
  const { node } = await connected_node(t);
  for (const platform of platforms) await connect(node, platform);
  await eventually(async () => Object.values(await statuses(node)).every(({ lastSync }) => lastSync), "the first polls");

  // Not beside a running node, and not without the key that opens.
  const beside = await reencrypt(node, `${new_key},${old_key}`);
  assert.equal(beside.code, 1);
  assert.match(beside.stderr, /another process uses this data directory/);
  await node.stop();

  const without = await reencrypt(node, new_key);
  assert.equal(without.code, 1);
  assert.match(without.stderr, /keep the older ones: secrets sealed with keys that are not in security\.encryption_keys: \d+/);

  const done = await reencrypt(node, `${new_key},${old_key}`);
  assert.equal(done.code, 0, done.stderr);
  const [, count] = /^(\d+) secrets sealed with the newest key; nothing needs an older one\n$/.exec(done.stdout);
  assert.ok(Number(count) >= platforms.length, done.stdout);
  assert.match(done.stderr, new RegExp(`^${count} of ${count} secrets are sealed with older keys$`, "m"));
  const again = await reencrypt(node, `${new_key},${old_key}`);
  assert.equal(again.stdout, "0 secrets sealed with the newest key; nothing needs an older one\n");
  for (const text of [done.stdout, done.stderr, beside.stderr]) {
    assert.ok(!text.includes(new_key) && !text.includes(old_key));
  }

  node.env.ENCRYPTION_KEY = new_key;
  await node.start();
  await all_are_read(node);
});

test("a key that is removed too early is missed, and nothing is lost", async (t) => {
  const { node } = await connected_node(t);
  for (const platform of platforms) await connect(node, platform);
  await eventually(async () => Object.values(await statuses(node)).every(({ lastSync }) => lastSync), "the first polls");
  await node.stop();
  node.env.ENCRYPTION_KEY = new_key;
  await node.start();
  for (const { status } of Object.values(await statuses(node))) assert.equal(status, "connected");
  await node.stop();
  delete node.env.ENCRYPTION_KEY;
  node.env.LAPWING_SECURITY__ENCRYPTION_KEYS = `${new_key},${old_key}`;
  await node.start();
  await all_are_read(node);
});
