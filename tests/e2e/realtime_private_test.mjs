// Private channels on PostgreSQL: the policies on realtime.messages decide who may do what in them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { start_node } from "./support/node.mjs";
import { PostgresServer } from "./support/postgres.mjs";
import { Application, RawSocket, anon_key, clients, make_roles } from "./support/realtime.mjs";
import { service_token, user_token } from "./support/sign.mjs";
import { eventually } from "./support/waiting.mjs";

const sub = "current_setting('request.jwt.claims', true)::jsonb ->> 'sub'";

/** A node with a server of its own, and policies that are made once the node has made their table. */
async function guarded(t, policies, options = {}) {
  const server = await PostgresServer.start(t);
  await server.sql(make_roles);
  const node = await start_node(t, { ...options, env: { LAPWING_REALTIME__DATABASE_URL: server.url } });
  await eventually(async () => (await server.sql("SELECT to_regprocedure('realtime.topic()')")) !== "", "the schema");
  if (policies) await server.sql(policies);
  return { server, node };
}

/** Members of a club may use its channel: readers hear, writers speak, and likewise for presence. */
const clubs = `
  CREATE TABLE club (topic text, who text, may text);
  GRANT SELECT ON club TO authenticated;
  CREATE POLICY hear ON realtime.messages FOR SELECT TO authenticated USING (EXISTS (
    SELECT FROM club c WHERE c.topic = realtime.topic() AND c.who = ${sub} AND c.may = 'read ' || extension));
  CREATE POLICY speak ON realtime.messages FOR INSERT TO authenticated WITH CHECK (EXISTS (
    SELECT FROM club c WHERE c.topic = realtime.topic() AND c.who = ${sub} AND c.may = 'write ' || extension));`;
const member = (topic, who, ...may) =>
  `INSERT INTO club VALUES ${may.map((right) => `('${topic}', '${who}', '${right}')`)};`;
const everything = ["read broadcast", "write broadcast", "read presence", "write presence"];

/** The answer to a join of the private channel. */
async function join(t, node, token, topic, config = {}) {
  const raw = await RawSocket.open(t, node, { apikey: token });
  raw.send(["1", "1", `realtime:${topic}`, "phx_join", { config: { private: true, ...config } }]);
  const { status, response } = (await raw.reply("1"))[4];
  return { raw, status, reason: response.reason };
}

for (const kind of clients) {
  test(`${kind.name}: policies on realtime.messages let members in and keep strangers out`, async (t) => {
    const { node } = await guarded(t, clubs + member("chess:1", "ann", ...everything) + member("chess:1", "ben", ...everything));
    const [ann, ben] = await Promise.all(["ann", "ben"].map((who) =>
      new Application(t, node, kind, { apikey: user_token(who) })
        .channel("chess:1", { private: true, broadcast: { ack: true }, presence: { key: who } })));
    assert.equal(await ann.channel.send({ type: "broadcast", event: "move", payload: { to: "e4" } }), "ok");
    await ben.until(() => ben.broadcasts.length === 1, "the move");
    assert.equal(await ann.channel.track({ mood: "glad" }), "ok");
    await ben.until(() => ben.channel.presenceState().ann, "ann's presence");
    for (const [who, topic] of [["carl", "chess:1"], ["ann", "chess:2"]]) {
      const app = new Application(t, node, kind, { apikey: user_token(who) });
      const refused = await app.channel(topic, { private: true }, { subscribe: false });
      refused.subscribe();
      await refused.until(() => refused.statuses.includes("CHANNEL_ERROR"), "the refusal");
      assert.match(refused.errors[0].message,
        new RegExp(`Unauthorized: You do not have permissions to read from this Channel topic: ${topic}`));
    }
  });
}

test("without any policy everybody is refused but the service role", async (t) => {
  const { node, server } = await guarded(t);
  const refusal = "Unauthorized: You do not have permissions to read from this Channel topic: a";
  for (const token of [anon_key(), user_token("ann"), user_token("ann", { rooms: ["*"] }), user_token("x", { role: "nobody" }),
    user_token("x", { role: "none" }), user_token("x", { role: "authenticated\u0000" }), user_token("x", { role: "lapwing'; --" })]) {
    const { status, reason } = await join(t, node, token, "a");
    assert.deepEqual([status, reason], ["error", refusal], token);
  }
  assert.equal((await join(t, node, service_token(), "a")).status, "ok");
  assert.equal((await join(t, node, user_token("ann"), "a'; DROP TABLE realtime.messages; --")).status, "error");
  // Asking leaves nothing behind.
  assert.equal(await server.sql("SELECT count(*) FROM realtime.messages"), "0");
});

