// Bad input to the Realtime endpoint of a node with PostgreSQL: the documented answer, and the socket
// stays open where the original keeps it open.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { start_node } from "./support/node.mjs";
import { PostgresServer } from "./support/postgres.mjs";
import { RawSocket, anon_key, make_roles } from "./support/realtime.mjs";
import { jwt, now_s, user_token } from "./support/sign.mjs";
import { random_source } from "./support/waiting.mjs";

/** One server and node for all; what ends them is kept until the last test is over. */
const all = { ends: [], after: (end) => all.ends.unshift(end) };
let server;
let node;

before(async () => {
  server = await PostgresServer.start(all);
  await server.sql(`${make_roles}
    CREATE TABLE messages (id bigint PRIMARY KEY, body text, tags text[], done boolean, at timestamp, who uuid);
    GRANT SELECT ON messages TO anon;
    CREATE TABLE hidden (id int PRIMARY KEY);
    CREATE TABLE keyless (body text); GRANT SELECT ON keyless TO anon;
    ALTER PUBLICATION supabase_realtime ADD TABLE messages, hidden, keyless;`);
  node = await start_node(all, { env: { LAPWING_REALTIME__DATABASE_URL: server.url, LAPWING_REALTIME__PAYLOAD_BYTES: "2000",
    LAPWING_REALTIME__JOINS_PER_SECOND: "1000", LAPWING_AUTH__LEEWAY: "0s" } });
});

after(async () => {
  await node.is_alive();
  for (const end of all.ends) await end();
});

const open = (t, options) => RawSocket.open(t, node, options);

async function join(raw, ref, topic, config = {}, more = {}) {
  raw.send([ref, ref, topic, "phx_join", { config, ...more }]);
  return (await raw.reply(ref))[4];
}

test("malformed frames are ignored and what follows is answered", async (t) => {
  const raw = await open(t);
  assert.equal((await join(raw, "1", "realtime:a", { presence: { enabled: false } })).status, "ok");
  const junk = ["", " ", "{", "[", "null", "17", '"text"', "[]", "{}", "[1,2,3,4,5]", '["1","2"]', "[null,null,null,null,null]",
    '["1","2","realtime:a","broadcast"]', '["1","2","realtime:a",7,{}]', '["1","2",{},"broadcast",{}]', `["1","2","realtime:a","x",${"[".repeat(2000)}`,
    '{"topic":"realtime:a","event":"phx_leave","payload":{},"ref":"2"}', '["1","2","realtime:a","phx_leave",{}]]', '["1","2","realtime:a\u0000","\ud800",{}]',
    Buffer.alloc(0), Buffer.from([3]), Buffer.from([4, 1, 1, 1, 0, 97]), Buffer.from([3, 255, 255, 255, 255, 255, 1]), Buffer.from([3, 0, 0, 0, 0, 0, 9]),
    Buffer.concat([Buffer.from([3, 1, 1, 10, 1, 0, 1]), Buffer.from("11realtime:ae{not json")]), Buffer.alloc(5000, 0xff)];
  for (const frame of junk) raw.send(frame);
  const random = random_source(t);
  for (let i = 0; i < 200; i++) raw.send(Buffer.from(Array.from({ length: random.between(0, 40) }, () => random.between(0, 255))));
  await raw.still_open();
  assert.equal((await join(raw, "3", "realtime:b", { presence: { enabled: false } })).status, "ok");
  assert.equal(raw.frames.filter((frame) => frame[3] !== "phx_reply").length, 0);
});

test("wrong refs and unknown topics and events do no harm", async (t) => {
  const raw = await open(t);
  await join(raw, "1", "realtime:a", { broadcast: { ack: true, self: true } });
  for (const ref of [7, -1, 1e300, true, null, ["1"], { a: 1 }, "x".repeat(1000), "\u0000\"\\"]) {
    raw.send([ref, ref, "realtime:a", "nonsense", {}]);
    raw.send([ref, ref, "realtime:nobody", "broadcast", { type: "broadcast", event: "e", payload: {} }]);
  }
  raw.send(["1", "20", "realtime:nobody", "access_token", { access_token: "x" }]);
  assert.deepEqual((await raw.reply("20"))[4], { status: "error", response: { reason: "unmatched topic" } });
  raw.send(["1", "21", "realtime:nobody", "phx_leave", {}]);
  assert.equal((await raw.reply("21"))[4].status, "ok");
  raw.send(["1", "22", "phoenix", "phx_join", {}]);
  raw.send(["1", "23", "realtime:a", "broadcast", { type: "broadcast", event: "e", payload: {} }]);
  assert.equal((await raw.reply("23"))[4].status, "ok");
  await raw.still_open();
});

