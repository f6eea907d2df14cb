// A real authorization server (npm oidc-provider): PKCE, single-use refresh tokens and reuse
// detection, storms of requests, and a node that is killed in the middle of refreshes. What is left is
// a grant that works, or one honest needs_reauth.
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import test from "node:test";
import { start_node } from "./support/node.mjs";
import { AuthorizationServer, oidc_platform_file } from "./support/oidc.mjs";
import { deadline_ms, eventually, quick } from "./support/waiting.mjs";

async function ninth_platform(t) {
  const server = await AuthorizationServer.start(t);
  const node = await start_node(t, {
    start: false,
    config: "[platforms]\nscan = \"100ms\"\n\n[outbound]\nallow_private_addresses = true\n",
    env: {
      NINTH_CLIENT_ID: server.client.id,
      NINTH_CLIENT_SECRET: server.client.secret,
      ENCRYPTION_KEY: "0123456789abcdef".repeat(4),
      API_URL: "http://127.0.0.1:1", // Only a name here: the browser of the test knows the node.
    },
  });
  const folder = join(dirname(node.config_file), "platforms");
  mkdirSync(folder);
  writeFileSync(join(folder, "ninth.toml"), oidc_platform_file(server));
  await node.start();
  await server.open("http://127.0.0.1:1/api/oauth/ninth/callback");
  return { node, server };
}

