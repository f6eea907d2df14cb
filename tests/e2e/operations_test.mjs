// Running a node: commands and their exit codes, drain, reload, TLS, the admin routes.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { copyFileSync, writeFileSync } from "node:fs";
import https from "node:https";
import { join } from "node:path";
import test from "node:test";
import { admin_token, github_headers, jwt_secret, push_body, user_token } from "./support/sign.mjs";
import { RawConnection } from "./support/http.mjs";
import { SseStream } from "./support/sse.mjs";
import { WsStream } from "./support/websocket.mjs";
import { command, start_node, temporary_folder } from "./support/node.mjs";
import { eventually, within } from "./support/waiting.mjs";

test("help is shown with code 0, wrong use ends with code 2", async () => {
  for (const args of [["--help"], ["node", "--help"], ["admin", "--help"], ["bench", "--help"]]) {
    const { code, stdout } = await command(args);
    assert.equal(code, 0, args.join(" "));
    assert.match(stdout, /usage|options/i);
  }
  for (const args of [["nosuch"], ["node", "--nosuch"], ["token"], []]) {
    assert.equal((await command(args)).code, 2, JSON.stringify(args));
  }
});

test("check-config accepts what is right and lists every mistake with its line", async (t) => {
  const folder = temporary_folder(t);
  const good = join(folder, "good.toml");
  writeFileSync(good, `[auth]\njwt_secret = "${jwt_secret}"\n[limits]\nsessions_per_user = 5\n`);
  assert.equal((await command(["check-config", good])).code, 0);
  const bad = join(folder, "bad.toml");
  writeFileSync(bad, '[streams]\nheartbeat = "soon"\n[limits]\nnosuch = 1\nsessions_per_user = -4\n[nosection]\na = 1\n');
  const { code, stdout, stderr } = await command(["check-config", bad]);
  assert.equal(code, 1);
  const text = stdout + stderr;
  for (const line of [2, 4, 5]) assert.match(text, new RegExp(`bad\\.toml:${line}\\b`), text);
  for (const name of ["heartbeat", "nosuch", "sessions_per_user", "nosection"]) assert.ok(text.includes(name), text);
  assert.notEqual((await command(["check-config", join(folder, "absent.toml")])).code, 0);
  const node = await command(["node", "--config", bad, "--listen", "127.0.0.1:0", "--data", folder]);
  assert.equal(node.code, 1);
});

test("token makes a token that the node believes", async (t) => {
  const node = await start_node(t);
  await node.add_user("u1");
  const env = { LAPWING_AUTH__JWT_SECRET: jwt_secret };
  const made = await command(["token", "--user", "u1", "--ttl", "1h"], { env });
  assert.equal(made.code, 0, made.stderr);
  assert.equal((await node.request("/api/events", { token: made.stdout.trim() })).status, 200);
  const service = await command(["token", "--user", "backend", "--role", "service_role"], { env });
  assert.equal((await node.request("/api/sse/stats", { token: service.stdout.trim() })).status, 200);
  assert.equal((await command(["token", "--user", "u1", "--role", "emperor"], { env })).code, 2);
});

test("keys makes new secrets each time", async () => {
  const first = await command(["keys"]);
  const second = await command(["keys"]);
  assert.equal(first.code, 0, first.stderr);
  assert.ok(first.stdout.length > 100);
  assert.notEqual(first.stdout, second.stdout);
});

test("migrate prepares a data folder that a node then uses", async (t) => {
  const data = join(temporary_folder(t), "data");
  const env = { LAPWING_AUTH__JWT_SECRET: jwt_secret };
  for (let round = 0; round < 2; ++round) {
    const made = await command(["migrate", "--data", data], { env });
    assert.equal(made.code, 0, made.stderr);
  }
  await start_node(t, { data, env: { LAPWING_NODE__MIGRATE: "false" } });
});