test("a join whose config makes no sense goes on with what does", async (t) => {
  const raw = await open(t);
  let ref = 0;
  const odd = [7, "x", [], null, { broadcast: [] }, { broadcast: { ack: "perhaps", self: {} } }, { presence: "on" }, { presence: { key: 7 } },
    { presence: { key: "k".repeat(5000) } }, { private: "maybe" }, { postgres_changes: "all" }, { postgres_changes: [null, null] },
    { postgres_changes: [7, "x", []] }, { postgres_changes: {} }, { broadcast: { replication_ready: 3 } }];
  for (const config of odd) {
    ref += 1;
    const { status, response } = await join(raw, `${ref}`, `realtime:odd${ref}`, config);
    assert.deepEqual([status, response], ["ok", { postgres_changes: [] }], JSON.stringify(config));
  }
  await raw.still_open();
});

test("joins are refused with the documented reasons and the socket lives", async (t) => {
  const raw = await open(t);
  const reason = async (ref, topic, config, more) => (await join(raw, ref, topic, config, more)).response.reason;
  assert.equal(await reason("1", "realtime:"), "TopicNameRequired: You must provide a topic name");
  assert.equal(await reason("2", "elsewhere"), "unmatched topic");
  assert.equal(await reason("3", "realtime:a", { private: true }), "Unauthorized: You do not have permissions to read from this Channel topic: a");
  assert.match(await reason("4", "realtime:a", {}, { access_token: jwt({ exp: now_s() - 5 }) }), /^InvalidJWTToken: Token has expired \d+ seconds ago$/);
  assert.equal(await reason("5", "realtime:a", {}, { access_token: "x.y.z" }), "MalformedJWT: The token provided is not a valid JWT");
  assert.equal(await reason("6", "realtime:a", {}, { access_token: jwt({}, { secret: "another-secret-with-at-least-32-characters" }) }),
    "JwtSignatureError: Failed to validate JWT signature");
  assert.equal(await reason("7", "realtime:a", { broadcast: { replay: { since: 0 } } }), "UnableToReplayMessages: Replay is not allowed for public channels");
  assert.equal(await reason("8", "realtime:a'; DROP SCHEMA realtime CASCADE; --", { private: true }),
    "Unauthorized: You do not have permissions to read from this Channel topic: a'; DROP SCHEMA realtime CASCADE; --");
  assert.equal(await reason("9", "realtime:a\u0000b", { private: true }), "Unauthorized: You do not have permissions to read from this Channel topic: a\u0000b");
  assert.equal(await server.sql("SELECT to_regclass('realtime.messages')"), "realtime.messages");
  await raw.still_open();
});

test("a bad new token ends its channel and no other", async (t) => {
  const raw = await open(t, { apikey: user_token("ann") });
  for (const ref of ["1", "2"]) await join(raw, ref, `realtime:r${ref}`);
  raw.send(["1", null, "realtime:r1", "access_token", { access_token: 7 }]);
  raw.send(["1", null, "realtime:r1", "access_token", { access_token: "sb_publishable_x" }]);
  raw.send(["1", null, "realtime:r1", "access_token", {}]);
  await raw.still_open();
  raw.send(["1", null, "realtime:r1", "access_token", { access_token: "nonsense" }]);
  await raw.until(() => raw.frames.some((frame) => frame[3] === "phx_close"), "the end");
  assert.deepEqual(raw.frames.find((frame) => frame[3] === "system"), ["1", null, "realtime:r1", "system",
    { message: "The token provided is not a valid JWT", status: "error", extension: "system", channel: "r1" }]);
  assert.deepEqual(raw.frames.filter((frame) => frame[3] === "phx_close").map((frame) => frame[2]), ["realtime:r1"]);
  await raw.still_open();
});

