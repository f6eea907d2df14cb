// examples/monitoring: seed 002's tables, their policies, the generator, the service and the page.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { dirname, resolve } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { ask, move, run } from "../../examples/monitoring/database.mjs";
import { RealtimeService, getRealtimeService } from "../../examples/monitoring/realtime-service.mjs";
import { Page } from "./support/browser.mjs";
import { free_port, start_node } from "./support/node.mjs";
import { PostgresServer } from "./support/postgres.mjs";
import { Application, clients } from "./support/realtime.mjs";
import { jwt_secret, user_token } from "./support/sign.mjs";
import { Watched, afterwards, eventually } from "./support/waiting.mjs";

const example = resolve(dirname(fileURLToPath(import.meta.url)), "../../examples/monitoring");

/** A node whose own database has the sample. */
async function sampled(t, options = {}) {
  const server = await PostgresServer.start(t);
  const node = await start_node(t, { ...options, env: { LAPWING_NODE__DATABASE_URL: server.url, ...options.env } });
  for (const file of ["schema.sql", "sample.sql"]) {
    const done = spawnSync("psql", ["-X", "-q", "-v", "ON_ERROR_STOP=1", server.url, "-f", `${example}/${file}`], { encoding: "utf8" });
    assert.equal(done.status, 0, done.stderr);
  }
  return { server, node };
}

/** A window of this person: a service of its own, and everything that it was told. */
class Window extends Watched {
  static async open(t, node, user, kind = clients[0]) {
    const window = new Window();
    window.told = {};
    window.status = {};
    const { client } = new Application(t, node, kind, { apikey: user_token(user) });
    window.client = client;
    const service = window.service = new RealtimeService(client);
    const listen = (name, subscribe) => {
      window.told[name] = [];
      return subscribe((row, change) => {
        window.told[name].push({ ...change.old, ...row, type: change.eventType });
        window.changed();
      }, (status) => {
        window.status[name] = status;
        window.changed();
      });
    };
    listen("stream", (...on) => service.subscribeToStreamProgress("abc123", ...on));
    listen("streams", (...on) => service.subscribeToAllStreams("acme", ...on));
    listen("scan", (...on) => service.subscribeToScanProgress("scan-ann", ...on));
    listen("agents", (...on) => service.subscribeToAgentExecutions("abc123", ...on));
    listen("alerts", (...on) => service.subscribeToSignalAlerts("ann", ...on));
    listen("notifications", (...on) => service.subscribeToNotifications("ann", ...on));
    await window.until(() => Object.values(window.status).every((one) => one === "connected"), () => `all channels; ${JSON.stringify(window.status)}`);
    return window;
  }
}

test("people of one organisation see its moves as the database has them, a stranger sees nothing", async (t) => {
  const { server, node } = await sampled(t);
  assert.equal(await server.sql("SELECT string_agg(tablename, ' ' ORDER BY tablename) FROM pg_publication_tables WHERE pubname = 'supabase_realtime'"),
    "acquisition_scans agent_executions notifications signal_alerts streams");
  const [ann, ben, cleo] = [await Window.open(t, node, "ann", clients[0]), await Window.open(t, node, "ben", clients[2]), await Window.open(t, node, "cleo", clients[1])];
  for (let step = 1; step <= 60; step++) await move(server.url, "e2e", step);
  // A last move of each table, so that it is known when everything has come.
  await server.sql(`UPDATE streams SET title = 'end' WHERE id = 'abc123'; UPDATE acquisition_scans SET current_step = 'end' WHERE id = 'scan-ann';
    INSERT INTO agent_executions (id, stream_id, agent_id) VALUES ('end', 'abc123', 'end');
    INSERT INTO signal_alerts (id, user_id, business_name, signal_type, priority) VALUES ('end', 'ann', '', '', 'low');
    INSERT INTO notifications (id, user_id, message) VALUES ('end', 'ann', '')`);
  const ended = (who, name) => who.told[name].some(({ id, title, current_step }) => [id, title, current_step].includes("end"));
  for (const name of ["stream", "streams", "scan", "agents", "alerts", "notifications"]) await ann.until(() => ended(ann, name), `the end of ${name}`);
  for (const name of ["stream", "streams", "agents"]) await ben.until(() => ended(ben, name), `the end of ${name}`);
  const last = (rows) => Object.fromEntries(rows.map((row) => [row.id, row]));
  const table = async (query) => JSON.parse(await server.sql(`SELECT coalesce(jsonb_agg(r), '[]') FROM (${query}) r`));
  for (const who of [ann, ben]) {
    const seen = last(who.told.streams);
    for (const row of await table("SELECT id, current_progress, goal_status FROM streams WHERE org_id = 'acme'")) {
      assert.deepEqual([seen[row.id].current_progress, seen[row.id].goal_status], [row.current_progress, row.goal_status]);
    }
    assert.ok(!("xyz789" in seen));
    const agents = last(who.told.agents);
    const right = await table("SELECT id, status FROM agent_executions WHERE stream_id = 'abc123'");
    assert.ok(right.length > 5);
    for (const row of right) assert.equal(agents[row.id].status, row.status);
  }
  const [scan] = await table("SELECT * FROM acquisition_scans WHERE id = 'scan-ann'");
  assert.equal(last(ann.told.scan)["scan-ann"].progress_percentage, scan.progress_percentage);
  assert.deepEqual(Object.keys(last(ann.told.alerts)).sort(), (await table("SELECT id FROM signal_alerts WHERE user_id = 'ann'")).map(({ id }) => id).sort());
  // Ben asked for what is ann's, and cleo for what is another organisation's.
  assert.deepEqual([ben.told.scan, ben.told.alerts, ben.told.notifications], [[], [], []]);
  const own = await cleo.until(() => Object.values(cleo.told), "");
  assert.deepEqual(own.flat(), []);
});

