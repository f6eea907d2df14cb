// Status mails: `lapwing sim` is Mailgun. Each mail arrives, once, whatever happens meanwhile.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { writeFileSync } from "node:fs";
import test from "node:test";
import { assert_problem, command, start_node } from "./support/node.mjs";
import { PostgresServer } from "./support/postgres.mjs";
import { admin_token, jwt, supabase_secret, user_token } from "./support/sign.mjs";
import { Simulator } from "./support/simulator.mjs";
import { afterwards, eventually, in_parallel, quick, random_source } from "./support/waiting.mjs";
import { WsStream } from "./support/websocket.mjs";

const domain = "mg.example.com";

/** What a node needs to ask the simulator's Mailgun, with short waits. */
const mail_env = (simulator, more = {}) => ({
  MAILGUN_API_KEY: "sim-mailgun-key",
  MAILGUN_DOMAIN: domain,
  MAILGUN_FROM_EMAIL: `MeloTech <noreply@${domain}>`,
  MAILGUN_BASE_URL: `${simulator.url}/api.mailgun.net`,
  LAPWING_OUTBOUND__ALLOW_PRIVATE_ADDRESSES: "true",
  LAPWING_MAIL__TIMEOUT: "1s",
  LAPWING_MAIL__RETRY_MIN: "100ms",
  LAPWING_MAIL__RETRY_MAX: "1s",
  ...more,
});

async function mailing_node(t, { env = {}, ...options } = {}) {
  const simulator = await Simulator.start(t, ["--users", "0", "--rate", "0"]);
  const node = await start_node(t, { ...options, env: { ...mail_env(simulator), ...env } });
  return { node, simulator };
}

/** A submission whose status has changed; `number` makes each one different. */
const status_change = (number, record = {}) => JSON.stringify({
  type: "UPDATE", table: "submissions", schema: "public",
  record: {
    id: number, user_id: "artist-7", status: "approved", title: `Song ${number}`, artist_name: "Ann",
    email: `ann+${number}@example.com`, updated_at: `2026-11-21T09:00:00.${number}Z`, ...record,
  },
  old_record: { id: number, status: "pending" },
});

const post = (node, body, route = "submission-status-update") =>
  node.request(`/webhook/${route}`, {
    method: "POST", body, headers: { "Content-Type": "application/json", "X-Webhook-Secret": supabase_secret },
  });

async function posted(node, number, record) {
  const answer = await post(node, status_change(number, record));
  assert.equal(answer.status, 200, answer.text);
  return answer.json;
}

const accepted = async (simulator, after = 0) => (await simulator.get(`/_mails?after=${after}`)).mails;
const fault = (simulator, kind, more = {}) => simulator.order({ do: "fault", kind, platform: "mailgun", ...more });
const outbox = async (node) => {
  const answer = await node.admin("/admin/mails");
  assert.equal(answer.status, 200, answer.text);
  return answer.json;
};
const all_sent = (node) => eventually(async () => {
  const answer = await node.admin("/admin/mails"); // 503 while a database is away.
  return answer.status === 200 && answer.json.waiting === 0;
}, "all mails to be sent");
const metric = async (node, name) =>
  Number(new RegExp(`^${name} (\\S+)$`, "m").exec((await node.request("/metrics")).text)?.[1]);

test("S4-4: a status update is mailed once, however often it is delivered", async (t) => {
  const { node, simulator } = await mailing_node(t);
  assert.equal((await node.request("/health")).json.features.email, true);
  assert.equal((await posted(node, 1)).mail, true);
  const [mail] = await eventually(async () => {
    const all = await accepted(simulator);
    return all.length > 0 && all;
  }, "the mail");
  assert.equal(mail.to, "ann+1@example.com");
  assert.equal(mail.from, `MeloTech <noreply@${domain}>`);
  assert.equal(mail.subject, 'Your submission "Song 1" was approved');
  assert.match(mail.text, /^Hello Ann,\n\nyour submission "Song 1" was approved\.\n/);
  assert.match(mail.message_id, new RegExp(`^<${mail.mark}@${domain}>$`));
  for (let copy = 0; copy < 3; ++copy) assert.equal((await posted(node, 1)).duplicate, true);
  await Promise.all(Array.from({ length: 20 }, () => posted(node, 2)));
  await node.kill();
  await node.start();
  assert.equal((await posted(node, 1)).duplicate, true);
  await posted(node, 3);
  await all_sent(node);
  assert.deepEqual((await accepted(simulator)).map(({ to }) => to).sort(),
    ["ann+1@example.com", "ann+2@example.com", "ann+3@example.com"]);
  assert.equal(await metric(node, "lapwing_mails_dead"), 0);
  assert.ok(!node.stderr.includes("@example.com") && !node.stderr.includes("Song 1"), "the log names nobody");
});

