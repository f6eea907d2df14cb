// Live database changes: the official clients against a node that follows a PostgreSQL database.
import assert from "node:assert/strict";
import { test } from "node:test";
import { start_node } from "./support/node.mjs";
import { PostgresServer } from "./support/postgres.mjs";
import { Application, RawSocket, clients, make_roles } from "./support/realtime.mjs";
import { user_token } from "./support/sign.mjs";
import { quick, random_source } from "./support/waiting.mjs";

/** A server with a table that is live, and a node that follows it. */
async function live(t, sql, options = {}) {
  const server = await PostgresServer.start(t);
  await server.sql(make_roles + sql);
  const node = await start_node(t, { ...options, env: { LAPWING_REALTIME__DATABASE_URL: server.url, ...options.env } });
  return { server, node };
}

const messages = `
  CREATE TABLE messages (id bigint PRIMARY KEY, body text, tags text[], meta jsonb, done boolean,
    at timestamp, price numeric, ratio float8, who uuid);
  ALTER TABLE messages REPLICA IDENTITY FULL;
  GRANT SELECT ON messages TO anon, authenticated;
  ALTER PUBLICATION supabase_realtime ADD TABLE messages;`;

const everything = { event: "*", schema: "public", table: "messages" };

/** A channel whose entries are live. */
async function following(t, node, changes, { kind = clients[0], apikey, name = "room1", config = {} } = {}) {
  const app = new Application(t, node, kind, apikey && { apikey });
  const channel = await app.channel(name, config, { changes });
  await channel.until(() => channel.system.some(({ message, status }) => message === "Subscribed to PostgreSQL" && status === "ok"),
    () => `the subscription; ${JSON.stringify(channel.system)}`);

  return channel;
}