test("unread counts and mark-as-read are live in two windows, and only of one's own", async (t) => {
  const { server, node } = await sampled(t);
  const [left, right] = [await Window.open(t, node, "ann"), await Window.open(t, node, "ann", clients[2])];
  const as = (user) => ({ sub: user, role: "authenticated" });
  const alert = (id, user) => `INSERT INTO signal_alerts (id, user_id, business_name, signal_type, priority) VALUES ('${id}', '${user}', 'B', 'hiring', 'high');`;
  await server.sql(alert("1", "ann") + alert("2", "ann") + alert("3", "ben") + "INSERT INTO notifications (id, user_id, message) VALUES ('1', 'ann', 'hello')");
  for (const window of [left, right]) await window.until(() => window.told.alerts.length === 2 && window.told.notifications.length === 1, "what is new");
  assert.deepEqual(await ask(server.url, as("ann"), "unread"), { signal_alerts: 2, notifications: 1 });
  assert.equal(await ask(server.url, as("cleo"), "mark_alerts_read"), 0);
  assert.equal(await ask(server.url, as("ann"), "mark_alerts_read"), 2);
  for (const window of [left, right]) {
    await window.until(() => window.told.alerts.filter(({ read_at }) => read_at).length === 2, "the marks");
    assert.ok(window.told.alerts.every(({ id }) => ["1", "2"].includes(id)));
  }
  assert.deepEqual(await ask(server.url, as("ann"), "unread"), { signal_alerts: 0, notifications: 1 });
  assert.deepEqual(await ask(server.url, as("ben"), "unread"), { signal_alerts: 1, notifications: 0 });
  // Nothing else of a row may be changed, whatever the claims say.
  await assert.rejects(run(server.url, "BEGIN; SET LOCAL ROLE authenticated; SELECT set_config('request.jwt.claims', '{\"sub\":\"ann\"}', true); UPDATE signal_alerts SET user_id = 'cleo'; COMMIT;"),
    /permission denied/);
  const odd = "'; DROP TABLE streams; --";
  assert.equal((await ask(server.url, as(odd), "state")).user, odd);
});