test("both webhooks on one table are one event and one mail, in either order", async (t) => {
  const { node, simulator } = await mailing_node(t);
  const first = await post(node, status_change(1), "submission-update");
  const second = await posted(node, 1);
  assert.equal(second.id, first.json.id);
  assert.equal(second.duplicate, true);
  const third = await posted(node, 2);
  assert.equal((await post(node, status_change(2), "submission-update")).json.id, third.id);
  await all_sent(node);
  assert.equal((await accepted(simulator)).length, 2);
  const history = (await node.service("/api/rooms/admin/events")).json;
  assert.equal(history.events.length, 2);
});

test("what is no new status is broadcast and not mailed", async (t) => {
  const { node, simulator } = await mailing_node(t);
  assert.equal((await posted(node, 1, { status: "pending" })).mail, undefined);
  assert.equal((await posted(node, 2, { status: null })).mail, undefined);
  assert.equal((await posted(node, 3, { user_id: null, email: "a@b.example\r\nBcc: c@d.example" })).mail, undefined);
  const update = await post(node, status_change(4), "submission-update");
  assert.equal(update.json.mail, undefined);
  assert.equal((await outbox(node)).waiting, 0);
  assert.equal((await accepted(simulator)).length, 0);
  assert.equal((await node.service("/api/rooms/admin/events")).json.events.length, 4);
});

test("S4-11: Mailgun's troubles are nobody else's, and all mails arrive when they are over", async (t) => {
  const { node, simulator } = await mailing_node(t);
  const admin = await WsStream.open(t, node, { path: "/ws/admin", auth: { token: admin_token() } });
  await admin.first("connected");
  await fault(simulator, "server_error", { probability: 0.5 });
  await fault(simulator, "rate_limit", { probability: 0.2, retry_after: 0 });
  await fault(simulator, "hang", { probability: 0.2 });
  await fault(simulator, "drop");
  const start = performance.now();
  for (let number = 0; number < 40; ++number) await posted(node, number);
  await admin.wait_for("submission_update", 40);
  assert.ok(performance.now() - start < 5000, "the broadcast does not wait for Mailgun");
  await eventually(async () => (await metric(node, "lapwing_mail_failures_total")) >= 3, "failures to be counted");
  assert.equal((await accepted(simulator)).length, 0);
  assert.ok((await outbox(node)).trouble !== "");
  await simulator.order({ do: "clear_faults" });
  await all_sent(node);
  const marks = (await accepted(simulator)).map(({ mark }) => mark);
  assert.equal(marks.length, 40);
  assert.equal(new Set(marks).size, 40);
  await eventually(async () => (await metric(node, "lapwing_mails_sent_total")) === 40, "the metric");
});

test("a dead letter is seen and can be sent again", async (t) => {
  const { node, simulator } = await mailing_node(t);
  await fault(simulator, "server_error", { status: 400, count: 2 });
  await posted(node, 1);
  await posted(node, 2);
  await eventually(async () => (await outbox(node)).dead === 2, "two dead letters");
  const { letters } = await outbox(node);
  assert.deepEqual(letters.map(({ cause, user, attempts }) => [cause, user, attempts]),
    [["refused_400", "artist-7", 1], ["refused_400", "artist-7", 1]]);
  assert.ok(!JSON.stringify(letters).includes("@"), "no address");
  await node.until(() => /mail \d+ is given up \(refused_400\)/.test(node.stderr), () => node.stderr);
  await eventually(async () => (await metric(node, "lapwing_mails_dead")) === 2, "the metric");
  const shown = async (...args) => {
    const done = await command(["admin", ...args, "--node", node.url], { env: { LAPWING_ADMIN_TOKEN: admin_token() } });
    return done;
  };
  assert.match((await shown("mails")).stdout, /dead 2\n.*refused_400/s);
  assert.equal((await shown("resend-mail", String(letters[0].id))).stdout, "done, mails 1\n");
  await eventually(async () => (await accepted(simulator)).length === 1, "the first to arrive");
  assert.equal((await shown("resend-mail", String(letters[0].id))).code, 1);
  assert.equal((await shown("resend-mail", "all")).stdout, "done, mails 1\n");
  await eventually(async () => (await accepted(simulator)).length === 2, "the other to arrive");
  assert.equal((await shown("resend-mail", "x")).code, 2);
  assert_problem(await node.admin("/admin/resend-mail/x", { method: "POST" }), 400, "bad_request");
  assert_problem(await node.admin("/admin/resend-mail/7777", { method: "POST" }), 404, "not_found");
  for (const [path, options] of [["/admin/mails", {}], ["/admin/resend-mail/all", { method: "POST" }]]) {
    assert_problem(await node.as("artist-7", path, options), 403, "forbidden");
  }
  await all_sent(node);
});