test("each of the four rights is one of its own", async (t) => {
  const { node } = await guarded(t, clubs + member("c", "full", ...everything) + member("c", "deaf", "read presence", "write broadcast")
    + member("c", "mute", "read broadcast") + member("c", "shown", "read broadcast", "write presence")
    + member("c", "sender", "write broadcast", "write presence"));
  const as = async (who) => (await join(t, node, user_token(who), "c", { broadcast: { ack: true }, presence: { key: who } })).raw;
  assert.equal((await join(t, node, user_token("sender"), "c")).reason,
    "Unauthorized: You do not have permissions to read from this Channel topic: c");
  const [full, deaf, mute, shown] = [await as("full"), await as("deaf"), await as("mute"), await as("shown")];
  const say = (raw, ref, event) => raw.send(["1", ref, "realtime:c", "broadcast", { type: "broadcast", event, payload: {} }]);
  const track = async (raw, ref) => {
    raw.send(["1", ref, "realtime:c", "presence", { type: "presence", event: "track", payload: { n: 1 } }]);
    return (await raw.reply(ref))[4].status;
  };
  const heard = (raw) => raw.frames.filter((frame) => frame[3] === "broadcast").map((frame) => frame[4].event);
  say(mute, "2", "from mute"); // Dropped without a word, whatever was asked for.
  await mute.still_open();
  assert.ok(!mute.frames.some((frame) => frame[1] === "2"));
  say(deaf, "2", "from deaf");
  await deaf.reply("2");
  say(full, "2", "from full");
  await full.reply("2");
  for (const raw of [mute, shown]) await raw.until(() => heard(raw).length === 2, "both");
  assert.deepEqual(heard(mute), ["from deaf", "from full"]);
  assert.equal(await track(shown, "3"), "ok");
  assert.equal(await track(mute, "3"), "error");
  assert.equal(await track(deaf, "3"), "error");
  for (const raw of [full, deaf]) {
    await raw.until(() => raw.frames.some((frame) => frame[3] === "presence_diff" && frame[4].joins.shown), "shown's presence");
  }
  await mute.still_open();
  await deaf.still_open();
  assert.ok(!mute.frames.some((frame) => frame[3].startsWith("presence_")));
  assert.deepEqual(heard(deaf), []);
});

test("broadcasts over HTTP to private channels need the right to write", async (t) => {
  const { node } = await guarded(t, clubs + member("c", "ann", ...everything) + member("c", "mute", "read broadcast"));
  const { raw } = await join(t, node, user_token("ann"), "c");
  const batch = (token, event, topic = "c") => node.request("/realtime/v1/api/broadcast",
    { method: "POST", headers: { apikey: token }, body: { messages: [{ topic, event, payload: {}, private: true }] } });
  const single = (token, event) => node.request(`/realtime/v1/api/broadcast/c/events/${event}?private=true`,
    { method: "POST", headers: { apikey: token }, body: {} });
  for (const token of [user_token("mute"), anon_key()]) {
    assert.equal((await batch(token, "never")).status, 202);
    assert.equal((await single(token, "never")).status, 403);
  }
  assert.equal((await batch(user_token("ann"), "one")).status, 202);
  assert.equal((await single(user_token("ann"), "two")).status, 202);
  assert.equal((await single(service_token(), "three")).status, 202);
  const heard = () => raw.frames.filter((frame) => frame[3] === "broadcast").map((frame) => frame[4].event);
  await raw.until(() => heard().length === 3, () => `three; ${heard()}`);
  assert.deepEqual(heard(), ["one", "two", "three"]);
});

test("a renewed token is asked about anew: a right that was lost ends the channel", async (t) => {
  const { node, server } = await guarded(t, clubs + member("c", "ann", ...everything) + member("c", "ben", "read broadcast"));
  const renewed = async (token) => {
    const { raw } = await join(t, node, user_token("ann"), "c", { broadcast: { ack: true } });
    raw.send(["1", null, "realtime:c", "access_token", { access_token: token }]);
    return raw;
  };
  const end = async (raw, message) => {
    await raw.until(() => raw.frames.some((frame) => frame[3] === "phx_close"), "the end");
    assert.deepEqual(raw.frames.find((frame) => frame[3] === "system")[4], { message, status: "error", extension: "system", channel: "c" });
    await raw.still_open();
  };
  await end(await renewed(user_token("carl")), "You do not have permissions to read from this Channel topic: c");
  await end(await renewed(user_token("ben")), "You no longer have permission to read from this Channel topic: c");
  // Until then what was found at the join holds.
  const { raw } = await join(t, node, user_token("ann"), "c", { broadcast: { ack: true } });
  await server.sql("DELETE FROM club WHERE may = 'write broadcast'");
  raw.send(["1", "2", "realtime:c", "broadcast", { type: "broadcast", event: "e", payload: {} }]);
  assert.equal((await raw.reply("2"))[4].status, "ok");
  raw.send(["1", null, "realtime:c", "access_token", { access_token: user_token("ann", { nr: 2 }) }]);
  // No answer comes to that; its effect does: soon nothing may be said any more.
  let ref = 2;
  await eventually(async () => {
    ref += 1;
    raw.send(["1", `${ref}`, "realtime:c", "broadcast", { type: "broadcast", event: "e", payload: {} }]);
    await raw.still_open();
    return !raw.frames.some((frame) => frame[1] === `${ref}`);
  }, "the right to be gone");
});