for (const signal of ["SIGTERM", "SIGINT"]) {
  test(`${signal} drains: streams are told, running requests answered, and the code is 0`, async (t) => {
    const node = await start_node(t, { dev: true });
    const sse = await SseStream.open(t, node, { user: "u1" });
    const ws = await WsStream.open(t, node, { auth: { userId: "u1" } });
    const idle = await RawConnection.open(t, node);
    const unauthenticated = await WsStream.open(t, node);
    for (const stream of [sse, ws]) await stream.first("connected");
    // A request that is half way when the signal comes.
    const body = push_body(1);
    const half = await RawConnection.open(t, node);
    half.send(`POST /api/webhooks/github/u1 HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n`
      + Object.entries(github_headers(body, { delivery: "half" })).map(([name, value]) => `${name}: ${value}\r\n`).join("")
      + `\r\n${body.slice(0, 20)}`);
    // Its head has arrived once a later request on another connection was answered.
    await node.request("/livez");
    const first_retry = sse.retry;
    node.signal(signal);
    await sse.until_closed();
    assert.match(sse.retry, /^\d+$/, `a retry beside ${first_retry}`);
    assert.equal(await ws.until_closed(), 1012);
    half.send(body.slice(20));
    assert.equal((await half.response()).status, 200);
    await half.until_closed();
    await idle.until_closed();
    await unauthenticated.until_closed();
    assert.deepEqual(await node.until_exit(), { code: 0, signal: null });
    await node.start();
    const again = await SseStream.open(t, node, { user: "u1", last_event_id: sse.last_id });
    assert.equal((await again.first("webhook_received")).data.deliveryId, "half");
  });
}

test("a drain ends in time although clients do not", async (t) => {
  const node = await start_node(t, { dev: true, env: { LAPWING_NODE__DRAIN_TIMEOUT: "300ms" } });
  const stuck = await RawConnection.open(t, node);
  stuck.send("POST /api/webhooks/github/u1 HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nx");
  await node.request("/livez");
  assert.deepEqual(await node.stop(), { code: 0, signal: null });
});

test("a second node on the same address says so and ends with code 1", async (t) => {
  const node = await start_node(t, { dev: true });
  const other = await start_node(t, { dev: true, start: false, listen: `127.0.0.1:${node.port}` });
  await assert.rejects(other.start(), /ended.*"code":1/s);
});

test("SIGHUP takes new secrets and limits over and drops nobody", async (t) => {
  const config = (secret, sessions) => `[webhooks.github]\nsecret = "${secret}"\n[limits]\nsessions_per_user = ${sessions}\n`;
  const node = await start_node(t, { config: config("first", 1), env: { GITHUB_WEBHOOK_SECRET: undefined } });
  await node.add_user("u1");
  const stream = await SseStream.open(t, node, { token: user_token("u1") });
  await stream.first("connected");
  assert.equal((await SseStream.open(t, node, { token: user_token("u1") })).status, 429);
  const post = (secret, delivery) => node.github("u1", push_body(1), { secret, delivery });
  assert.equal((await post("second", "a")).status, 401);

  writeFileSync(node.config_file, config("second", 3));
  node.signal("SIGHUP");
  await eventually(async () => (await post("second", "b")).status === 200, "the new secret to hold");
  assert.equal((await post("first", "c")).status, 401);
  assert.equal((await SseStream.open(t, node, { token: user_token("u1") })).status, 200);
  assert.equal(stream.closed, false);
  await stream.first("webhook_received");

  // A mistake leaves everything as it was.
  const before = node.stderr.length;
  writeFileSync(node.config_file, `${config("third", 3)}nosuch = 1\n`);
  node.signal("SIGHUP");
  await node.until(() => node.stderr.slice(before).includes("nosuch"), "the mistake in the log");
  assert.equal((await post("second", "d")).status, 200);
  assert.equal((await post("third", "e")).status, 401);
});

/** A self-signed certificate; resolves with its files. */
function certificate(folder, name) {
  const files = { key: join(folder, `${name}.key`), cert: join(folder, `${name}.crt`) };
  execFileSync("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
    "-days", "2", "-subj", `/CN=${name}`, "-keyout", files.key, "-out", files.cert], { stdio: "pipe" });
  return files;
}