test("a wrong key is the operator's: told in the log, put right without a restart", async (t) => {
  const simulator = await Simulator.start(t, ["--users", "0", "--rate", "0"]);
  const { MAILGUN_API_KEY: good, ...rest } = mail_env(simulator);
  const config = (key) => `[mail]\nmailgun_api_key = "${key}"\n`;
  const node = await start_node(t, { env: rest, config: config("wrong-key") });
  await posted(node, 1);
  await node.until(() => /mails are not accepted from this node \(refused_401\)/.test(node.stderr), "the log to tell");
  assert.ok(!node.stderr.includes("wrong-key"));
  assert.equal((await outbox(node)).dead, 0);
  writeFileSync(node.config_file, config(good));
  node.signal("SIGHUP");
  await all_sent(node);
  assert.equal((await accepted(simulator)).length, 1);
  await node.until(() => /mails are not accepted[^]*mail \d+ sent/.test(node.stderr), () => node.stderr);
});

test("an address that the row does not have is looked up at Supabase", async (t) => {
  const simulator = await Simulator.start(t, ["--users", "0", "--rate", "0"]);
  const asked = [];
  const supabase = createServer((request, response) => {
    asked.push([request.url, request.headers.apikey, request.headers.authorization]);
    const known = request.url === "/auth/v1/admin/users/artist-7";
    response.writeHead(known ? 200 : 404, { "Content-Type": "application/json" });
    response.end(known ? '{"id":"artist-7","email":"seven@example.com"}' : '{"code":404,"msg":"User not found"}');
  });
  await new Promise((done) => supabase.listen(0, "127.0.0.1", done));
  afterwards(t, () => new Promise((done) => {
    supabase.closeAllConnections();
    supabase.close(done);
  }));
  const node = await start_node(t, {
    env: mail_env(simulator, {
      SUPABASE_URL: `http://127.0.0.1:${supabase.address().port}`, SUPABASE_SERVICE_ROLE_KEY: "service-key",
    }),
  });
  await posted(node, 1, { email: undefined });
  await posted(node, 2, { email: undefined, user_id: "nobody" });
  await all_sent(node);
  assert.deepEqual((await accepted(simulator)).map(({ to }) => to), ["seven@example.com"]);
  assert.deepEqual(asked[0], ["/auth/v1/admin/users/artist-7", "service-key", "Bearer service-key"]);
  const { letters } = await outbox(node);
  assert.deepEqual(letters.map(({ cause, user }) => [cause, user]), [["directory_refused_404", "nobody"]]);
});

test("kill -9 under load: every acknowledged mail arrives, and twice only what nobody could know of", async (t) => {
  const rounds = quick ? 3 : 10;
  const chance = random_source(t);
  const { node, simulator } = await mailing_node(t);
  await fault(simulator, "latency", { delay_ms: 15 });
  await fault(simulator, "server_error", { probability: 0.1 });
  await fault(simulator, "drop", { probability: 0.05 });
  const acknowledged = new Set();
  const kills = [];
  let number = 0;
  for (let round = 0; round < rounds; ++round) {
    const kill_after = chance.between(1, 60);
    let acks = 0;
    const mine = Array.from({ length: 80 }, () => ++number);
    let dying = false;
    await in_parallel(mine, 8, async (each) => {
      if (dying) return;
      const answer = await post(node, status_change(each)).catch(() => undefined);
      if (answer?.status !== 200) return;
      acknowledged.add(`ann+${each}@example.com`);
      if (++acks === kill_after) {
        dying = true;
        node.signal("SIGKILL");
      }
    });
    await node.kill();
    kills.push(Date.now());
    await node.start();
  }
  await all_sent(node);
  assert.equal((await outbox(node)).dead, 0);
  const times = new Map();
  for (const { to, at } of await accepted(simulator)) times.set(to, [...(times.get(to) ?? []), Date.parse(at)]);
  for (const to of acknowledged) assert.ok(times.has(to), `${to} was acknowledged and never mailed`);
  let doubled = 0;
  for (const [to, all] of times) {
    for (let index = 1; index < all.length; ++index) {
      ++doubled;
      // Accepted shortly before a kill, which came before the answer was on disk.
      const struck = kills.some((kill) => all[index - 1] <= kill && all[index - 1] > kill - 3000 && all[index] > kill);
      assert.ok(struck, `${to} was mailed at ${all}, kills at ${kills}`);
    }
  }
  assert.ok(doubled <= rounds * 8, `${doubled} doubled: no more than were under way`);
  t.diagnostic(`${acknowledged.size} acknowledged, ${times.size} mailed, ${doubled} twice after ${rounds} kills`);
});