test("a name that ends early in the database is nobody's", async (t) => {
  const { node } = await guarded(t, `${clubs} ${member("c", "ann", ...everything)}
    CREATE POLICY old_way ON realtime.messages FOR SELECT TO authenticated USING (current_setting('request.jwt.claim.sub', true) = 'ben');`);
  assert.equal((await join(t, node, user_token("ben"), "c")).status, "ok");
  for (const user of ["ann\u0000", "ben\u0000x"]) {
    assert.equal((await RawSocket.open(t, node, { apikey: user_token(user) })).refused.status, 401);
  }
  assert.match((await join(t, node, user_token("ben", { role: "authenticated\u0000" }), "c")).reason, /^Unauthorized: /);
  assert.match((await join(t, node, user_token("ann"), "c\u0000d")).reason, /^Unauthorized: /);
});

test("a policy that fails refuses those it fails for, and the operator is told", async (t) => {
  const { node } = await guarded(t, `
    CREATE POLICY by_number ON realtime.messages FOR SELECT TO authenticated USING ((${sub})::int > 0);
    CREATE FUNCTION tired() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE SQLSTATE '57014'; END $$;
    CREATE POLICY slow ON realtime.messages FOR SELECT TO anon USING (tired());`);
  assert.equal((await join(t, node, user_token("17"), "a")).status, "ok");
  const refused = await join(t, node, user_token("seventeen"), "a");
  assert.equal(refused.reason, "Unauthorized: You do not have permissions to read from this Channel topic: a");
  await eventually(() => /a policy on realtime\.messages fails \(SQLSTATE 22P02\)/.test(node.stderr), "the operator's line");
  assert.ok(!node.stderr.includes("seventeen"));
  assert.equal((await join(t, node, anon_key(), "a")).reason, "QueryCanceled: The policies of this Channel topic took too long");
});

test("while the database is away private joins are refused and public ones go on; then it is back", async (t) => {
  const { node, server } = await guarded(t, clubs + member("c", "ann", ...everything));
  assert.equal((await join(t, node, user_token("ann"), "c")).status, "ok");
  await server.kill();
  assert.equal((await join(t, node, user_token("ann"), "c")).reason,
    "UnableToConnectToProject: Realtime was unable to connect to the project database");
  const raw = await RawSocket.open(t, node);
  raw.send(["1", "1", "realtime:open", "phx_join", {}]);
  assert.equal((await raw.reply("1"))[4].status, "ok");
  await server.start();
  assert.equal((await join(t, node, user_token("ann"), "c")).status, "ok");
  // A schema that was dropped is made again, without its policies.
  await server.sql("DROP SCHEMA realtime CASCADE");
  assert.match((await join(t, node, user_token("ann"), "c")).reason, /^Unauthorized: /);
});

test("a role that may not make the schema refuses private channels and says what it needs", async (t) => {
  const server = await PostgresServer.start(t);
  await server.sql(`${make_roles} CREATE ROLE weak LOGIN; GRANT anon, authenticated, service_role TO weak;`);
  const url = new URL(server.url);
  url.username = "weak";
  const node = await start_node(t, { env: { LAPWING_REALTIME__DATABASE_URL: url.href } });
  assert.match((await join(t, node, user_token("ann"), "c")).reason, /^UnableToConnectToProject: /);
  await eventually(() => node.stderr.includes("private channels are refused: the node's role must be able to make schema realtime, or own realtime.messages"),
    "the operator's line");
  await server.sql("GRANT CREATE ON DATABASE lapwing TO weak");
  await eventually(async () => /^Unauthorized/.test((await join(t, node, user_token("ann"), "c")).reason), "the policies to decide");
});