test("the hundred and first channel is refused", async (t) => {
  const raw = await open(t);
  for (let i = 1; i <= 105; i++) raw.send([`${i}`, `${i}`, `realtime:r${i}`, "phx_join", {}]);
  assert.equal((await raw.reply("100"))[4].status, "ok");
  for (const ref of ["101", "105"]) assert.equal((await raw.reply(ref))[4].response.reason, "ChannelRateLimitReached: Too many channels");
  await raw.still_open();
});

test("what is too large is answered where an answer is asked for; a frame beyond five megabytes ends the socket", async (t) => {
  const raw = await open(t);
  await join(raw, "1", "realtime:a", { broadcast: { ack: true } });
  const big = "x".repeat(3000);
  raw.send(["1", "2", "realtime:a", "broadcast", { type: "broadcast", event: "e", payload: { big } }]);
  assert.equal((await raw.reply("2"))[4].status, "error");
  raw.send(Buffer.concat([Buffer.from([3, 1, 1, 10, 1, 0, 0]), Buffer.from("13realtime:ae"), Buffer.alloc(3000)]));
  assert.equal((await raw.reply("3"))[4].status, "error");
  raw.send(["1", "4", "realtime:a", "presence", { type: "presence", event: "track", payload: "me" }]);
  assert.equal((await raw.reply("4"))[4].response.reason, "Presence track payload must be a map");
  raw.send(["1", "5", "realtime:a", "presence", { type: "presence", event: "explode" }]);
  assert.equal((await raw.reply("5"))[4].status, "error");
  raw.send(["1", "6", "realtime:a", "presence", { type: "presence", event: "track", payload: { big } }]);
  const told = await raw.until(() => raw.frames.find((frame) => frame[3] === "system"), "the message");
  assert.equal(told[4].message, "Track message size exceeded");
  await raw.until(() => raw.frames.some((frame) => frame[3] === "phx_close"), "the end of the channel");
  await raw.still_open();
  raw.send("x".repeat(5_000_001));
  await raw.until(() => raw.closed, "the end of the socket");
  assert.equal(raw.closed.code, 1009);
});