/** A browser: follows redirects with its cookies until it is back at the node. */
async function connect(node, user) {
  const start = await node.as(user, "/api/oauth/ninth/authorize?redirect=/done");
  assert.equal(start.status, 302, start.text);
  const asked = new URL(start.headers.location);
  assert.equal(asked.searchParams.get("code_challenge_method"), "S256");
  assert.match(asked.searchParams.get("code_challenge"), /^[\w-]{43}$/);
  const jar = new Map([["user", user]]);
  let at = asked;
  for (let hops = 0; at.port === asked.port; ++hops) {
    assert.ok(hops < 10, `the browser is sent in circles: ${at}`);
    const cookies = [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
    const answer = await fetch(at, { redirect: "manual", headers: { Cookie: cookies } });
    assert.ok([302, 303].includes(answer.status), `${at}: ${answer.status} ${await answer.text()}`);
    for (const line of answer.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
      jar.set(name, value);
    }
    at = new URL(answer.headers.get("location"), at);
  }
  assert.equal(at.searchParams.get("error"), null, at.search);
  const end = await node.request(`${at.pathname}${at.search}`,
    { headers: { Cookie: start.headers["set-cookie"][0].split(";")[0] } });
  assert.equal(end.headers.location, "/done?connected=ninth", end.text);
}

async function connection(node, user) {
  return (await node.as(user, "/api/connections")).json.connections.find(({ platform }) => platform === "ninth");
}

const ends_told = async (node, user) =>
  (await node.history(user)).filter(({ type, status }) => type === "connection_status" && status === "needs_reauth").length;

function sync(node, user) {
  return node.as(user, "/api/connections/ninth/sync", { method: "POST" });
}

/** A sync that reaches the platform with a good token. */
async function polls(node, server, user) {
  const before = server.calls.get(user) ?? 0;
  assert.equal((await sync(node, user)).status, 202);
  await server.until(() => (server.calls.get(user) ?? 0) > before, () => `${user} to be read`);
}

test("a platform behind a real authorization server is connected and read", async (t) => {
  const { node, server } = await ninth_platform(t);
  await connect(node, "ann");
  await server.until(() => server.calls.get("ann") > 0, "the first poll");
  assert.equal((await connection(node, "ann")).status, "connected");
  const items = await eventually(async () => (await node.as("ann", "/api/data/ninth?type=items")).json.items.length > 0, "the item");
  assert.ok(items);
  assert.equal(server.failure, undefined);
  assert.deepEqual(server.refused, []);
});

test("fifty requests of one whose token died make one refresh", async (t) => {
  const { node, server } = await ninth_platform(t);
  await connect(node, "ann");
  await server.until(() => server.calls.get("ann") > 0, "the first poll");
  await server.expire_access("ann");
  const before = server.calls.get("ann");
  const answers = await Promise.all(Array.from({ length: 50 }, () => sync(node, "ann")));
  for (const answer of answers) assert.equal(answer.status, 202, answer.text);
  await server.until(() => server.calls.get("ann") > before, "news with a new token");
  await polls(node, server, "ann");
  assert.equal(server.refreshes_of("ann").length, 1);
  assert.deepEqual(server.refused, []);
  assert.equal((await connection(node, "ann")).status, "connected");
});

test("a used refresh token that comes again ends the grant, and the person is told once", async (t) => {
  const { node, server } = await ninth_platform(t);
  await connect(node, "ann");
  await server.until(() => server.calls.get("ann") > 0, "the first poll");
  // Answered, and the answer lost: nobody has the new token, and the old one is used up.
  server.answered = async () => (server.refreshes.length === 1 ? "drop" : "");
  await server.expire_access("ann");
  await sync(node, "ann");
  await eventually(async () => (await connection(node, "ann")).status === "needs_reauth", "needs_reauth", 2 * deadline_ms);
  assert.deepEqual(server.refused, [{ user: "ann", error: "invalid_grant" }]);
  assert.equal(await ends_told(node, "ann"), 1);
  const { reconnect, message } = await connection(node, "ann");
  assert.equal(reconnect, "/api/oauth/ninth/authorize");
  assert.match(message, /ninth.*invalid_grant.*Connect it again/s);
  // The link puts it right.
  await connect(node, "ann");
  await polls(node, server, "ann");
  assert.equal((await connection(node, "ann")).status, "connected");
  assert.equal(await ends_told(node, "ann"), 1);
});

/** Kills the node around the next refresh request: before it has an effect, with its answer lost, or
 * with its answer on the way. Resolves when it is dead. */
function kill_in_a_refresh(node, server, where) {
  return new Promise((dead) => {
    let victim;
    const die = () => node.kill().then(() => dead(Date.now()));
    server.arrived = async (refresh) => {
      if (victim) return "drop"; // The node is dying.
      victim = refresh;
      if (where !== "before") return "";
      await die();
      return "drop";
    };
    server.answered = async (refresh) => {
      if (refresh !== victim) return "";
      const death = die();
      if (where === "on the way") return "";
      await death;
      return "drop";
    };
  }).finally(() => {
    server.arrived = async () => "";
    server.answered = async () => "";
  });
}

test("kill -9 in the middle of refreshes ends in live grants or one needs_reauth each", async (t) => {
  const { node, server } = await ninth_platform(t);
  const users = Array.from({ length: quick ? 6 : 12 }, (_, index) => `user-${index}`);
  server.token_life = 8; // Refreshed halfway.
  for (const user of users) await connect(node, user);
  const deaths = [];
  const rounds = ["before", "answer lost", "on the way"];
  for (const where of quick ? rounds : [...rounds, ...rounds]) {
    deaths.push(await kill_in_a_refresh(node, server, where));
    await node.start();
  }
  server.token_life = 3600; // What is refreshed from now on stays.
  const over = [];
  for (const user of users) {
    await eventually(async () => {
      const { status, tokenExpiresAt } = await connection(node, user);
      return status === "needs_reauth" || Date.parse(tokenExpiresAt) > Date.now() + 1_800_000;
    }, `${user} to settle`, 4 * deadline_ms);
    if ((await connection(node, user)).status === "needs_reauth") over.push(user);
  }
  t.diagnostic(`${deaths.length} deaths, ${server.refreshes.length} refreshes, ${over.length} of ${users.length} grants lost`);
  for (const user of users) {
    if (!over.includes(user)) {
      assert.equal(await ends_told(node, user), 0, user);
      await polls(node, server, user);
      continue;
    }
    assert.equal(await ends_told(node, user), 1, user);
    // Only a rotation that the node had no time to keep costs a grant: its request came shortly before
    // a death, or was read from the socket of a node that was dead.
    const near = server.refreshes_of(user).filter(({ given, at }) => given && deaths.some((death) => Math.abs(death - at) < 3_000));
    assert.ok(near.length > 0, `${user} lost a grant without need: ${JSON.stringify({ deaths, refreshes: server.refreshes_of(user) })}`);
  }
  assert.ok(over.length >= (quick ? 1 : 2), "an answer that is lost is noticed");
  assert.ok(over.length < users.length, `${over} are over`);
  // Each dead grant was asked for once more, and never again but when a death took that answer.
  assert.ok(server.refused.length >= over.length, JSON.stringify(server.refused));
  assert.ok(server.refused.length <= over.length + deaths.length, JSON.stringify(server.refused));
  assert.equal(server.failure, undefined);
});