for (const kind of clients) {
  test(`${kind.name}: inserts, updates and deletes arrive with their rows`, async (t) => {
    const { server, node } = await live(t, messages);
    const heard = await following(t, node, [everything], { kind });
    await server.sql(`
      INSERT INTO messages VALUES (7, 'it''s "new"', '{a,"b,c",NULL}', '{"deep": [1, {"x": null}]}', true,
        '2026-11-21 09:00:00.5', 12.50, 'NaN', '6f9619ff-8b86-d011-b42d-00c04fc964ff');
      UPDATE messages SET body = NULL, done = false WHERE id = 7;
      DELETE FROM messages WHERE id = 7;`);
    await heard.until(() => heard.changes.length === 3, () => `three changes; ${JSON.stringify(heard.changes)}`);
    const [insert, update, remove] = heard.changes;
    assert.deepEqual([insert.eventType, insert.schema, insert.table, insert.errors], ["INSERT", "public", "messages", null]);
    assert.match(insert.commit_timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    // One transaction: the rows are shown as they were when they were looked at, or not at all.
    for (const { eventType } of heard.changes) assert.ok(["INSERT", "UPDATE", "DELETE"].includes(eventType));
    assert.equal(update.eventType, "UPDATE");
    assert.equal(remove.eventType, "DELETE");
    assert.equal(remove.old.id, 7);
    assert.deepEqual(remove.new, {});
  });

  test(`${kind.name}: values have their types`, async (t) => {
    const { server, node } = await live(t, messages);
    const heard = await following(t, node, [everything], { kind });
    await server.sql(`INSERT INTO messages VALUES (7, 'it''s "new"', '{a,"b,c",NULL}', '{"deep": [1, {"x": null}]}', true,
      '2026-11-21 09:00:00.5', 12.50, 0.25, '6f9619ff-8b86-d011-b42d-00c04fc964ff')`);
    await heard.until(() => heard.changes.length === 1, "the insert");
    assert.deepEqual(heard.changes[0].new, {
      id: 7, body: 'it\'s "new"', tags: ["a", "b,c", null], meta: { deep: [1, { x: null }] }, done: true,
      at: "2026-11-21T09:00:00.5", price: 12.5, ratio: 0.25, who: "6f9619ff-8b86-d011-b42d-00c04fc964ff",
    });
    assert.deepEqual(heard.changes[0].old, {});
    await server.sql("UPDATE messages SET body = 'changed' WHERE id = 7");
    await heard.until(() => heard.changes.length === 2, "the update");
    assert.equal(heard.changes[1].new.body, "changed");
    assert.equal(heard.changes[1].old.body, 'it\'s "new"');
    await server.sql("DELETE FROM messages");
    await heard.until(() => heard.changes.length === 3, "the delete");
    assert.equal(heard.changes[2].old.body, "changed");
  });
}

test("every filter operator lets through what PostgreSQL would", async (t) => {
  const { server, node } = await live(t, messages);
  const conditions = {
    "id=eq.2": [2], "id=neq.2": [1, 3, 4], "id=lt.2": [1], "id=lte.2": [1, 2], "id=gt.2": [3, 4], "id=gte.2": [2, 3, 4],
    "id=in.(1,4)": [1, 4], "id=not.in.(1,4)": [2, 3], "body=like.he%": [1, 2], "body=ilike.HE%": [1, 2, 3],
    "body=is.null": [4], "body=not.is.null": [1, 2, 3], "done=is.true": [1], "body=match.^h.*o$": [1], "body=imatch.^h.*o$": [1, 3],
    "body=isdistinct.hello": [2, 3, 4], "body=not.isdistinct.hello": [1], "id=not.eq.2": [1, 3, 4],
    "id=gt.1,id=lt.4": [2, 3], 'body=in.("hel,p",hello)': [1, 2], "price=gt.9.5": [2, 3], "at=gte.2026-01-01T00:00:00": [2],
    "who=eq.6F9619FF8B86D011B42D00C04FC964FF": [3], "body=eq.x' OR 1=1 --": [],
  };
  const filters = Object.keys(conditions);
  const heard = await following(t, node, filters.map((filter) => ({ event: "INSERT", schema: "public", table: "messages", filter })));
  await server.sql(`INSERT INTO messages (id, body, done, price, at, who) VALUES
    (1, 'hello', true, 9, '2025-12-31', NULL), (2, 'hel,p', false, 10, '2026-01-01', NULL),
    (3, 'Hello', NULL, 100, NULL, '6f9619ff-8b86-d011-b42d-00c04fc964ff'), (4, NULL, NULL, NULL, NULL, NULL);
    INSERT INTO messages (id, body) VALUES (2000, 'hello')`);
  // Row 2000 passes id=gt.2 as the last of all.
  await heard.until(() => heard.changes.some(({ entry, new: row }) => filters[entry] === "id=gt.2" && row.id === 2000), "the last row");
  for (const [index, filter] of filters.entries()) {
    const ids = heard.changes.filter(({ entry }) => entry === index).map(({ new: row }) => row.id).filter((id) => id !== 2000);
    assert.deepEqual(ids, conditions[filter], filter);
  }
});

test("events, schemas and selections", async (t) => {
  const { server, node } = await live(t, `${messages}
    CREATE TABLE others (id int PRIMARY KEY, note text); GRANT SELECT ON others TO anon;
    ALTER PUBLICATION supabase_realtime ADD TABLE others;`);
  const heard = await following(t, node, [
    { event: "UPDATE", schema: "public", table: "messages" },
    { event: "*", schema: "public" },
    { event: "DELETE", schema: "public", table: "others" },
    { event: "INSERT", schema: "public", table: "messages", filter: "id=eq.1" },
  ]);
  const picked = await following(t, node, [{ event: "*", schema: "public", table: "messages", select: ["body"] }], { name: "room2" });
  await server.sql("INSERT INTO messages (id, body, done) VALUES (1, 'a', true)");
  await server.sql("UPDATE messages SET body = 'b' WHERE id = 1");
  await server.sql("INSERT INTO others VALUES (5, 'x')");
  await server.sql("DELETE FROM others");
  await heard.until(() => heard.changes.filter(({ entry }) => entry === 1).length === 4, "four changes");
  assert.deepEqual(heard.changes.filter(({ entry }) => entry === 0).map(({ eventType }) => eventType), ["UPDATE"]);
  // Without REPLICA IDENTITY FULL only the key is known of what is gone.
  assert.deepEqual(heard.changes.filter(({ entry }) => entry === 2).map(({ old }) => old), [{ id: 5 }]);
  assert.equal(heard.changes.filter(({ entry }) => entry === 3).length, 1);
  await picked.until(() => picked.changes.length === 2, "both");
  assert.deepEqual(picked.changes.map(({ new: row }) => row), [{ id: 1, body: "a" }, { id: 1, body: "b" }]);
});

test("what cannot be followed is answered, and the channel lives", async (t) => {
  const { node } = await live(t, `${messages} CREATE TABLE quiet (id int PRIMARY KEY);
    CREATE TABLE secret (id int PRIMARY KEY); ALTER PUBLICATION supabase_realtime ADD TABLE secret;`);
  const refused = async (entry, words) => {
    const app = new Application(t, node);
    const heard = await app.channel("room1", {}, { changes: [entry] });
    const told = await heard.until(() => heard.system.find(({ extension }) => extension === "postgres_changes"), "the message");
    assert.equal(told.status, "error");
    assert.match(told.message, words);
    assert.equal(await heard.channel.send({ type: "broadcast", event: "e", payload: {} }), "ok");
    app.client.disconnect();
  };
  const on_messages = (filter) => ({ event: "*", schema: "public", table: "messages", filter });
  const unlisted = /Please check Realtime is enabled for the given connect parameters/;
  await refused({ event: "*", schema: "public", table: "nobody" }, unlisted);
  await refused({ event: "*", schema: "public", table: "quiet" }, unlisted);
  await refused({ event: "*", schema: "public", table: "secret" }, unlisted);
  await refused(on_messages("nothing=eq.1"), /invalid column for filter nothing/);
  await refused(on_messages("id=eq.abc"), /invalid input syntax for type int8: "abc"/);
  await refused(on_messages("id=eq.1); DROP TABLE messages; --"), /invalid input syntax for type int8/);
  await refused(on_messages("id=foo.1"), /Error parsing `filter` params: \["foo", "1"\]/);
  await refused(on_messages("id=in.1,2"), /wrapped by parentheses/);
  await refused(on_messages(`id=in.(${Array.from({ length: 101 }, (_, i) => i)})`), /too many values for `in` filter\. Maximum 100/);
  await refused({ event: "*", schema: "public", table: "messages", select: ["nothing"] }, /invalid column for select nothing/);
});

const documents = `
  CREATE TABLE docs (id int PRIMARY KEY, owner text NOT NULL, body text);
  ALTER TABLE docs REPLICA IDENTITY FULL;
  ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
  GRANT SELECT ON docs TO authenticated, anon;
  CREATE POLICY own ON docs FOR SELECT TO authenticated
    USING (owner = current_setting('request.jwt.claims', true)::jsonb ->> 'sub');
  CREATE TABLE fence (id int PRIMARY KEY);
  GRANT SELECT ON fence TO authenticated, anon;
  ALTER PUBLICATION supabase_realtime ADD TABLE docs, fence;`;

test("row-level security decides for each change, deletes included", async (t) => {
  const { server, node } = await live(t, documents);
  const entries = [{ event: "*", schema: "public", table: "docs" }, { event: "*", schema: "public", table: "fence" }];
  const ann = await following(t, node, entries, { apikey: user_token("ann") });
  const ben = await following(t, node, entries, { apikey: user_token("ben") });
  const nobody = await following(t, node, entries);
  let fences = 0;
  const settled = async () => {
    fences += 1;
    await server.sql(`INSERT INTO fence VALUES (${fences})`);
    for (const who of [ann, ben, nobody]) {
      await who.until(() => who.changes.filter(({ table }) => table === "fence").length === fences, "the fence");
    }
  };
  const told = (who) => who.changes.filter(({ table }) => table === "docs")
    .map(({ eventType, new: row, old }) => [eventType, row.body ?? old.id]);
  await server.sql("INSERT INTO docs VALUES (1, 'ann', 'a1'), (2, 'ben', 'b1')");
  await settled();
  assert.deepEqual(told(ann), [["INSERT", "a1"]]);
  assert.deepEqual(told(ben), [["INSERT", "b1"]]);
  // It moves: ann's last right to it has ended, ben's begins, and he is not told what it was.
  await server.sql("UPDATE docs SET owner = 'ben', body = 'moved' WHERE id = 1");
  await settled();
  assert.deepEqual(told(ann), [["INSERT", "a1"]]);
  assert.deepEqual(told(ben).at(-1), ["UPDATE", "moved"]);
  assert.deepEqual(ben.changes.find(({ eventType }) => eventType === "UPDATE").old, { id: 1 });
  await server.sql("DELETE FROM docs");
  await settled();
  assert.deepEqual(told(ann), [["INSERT", "a1"]]);
  assert.deepEqual(told(ben).slice(-2), [["DELETE", 2], ["DELETE", 1]].sort((a, b) => told(ben).indexOf(a) - told(ben).indexOf(b)));
  assert.deepEqual(told(nobody), []);
});

test("what was missed while the socket was broken comes first when it is back", async (t) => {
  const { server, node } = await live(t, messages);
  const heard = await following(t, node, [everything], { apikey: user_token("ann") });
  await server.sql("INSERT INTO messages (id) VALUES (1)");
  await heard.until(() => heard.changes.length === 1, "the first");
  const conn = heard.app.client.conn ?? heard.app.client.socketAdapter.socket.conn;
  conn.terminate();
  await server.sql("INSERT INTO messages (id) VALUES (2)");
  await heard.until(() => heard.changes.some(({ new: row }) => row.id === 2), () => `the second; ${heard.statuses}`);
  await server.sql("INSERT INTO messages (id) VALUES (3)");
  await heard.until(() => heard.changes.some(({ new: row }) => row.id === 3), "the third");
  const ids = heard.changes.map(({ new: row }) => row.id);
  assert.deepEqual([...new Set(ids)], [1, 2, 3]);
});

test("after each kill -9 of the node every change of the meantime is delivered", async (t) => {
  const { server, node } = await live(t, messages);
  const heard = await following(t, node, [everything]);
  const seen = () => new Set(heard.changes.map(({ new: row }) => row.id));
  const rounds = quick ? 2 : 10;
  for (let round = 0; round < rounds; round++) {
    const from = round * 150;
    // Under load: a transaction for each row, before, while and after the node is away. The pause between
    // two is the rate of that load, so that it goes on while the node is away; nothing waits for it.
    const load = server.sql(`DO $$ BEGIN FOR i IN ${from + 1}..${from + 150} LOOP
      INSERT INTO messages (id) VALUES (i); COMMIT; PERFORM pg_sleep(0.003); END LOOP; END $$`);
    await heard.until(() => seen().size > from + 20, "some of them");
    await node.kill();
    await node.start();
    await load;
    await heard.until(() => seen().size === from + 150, () => `all; ${seen().size} of ${from + 150}; ${heard.statuses.slice(-5)}`, 40_000);
  }
  assert.equal(Math.max(...seen()), rounds * 150);
  assert.equal(await server.sql("SELECT count(*) FROM pg_replication_slots"), "1");
});

test("a newcomer hears nothing of before", async (t) => {
  const { server, node } = await live(t, messages);
  const first = await following(t, node, [everything]);
  await server.sql("INSERT INTO messages (id) VALUES (1)");
  await first.until(() => first.changes.length === 1, "the first");
  await node.stop();
  await node.start();
  const second = await following(t, node, [everything], { name: "room2" });
  await server.sql("INSERT INTO messages (id) VALUES (2)");
  await second.until(() => second.changes.length >= 1, "the second");
  assert.deepEqual(second.changes.map(({ new: row }) => row.id), [2]);
});

test("after each kill -9 of PostgreSQL the stream goes on, nothing lost or doubled", async (t) => {
  const { server, node } = await live(t, messages);
  const heard = await following(t, node, [everything]);
  const rounds = quick ? 3 : 10;
  let last = 0;
  for (let round = 0; round < rounds; round++) {
    // Under load: what was committed before the server died is there when it is back.
    const load = server.sql(`DO $$ BEGIN FOR i IN ${last + 1}..${last + 100000} LOOP
      INSERT INTO messages (id) VALUES (i); COMMIT; END LOOP; END $$`).catch(() => {});
    await heard.until(() => heard.changes.length > last + 50, "some of them");
    await server.kill();
    await load;
    await server.start();
    last = Number(await server.sql("SELECT max(id) FROM messages"));
    await heard.until(() => heard.changes.length >= last, () => `all; ${heard.changes.length} of ${last}`, 60_000);
  }
  assert.deepEqual(heard.changes.map(({ new: row }) => row.id), Array.from({ length: last }, (_, i) => i + 1));
  assert.equal(await server.sql("SELECT count(*) FROM pg_replication_slots"), "1");
  await node.is_alive();
});

test("a renewed token is subscribed again and sees what it may", async (t) => {
  const { server, node } = await live(t, documents);
  const heard = await following(t, node, [{ event: "*", schema: "public", table: "docs" }], { apikey: user_token("ann") });
  await heard.app.client.setAuth(user_token("ben"));
  await heard.until(() => heard.system.filter(({ message }) => message === "Subscribed to PostgreSQL").length === 2, "the second subscription");
  await server.sql("INSERT INTO docs VALUES (1, 'ann', 'a'), (2, 'ben', 'b')");
  await heard.until(() => heard.changes.length === 1, "the change");
  assert.equal(heard.changes[0].new.body, "b");
});

test("two hundred users see exactly their rows through random changes, moves and deletes", async (t) => {
  const users = Array.from({ length: 200 }, (_, i) => `u${i}`);
  const team_of = (user) => Number(user.slice(1)) % 20;
  const sees = (user, row) => row.owner === user || row.team === team_of(user);
  const { server, node } = await live(t, `
    CREATE TABLE members (team int, who text, PRIMARY KEY (team, who));
    INSERT INTO members SELECT g % 20, 'u' || g FROM generate_series(0, 199) g;
    CREATE TABLE docs (id int PRIMARY KEY, owner text, team int, n int);
    ALTER TABLE docs REPLICA IDENTITY FULL;
    ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
    CREATE TABLE fence (id int PRIMARY KEY);
    GRANT SELECT ON members, docs, fence TO authenticated;
    CREATE POLICY owner_or_team ON docs FOR SELECT TO authenticated
      USING (owner = current_setting('request.jwt.claims', true)::jsonb ->> 'sub' OR EXISTS (
        SELECT FROM members m WHERE m.team = docs.team
          AND m.who = current_setting('request.jwt.claims', true)::jsonb ->> 'sub'));
    ALTER PUBLICATION supabase_realtime ADD TABLE docs, fence;`,
  { env: { LAPWING_LIMITS__CONNECTIONS_PER_ADDRESS: "1000" } });
  const sockets = new Map();
  for (const user of users) {
    const socket = await RawSocket.open(t, node, { apikey: user_token(user) });
    const config = { presence: { enabled: false }, postgres_changes: [{ event: "*", schema: "public" }] };
    sockets.set(user, socket.send(["1", "1", "realtime:docs", "phx_join", { config }]));
  }
  for (const socket of sockets.values()) {
    await socket.until(() => socket.frames.some((frame) => frame[3] === "system" && frame[4].status === "ok"), "the subscription");
  }
  const random = random_source(t);
  const fresh = (id) => ({ id, owner: users[random.between(0, 199)], team: random.between(0, 19), n: random.between(0, 1e6) });
  const rows = new Map();
  let next_id = 1;
  const each_round = quick ? 100 : 2000;
  for (let round = 0; round < 10; round++) {
    const statements = [];
    const touched = new Map(); // By id: who may be told is decided by the new row, or by the last one.
    const known = [...rows.keys()]; // Each is changed once a round.
    for (let k = 0; k < each_round; k++) {
      const dice = known.length === 0 ? 0 : random.between(0, 99);
      if (dice < 50) {
        const row = fresh(next_id++);
        rows.set(row.id, row);
        touched.set(row.id, row);
        statements.push(`INSERT INTO docs VALUES (${row.id}, '${row.owner}', ${row.team}, ${row.n})`);
        continue;
      }
      const at = random.between(0, known.length - 1);
      const id = known[at];
      known[at] = known.at(-1);
      known.pop();
      if (dice < 80) {
        const row = fresh(id);
        rows.set(id, row);
        touched.set(id, row);
        statements.push(`UPDATE docs SET owner = '${row.owner}', team = ${row.team}, n = ${row.n} WHERE id = ${id}`);
      } else {
        touched.set(id, rows.get(id));
        rows.delete(id);
        statements.push(`DELETE FROM docs WHERE id = ${id}`);
      }
    }
    const before = new Map(users.map((user) => [user, sockets.get(user).frames.length]));
    await server.sql(`${statements.join(";")}; INSERT INTO fence VALUES (${round})`);
    for (const user of users) {
      const socket = sockets.get(user);
      const news = () => socket.frames.slice(before.get(user)).filter((frame) => frame[3] === "postgres_changes").map((frame) => frame[4].data);
      await socket.until(() => news().some(({ table }) => table === "fence"), "the fence");
      const told = news().filter(({ table }) => table === "docs");
      const ids = told.map(({ record, old_record }) => (record ?? old_record).id).sort((a, b) => a - b);
      const right = [...touched.values()].filter((row) => sees(user, row)).map(({ id }) => id).sort((a, b) => a - b);
      assert.deepEqual(ids, right, user);
      for (const { record, old_record, type } of told) {
        if (record) assert.deepEqual(record, touched.get(record.id));
        if (type === "UPDATE" && old_record.owner) assert.ok(sees(user, old_record));
        if (type === "DELETE") assert.deepEqual(Object.keys(old_record), ["id"]);
      }
    }
  }
});

/** A channel of raw frames for docs and fence: {told, fenced}. */
async function watching(t, node, user) {
  const socket = await RawSocket.open(t, node, { apikey: user_token(user) });
  const config = { presence: { enabled: false }, postgres_changes: [{ event: "*", schema: "public" }] };
  socket.send(["1", "1", "realtime:docs", "phx_join", { config }]);
  await socket.until(() => socket.frames.some((frame) => frame[3] === "system" && frame[4].status === "ok"), "the subscription");
  const news = () => socket.frames.filter((frame) => frame[3] === "postgres_changes").map((frame) => frame[4].data);
  return {
    told: () => news().filter(({ table }) => table === "docs").map(({ type, record, old_record }) => `${type} ${(record ?? old_record)?.id}`),
    fenced: (id) => socket.until(() => news().some(({ table, record }) => table === "fence" && record.id === id), `fence ${id}`),
  };
}

const revocations = {
  "a row of a table that the policy asks": "DELETE FROM members WHERE who = 'ann'",
  "a policy": "DROP POLICY team ON docs",
  "a GRANT": "REVOKE SELECT ON docs FROM authenticated",
  "the role's membership in the role of the policy": "REVOKE readers FROM authenticated",
};

for (const [what, statement] of Object.entries(revocations)) {
  test(`access revoked in mid-stream by ${what}: nothing after that transaction, deletes included`, async (t) => {
    const { server, node } = await live(t, `
      CREATE ROLE readers NOLOGIN; GRANT readers TO authenticated WITH ADMIN OPTION;
      ALTER ROLE authenticated INHERIT;
      CREATE TABLE members (who text);
      INSERT INTO members VALUES ('ann'), ('ben');
      CREATE TABLE docs (id int PRIMARY KEY, body text);
      ALTER TABLE docs REPLICA IDENTITY FULL;
      ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
      CREATE TABLE fence (id int PRIMARY KEY);
      GRANT SELECT ON members, docs, fence TO authenticated;
      CREATE POLICY team ON docs FOR SELECT TO readers USING (EXISTS (
        SELECT FROM members m WHERE m.who = current_setting('request.jwt.claims', true)::jsonb ->> 'sub'));
      ALTER PUBLICATION supabase_realtime ADD TABLE docs, fence;`);
    const ann = await watching(t, node, "ann");
    await server.sql("INSERT INTO docs SELECT g, 'x' FROM generate_series(1, 20) g; INSERT INTO fence VALUES (1)");
    await ann.fenced(1);
    assert.equal(ann.told().length, 20);
    await server.sql(statement);
    await server.sql("INSERT INTO docs VALUES (21, 'y')");
    await server.sql("UPDATE docs SET body = 'z' WHERE id <= 10");
    await server.sql("DELETE FROM docs WHERE id > 5; INSERT INTO fence VALUES (2)");
    await ann.fenced(2);
    const after = ann.told().slice(20);
    // A role that may not read the table at all is told that there was a change, as by the original, and nothing of it.
    assert.deepEqual(after.filter((change) => !change.endsWith(" undefined")), []);
    assert.equal(after.some((change) => change.startsWith("DELETE")), false);
  });
}