test("TLS is served, and SIGHUP takes a new certificate over", async (t) => {
  const folder = temporary_folder(t);
  const [one, two] = ["one", "two"].map((name) => certificate(folder, name));
  const used = { key: join(folder, "used.key"), cert: join(folder, "used.crt") };
  const use = (files) => {
    copyFileSync(files.key, used.key);
    copyFileSync(files.cert, used.cert);
  };
  use(one);
  const node = await start_node(t, {
    dev: true, env: { LAPWING_TLS__CERTIFICATE: used.cert, LAPWING_TLS__KEY: used.key },
  });
  assert.match(node.stdout, /^ready https:\/\//m);
  const health = () => within(new Promise((resolve, reject) => {
    const sent = https.get(`https://127.0.0.1:${node.port}/api/sse/health`,
      { rejectUnauthorized: false, agent: false }, (response) => {
        const { subject } = response.socket.getPeerCertificate();
        response.resume().on("end", () => resolve({ status: response.statusCode, name: subject.CN }));
      });
    sent.on("error", reject);
  }), "an HTTPS answer");
  assert.deepEqual(await health(), { status: 200, name: "one" });
  use(two);
  node.signal("SIGHUP");
  await eventually(async () => (await health()).name === "two", "the new certificate");
  // Plain HTTP on a TLS port is no conversation.
  const plain = await RawConnection.open(t, node);
  plain.send("GET /livez HTTP/1.1\r\nHost: a\r\n\r\n");
  await plain.until_closed();
  assert.ok(!plain.received.includes("200 OK"));
});

test("/admin shows nodes, users, one user, sessions and actors, and closes a session", async (t) => {
  const node = await start_node(t);
  await node.add_user("u1");
  const stream = await SseStream.open(t, node, { token: user_token("u1") });
  const { sessionId } = await stream.first("connected");
  assert.equal((await node.push("u1", 1, "d-1")).status, 200);
  const show = async (path) => {
    const answer = await node.admin(`/admin/${path}`);
    assert.equal(answer.status, 200, `${path}: ${answer.text}`);
    return answer;
  };
  assert.match((await show("nodes")).text, /version/);
  assert.match((await show("users")).text, /u1/);
  assert.match((await show("user/u1")).text, new RegExp(sessionId));
  assert.match((await show("sessions")).text, new RegExp(sessionId));
  assert.match((await show("actors")).text, /supervisor/);
  for (const path of ["nodes", "users", "user/u1", "sessions", "actors", "top", "rooms"]) {
    assert.ok(!(await show(path)).text.includes(jwt_secret));
  }
  const closed = await node.admin(`/admin/close-session/${sessionId}`, { method: "POST" });
  assert.ok(closed.status < 300, closed.text);
  await stream.until_closed();
});

test("lapwing admin prints tables and JSON", async (t) => {
  const node = await start_node(t);
  await node.add_user("u1");
  const stream = await SseStream.open(t, node, { token: user_token("u1") });
  const { sessionId } = await stream.first("connected");
  const env = { LAPWING_ADMIN_TOKEN: admin_token() };
  const admin = async (...args) => {
    const result = await command(["admin", "--node", node.url, ...args], { env });
    assert.equal(result.code, 0, `${args.join(" ")}: ${result.stderr}`);
    return result.stdout;
  };
  for (const args of [["nodes"], ["users"], ["user", "u1"], ["sessions"], ["actors"], ["top"], ["rooms"],
    ["log-level", "debug"]]) {
    assert.ok((await admin(...args)).length > 0);
    JSON.parse(await admin(...args, "--json"));
  }
  assert.match(await admin("sessions"), new RegExp(sessionId));
  await admin("close-session", sessionId);
  await stream.until_closed();
  const untold = await command(["admin", "--node", node.url, "nodes"]);
  assert.equal(untold.code, 1);
  const nobody = await command(["admin", "--node", "http://127.0.0.1:1", "nodes"], { env });
  assert.equal(nobody.code, 1);
});

test("the banner tells what runs, and nothing secret", async (t) => {
  const node = await start_node(t, { dev: true });
  await node.stop();
  assert.match(node.stderr, /127\.0\.0\.1/);
  assert.ok(!node.stderr.includes(jwt_secret));
  assert.equal(node.stdout.trim().split("\n").length, 1, "standard output has the ready line alone");
  for (const line of node.stderr.trim().split("\n")) {
    assert.match(line, /^\d{4}-\d\d-\d\dT[\d:.]+Z (info|warn|error) /, "standard error has log lines alone");
  }
});