test("the service shares channels and sockets, tells states, and leaves nothing behind", async (t) => {
  const { server, node } = await sampled(t);
  const ann = await Window.open(t, node, "ann");
  const { service } = ann;
  const names = ["stream:abc123:progress", "org:acme:streams", "scan:scan-ann:progress", "stream:abc123:agents", "user:ann:signals", "user:ann:notifications"];
  assert.deepEqual(service.getActiveSubscriptions(), names);
  assert.equal(service.getChannelStatus("stream:abc123:progress"), "connected");
  assert.equal(service.getChannelStatus("stream:nobody:progress"), "disconnected");
  const more = [];
  const second = service.subscribeToStreamProgress("abc123", (row) => more.push(row));
  assert.equal(ann.client.getChannels().length, names.length);
  await server.sql("UPDATE streams SET title = 'both' WHERE id = 'abc123'");
  await ann.until(() => ann.told.stream.length === 1, "the change");
  assert.equal(more.length, 1);
  second.unsubscribe();
  await server.sql("UPDATE streams SET title = 'one' WHERE id = 'abc123'");
  await ann.until(() => ann.told.stream.length === 2, "the change");
  assert.equal(more.length, 1);
  service.unsubscribeAll();
  assert.deepEqual(service.getActiveSubscriptions(), []);
  assert.ok(Object.values(ann.status).every((status) => status === "disconnected"));
  await eventually(() => ann.client.getChannels().length === 0, "the channels to be gone");
  assert.equal(getRealtimeService(ann.client), getRealtimeService());
});

test("the generator makes the same world from the same seed", async (t) => {
  const worlds = [];
  for (const seed of ["one", "one", "two"]) {
    const { server } = await sampled(t);
    for (let step = 1; step <= 24; step++) await move(server.url, seed, step);
    worlds.push(await server.sql(`SELECT string_agg(concat_ws(' ', id, current_progress), ',' ORDER BY id) FROM streams
      UNION ALL SELECT string_agg(concat_ws(' ', id, stream_id, agent_id, status), ',' ORDER BY id) FROM agent_executions
      UNION ALL SELECT string_agg(concat_ws(' ', id, user_id, business_name, priority), ',' ORDER BY id) FROM signal_alerts`));
  }
  assert.equal(worlds[0], worlds[1]);
  assert.notEqual(worlds[0], worlds[2]);
});

test("the page shows two people's windows move, and mark-as-read empties both windows of one", async (t) => {
  const web = new Watched();
  web.output = "";
  const port = await free_port();
  const { server, node } = await sampled(t, { config: `[http]\ncors_origins = ["http://127.0.0.1:${port}"]\n` });
  const child = spawn(process.execPath, [`${example}/server.mjs`], { stdio: ["ignore", "pipe", "inherit"], env: {
    PATH: process.env.PATH, DATABASE_URL: server.url, LAPWING_URL: `http://127.0.0.1:${node.port}`, LAPWING_AUTH__JWT_SECRET: jwt_secret, PORT: `${port}`, EVERY_MS: "0",
  } });
  const ended = new Promise((done) => child.on("close", done));
  afterwards(t, async () => {
    child.kill("SIGTERM");
    await ended;
  });
  child.stdout.on("data", (data) => {
    web.output += data;
    web.changed();
  });
  const address = await web.until(() => /ready (\S+)\n/.exec(web.output)?.[1], "the server");
  assert.equal((await fetch(`${address}/state`)).status, 401);
  assert.equal((await fetch(`${address}/state`, { headers: { authorization: `Bearer ${user_token("ann", { exp: 1 })}` } })).status, 401);
  assert.equal((await fetch(`${address}/login?user=root`)).status, 400);
  const windows = [];
  for (const user of ["ann", "ann", "cleo"]) {
    const page = await Page.open(t);
    await page.go(`${address}/?user=${user}`);
    await page.until("[...document.querySelectorAll('.dot')].every((dot) => dot.dataset.status === 'connected')", "all lights to be green");
    windows.push(page);
  }
  await server.sql(`UPDATE streams SET current_progress = '{"percentage": 42, "completed": 42, "total": 100}' WHERE id = 'abc123';
    INSERT INTO signal_alerts (id, user_id, business_name, signal_type, priority) VALUES ('1', 'ann', '<b>Crumb</b>', 'hiring', 'high')`);
  for (const page of windows.slice(0, 2)) {
    await page.until("document.querySelector('#streams progress').value === 42 && document.querySelector('#alerts').textContent.includes('<b>Crumb</b>')", "the change");
    assert.equal(await page.value("document.getElementById('alerts-unread').textContent"), "1");
  }
  await windows[0].value("document.getElementById('alerts-read').click()");
  for (const page of windows.slice(0, 2)) await page.until("document.getElementById('alerts-unread').textContent === ''", "the mark");
  assert.ok(!(await windows[2].value("document.body.textContent")).includes("bakeries"));
  for (const page of windows) assert.deepEqual(page.complaints, []);
});