test("subscriptions to what is not there, or with values of other types, are answered and the channel lives", async (t) => {
  const on = (filter) => ({ event: "*", schema: "public", table: "messages", filter });
  const not_live = /^Unable to subscribe to changes with given parameters\. Please check Realtime is enabled for the given connect parameters: \[event: /;
  const wrong = [
    [{ event: "*", schema: "public", table: "nobody" }, not_live], [{ event: "*", schema: "nowhere", table: "messages" }, not_live],
    [{ event: "*", schema: "public", table: "hidden" }, not_live], [{ event: "*", schema: "public", table: "messages; DROP TABLE messages" }, not_live],
    [{ event: "*", table: "MESSAGES" }, not_live], [{ event: "*" }, /^No subscription params provided\. Please provide at least a `schema` or `table`/],
    [on("nothing=eq.1"), /invalid column for filter nothing/], [on("id=eq.one"), /invalid input syntax for type int8: "one"/],
    [on("id=eq.1 OR 1=1"), /invalid input syntax for type int8/], [on("id=eq.1); DROP TABLE messages; --"), /invalid input syntax for type int8/],
    [on("id\"; DROP TABLE messages; --=eq.1"), /./], [on("done=eq.perhaps"), /invalid input syntax for type bool/],
    [on("at=gt.yesterday-ish"), /invalid input syntax for type timestamp/], [on("who=eq.me"), /invalid input syntax for type uuid/],
    [on("id=hey.1"), /Error parsing `filter` params: \["hey", "1"\]/], [on("id=in.1,2"), /`in` filter value must be wrapped by parentheses/],
    [on(`id=in.(${Array.from({ length: 101 }, (_, i) => i)})`), /too many values for `in` filter/],
    [on("id=eq.1,,id=eq.2"), /filter must not contain empty segments \(check for extra commas\)/], [on("done=is.perhaps"), /./],
    [on("id"), /./], [on("=eq.1"), /./], [on(7), /./],
    [{ ...on(), select: ["nothing"] }, /invalid column for select nothing/],
    [{ event: "*", schema: "public", table: "*", select: ["id"] }, /./],
  ];
  const raw = await open(t);
  let ref = 0;
  for (const [entry, words] of wrong) {
    ref += 1;
    const topic = `realtime:w${ref}`;
    assert.equal((await join(raw, `${ref}`, topic, { broadcast: { ack: true }, presence: { enabled: false }, postgres_changes: [entry] })).status, "ok");
    const told = await raw.until(() => raw.frames.find((frame) => frame[2] === topic && frame[3] === "system"), () => `a word on ${JSON.stringify(entry)}`);
    assert.deepEqual([told[4].extension, told[4].status], ["postgres_changes", "error"], JSON.stringify([entry, told[4]]));
    assert.match(told[4].message, words, JSON.stringify(entry));
    raw.send([`${ref}`, `b${ref}`, topic, "broadcast", { type: "broadcast", event: "e", payload: {} }]);
    assert.equal((await raw.reply(`b${ref}`))[4].status, "ok");
  }
  assert.equal(await server.sql("SELECT count(*) FROM messages"), "0");
  // An event that nobody knows acts like *.
  await join(raw, "900", "realtime:fine", { postgres_changes: [{ event: "EXPLODE", schema: "public", table: "messages" }] });
  await raw.until(() => raw.frames.some((frame) => frame[2] === "realtime:fine" && frame[4].message === "Subscribed to PostgreSQL"), "the subscription");
  await server.sql("INSERT INTO messages (id) VALUES (1)");
  await raw.until(() => raw.frames.some((frame) => frame[3] === "postgres_changes" && frame[4].data.record.id === 1), "the row");
  await server.sql("DELETE FROM messages");
});

test("a table without a primary key is told of with an error and nothing of its rows", async (t) => {
  const raw = await open(t);
  await join(raw, "1", "realtime:k", { postgres_changes: [{ event: "*", schema: "public", table: "keyless" }] });
  await raw.until(() => raw.frames.some((frame) => frame[4].message === "Subscribed to PostgreSQL"), "the subscription");
  await server.sql("INSERT INTO keyless VALUES ('secret')");
  const told = await raw.until(() => raw.frames.find((frame) => frame[3] === "postgres_changes"), "the change");
  assert.deepEqual(told[4].data.errors, ["Error 400: Bad Request, no primary key"]);
  assert.ok(!JSON.stringify(told).includes("secret"));
});

test("replication_ready is answered once the stream of changes runs; without a database the channel ends", async (t) => {
  const raw = await open(t);
  await join(raw, "1", "realtime:a", { broadcast: { replication_ready: true } });
  const told = await raw.until(() => raw.frames.find((frame) => frame[3] === "system"), "the message");
  assert.deepEqual(told[4], { message: "Replication connection established", status: "ok", extension: "system", channel: "a" });
  const bare = await start_node(t);
  const other = await RawSocket.open(t, bare);
  other.send(["1", "1", "realtime:a", "phx_join", { config: { broadcast: { replication_ready: true } } }]);
  await other.until(() => other.frames.some((frame) => frame[3] === "phx_close"), "the end");
  assert.equal(other.frames.find((frame) => frame[3] === "system")[4].message, "Replication connection was not established in time");
  await other.still_open();
});

test("bad broadcasts over HTTP are answered as documented", async () => {
  const post = (path, body, headers = {}) => node.request(`/realtime/v1/api/broadcast${path}`, { method: "POST", headers: { apikey: anon_key(), ...headers }, body });
  const single = (body, type, path = "/a/events/e") => post(path, body, { "Content-Type": type });
  assert.equal((await single("{", "application/json")).status, 400);
  assert.equal((await single("x", "text/html")).status, 415);
  assert.equal((await single(JSON.stringify("x".repeat(3000)), "application/json")).status, 422);
  assert.equal((await single("{}", "application/json", "/a/events/e?private=true")).status, 403);
  for (const body of [{}, { messages: [] }, { messages: 7 }, { messages: [7] }, { messages: [{ topic: 7, event: {}, payload: [] }] }]) {
    assert.equal((await post("", body)).status, 422, JSON.stringify(body));
  }
  assert.deepEqual((await post("", { messages: [{ topic: "a", event: "e", payload: { big: "x".repeat(3000) } }] })).json,
    { errors: { messages: [{ payload: ["Payload size exceeds tenant limit"] }] } });
});