test("kill -9 of PostgreSQL under load: every acknowledged mail arrives, once", async (t) => {
  const rounds = quick ? 1 : 5;
  const server = await PostgresServer.start(t);
  const { node, simulator } = await mailing_node(t, { env: { LAPWING_NODE__DATABASE_URL: server.url } });
  await fault(simulator, "latency", { delay_ms: 20 });
  const acknowledged = new Set();
  let number = 0;
  for (let round = 0; round < rounds; ++round) {
    const mine = Array.from({ length: 120 }, () => ++number);
    let killed;
    await in_parallel(mine, 8, async (each) => {
      if (killed) return;
      const answer = await post(node, status_change(each)).catch(() => undefined);
      if (answer?.status !== 200) return;
      acknowledged.add(`ann+${each}@example.com`);
      if (acknowledged.size % 60 === 30) killed ??= server.kill();
    });
    await (killed ?? server.kill());
    await server.start();
    await eventually(async () => (await node.request("/readyz")).status === 200, "the node to be ready");
  }
  await all_sent(node);
  const mails = (await accepted(simulator)).map(({ to }) => to);
  for (const to of acknowledged) assert.ok(mails.includes(to), `${to} was acknowledged and never mailed`);
  assert.equal(new Set(mails).size, mails.length, "none twice: the node lived, and knew what Mailgun had said");
  t.diagnostic(`${acknowledged.size} acknowledged, ${mails.length} mailed after ${rounds} kills`);
});

test("a node that is stopped in the middle of it mails nothing twice", async (t) => {
  const { node, simulator } = await mailing_node(t);
  await fault(simulator, "latency", { delay_ms: 200 });
  for (let round = 0; round < 3; ++round) {
    await Promise.all(Array.from({ length: 30 }, (_, index) => posted(node, round * 100 + index)));
    const { code } = await node.stop();
    assert.equal(code, 0);
    node.fresh_agent();
    await node.start();
  }
  await all_sent(node);
  const marks = (await accepted(simulator)).map(({ mark }) => mark);
  assert.equal(new Set(marks).size, 90);
  assert.equal(marks.length, 90);
});

test("an answer that was lost is a second mail with the same Message-Id", async (t) => {
  const { node, simulator } = await mailing_node(t);
  await fault(simulator, "lose_answer", { count: 1 });
  await posted(node, 1);
  await all_sent(node);
  const mails = await accepted(simulator);
  assert.equal(mails.length, 2);
  assert.deepEqual(mails.map(({ heard }) => heard), [false, true]);
  assert.equal(mails[0].message_id, mails[1].message_id);
});

test("S4-22: what was told to a room can be read back by whoever may join it", async (t) => {
  const node = await start_node(t);
  for (let number = 0; number < 25; ++number) {
    assert.equal((await post(node, status_change(number), "submission-update")).status, 200);
  }
  const pages = [];
  let after = "";
  do {
    const answer = await node.as("artist-7",
      `/api/rooms/artist:artist-7/events?limit=10${after && `&after=${encodeURIComponent(after)}`}`);
    assert.equal(answer.status, 200, answer.text);
    pages.push(...answer.json.events);
    after = answer.json.next;
  } while (after);
  assert.deepEqual(pages.map(({ data }) => data.record.id), Array.from({ length: 25 }, (_, index) => index));
  assert.ok(pages.every(({ room, type }) => room === "artist:artist-7" && type === "submission_update"));
  const admin = await node.admin("/api/rooms/admin/events?limit=1");
  assert.equal(admin.json.events.length, 1);
  assert.equal(admin.json.next, admin.json.events[0].id);
  for (const [who, room] of [["artist-8", "artist:artist-7"], ["artist-7", "admin"]]) {
    assert_problem(await node.as(who, `/api/rooms/${room}/events`), 403, "forbidden");
  }
  const member = await node.request("/api/rooms/team:7/events", { token: jwt({ sub: "m", rooms: ["team:*"] }) });
  assert.deepEqual(member.json, { events: [], next: null });
  assert_problem(await node.request("/api/rooms/admin/events"), 401, "missing_token");
  assert_problem(await node.service("/api/rooms/bad%20name/events"), 400, "bad_request");
  assert_problem(await node.service("/api/rooms/admin/events?after=rubbish"), 400, "bad_request");
  assert_problem(await node.service("/api/rooms/admin/events?limit=0"), 400, "bad_request");
  const gone = await node.request("/api/rooms/admin/events", { token: user_token("artist-7", { exp: 1 }) });
  assert_problem(gone, 401, "token_expired");
});
