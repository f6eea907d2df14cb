// Who may not, and what is not right: each refusal with its documented code, and nothing stored.
import assert from "node:assert/strict";
import { createHmac, generateKeyPairSync } from "node:crypto";
import { writeFileSync } from "node:fs";
import http from "node:http";
import { join } from "node:path";
import test from "node:test";
import {
  assemble_jwt, github_headers, github_secret, jwt, jwt_secret, now_s, push_body, rs256,
  service_token, slack_headers, slack_secret, standard_headers, user_token,
} from "./support/sign.mjs";
import { SseStream } from "./support/sse.mjs";
import { WsStream } from "./support/websocket.mjs";
import { assert_problem, start_node, temporary_folder } from "./support/node.mjs";
import { afterwards, eventually } from "./support/waiting.mjs";

/** A node with user u1, checked at the end to be alive and to have stored nothing. */
async function strict_node(t, options) {
  const node = await start_node(t, options);
  await node.add_user("u1");
  afterwards(t, async () => {
    await node.is_alive();
    assert.deepEqual(await node.history("u1"), [], "nothing was stored");
  });
  return node;
}

const post = (node, path, body, headers) => node.request(path, { method: "POST", body, headers });
const without = (headers, name) => Object.fromEntries(Object.entries(headers).filter(([key]) => key !== name));

test("a GitHub delivery with a flipped bit, another secret or no signature is refused", async (t) => {
  const node = await strict_node(t);
  const body = push_body(1);
  const path = "/api/webhooks/github/u1";
  const good = github_headers(body);
  const signature = good["X-Hub-Signature-256"];
  const flipped = signature.slice(0, -1) + (signature.endsWith("0") ? "1" : "0");
  const refused = [
    [{ ...good, "X-Hub-Signature-256": flipped }, "signature_mismatch"],
    [{ ...good, "X-Hub-Signature-256": signature.slice(0, -2) }, "signature_mismatch"],
    [{ ...good, "X-Hub-Signature-256": signature.replace("sha256=", "sha1=") }, "signature_mismatch"],
    [{ ...good, "X-Hub-Signature-256": `${signature}00` }, "signature_mismatch"],
    [github_headers(body, { secret: "another" }), "signature_mismatch"],
    [github_headers(`${body} `), "signature_mismatch"],
    [without(good, "X-Hub-Signature-256"), "missing_signature"],
  ];
  for (const [headers, code] of refused) {
    assert_problem(await post(node, path, body, headers), 401, code);
  }
});

test("a signed GitHub body that is not a delivery is refused as a bad request", async (t) => {
  const node = await strict_node(t);
  const path = "/api/webhooks/github/u1";
  const cases = [
    ["not json", "malformed_json"],
    ['{"a":1', "malformed_json"],
    ["", "malformed_json"],
    ['{"a":1}{"b":2}', "malformed_json"],
    [Buffer.from([0x7b, 0x22, 0x61, 0x22, 0x3a, 0x22, 0xff, 0xfe, 0x22, 0x7d]), "malformed_json"],
    [Buffer.from('{"a":"\xc0\xaf"}', "latin1"), "malformed_json"],
    ["[".repeat(100_000), "malformed_json"],
  ];
  for (const [body, code] of cases) {
    assert_problem(await post(node, path, body, github_headers(body)), 400, code);
  }
  const body = push_body(1);
  const good = github_headers(body);
  assert_problem(await post(node, path, body, without(good, "X-GitHub-Event")), 400, "bad_request");
  assert_problem(await post(node, path, body, without(good, "X-GitHub-Delivery")), 400, "bad_request");
});

test("a Slack delivery is refused when stale, from the future, unsigned or changed", async (t) => {
  const node = await strict_node(t);
  const body = JSON.stringify({ type: "event_callback", event_id: "Ev1", team_id: "T1", event: { type: "message" } });
  const path = "/api/webhooks/slack/u1";
  const good = slack_headers(body);
  for (const age of [-310, -4000, 310]) {
    const headers = slack_headers(body, { timestamp: now_s() + age });
    assert_problem(await post(node, path, body, headers), 401, "stale_timestamp");
  }
  assert_problem(await post(node, path, body, slack_headers(body, { secret: "x" })), 401, "signature_mismatch");
  assert_problem(await post(node, path, `${body} `, good), 401, "signature_mismatch");
  for (const name of ["X-Slack-Signature", "X-Slack-Request-Timestamp"]) {
    assert_problem(await post(node, path, body, without(good, name)), 401, "missing_signature");
  }
  const odd = slack_headers(body, { timestamp: "12e9" });
  assert.equal((await post(node, path, body, odd)).status, 401);
});

test("a Standard Webhooks delivery is refused when stale, changed or unsigned", async (t) => {
  const node = await strict_node(t, {
    config: '[webhooks.custom.svc]\nscheme = "standard-webhooks"\nsecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"\n',
  });
  const body = '{"type":"a"}';
  const path = "/api/webhooks/svc/u1";
  const good = standard_headers(body);
  assert_problem(await post(node, path, body, standard_headers(body, { timestamp: now_s() - 400 })), 401, "stale_timestamp");
  assert_problem(await post(node, path, '{"type":"b"}', good), 401, "signature_mismatch");
  assert_problem(await post(node, path, body, { ...good, "webhook-id": "other" }), 401, "signature_mismatch");
  for (const name of ["webhook-id", "webhook-timestamp", "webhook-signature"]) {
    assert_problem(await post(node, path, body, without(good, name)), 401, "missing_signature");
  }
});

test("a Supabase webhook without the secret is refused", async (t) => {
  const node = await strict_node(t);
  const body = JSON.stringify({ type: "INSERT", table: "submissions", schema: "public", record: { id: 1 }, old_record: null });
  for (const path of ["/webhook/submission-update", "/webhook/submission-status-update"]) {
    const json = { "Content-Type": "application/json" };
    assert_problem(await post(node, path, body, json), 401, "missing_signature");
    assert_problem(
      await post(node, path, body, { ...json, "X-Webhook-Secret": "wrong" }), 401, "signature_mismatch");
  }
});

test("deliveries for unknown users and platforms are not found, after the signature", async (t) => {
  const node = await strict_node(t);
  const body = push_body(1);
  assert_problem(await node.github("nobody", body), 404, "unknown_user");
  assert_problem(await node.github("nobody", body, { secret: "wrong" }), 401, "signature_mismatch");
  assert_problem(await post(node, "/api/webhooks/nosuch/u1", body, github_headers(body)), 404, "not_found");
});

test("a platform without a secret says that it is not configured", async (t) => {
  const node = await strict_node(t, { env: { GITHUB_WEBHOOK_SECRET: undefined } });
  const answer = await node.github("u1", push_body(1));
  assert.equal(answer.json.code, "not_configured");
  assert.ok(answer.status >= 500, answer.text);
});

test("both secrets hold while they rotate", async (t) => {
  const node = await start_node(t, {
    env: { GITHUB_WEBHOOK_SECRET: undefined },
    config: '[webhooks.github]\nsecret = "new secret"\nsecret_previous = "old secret"\n',
  });
  await node.add_user("u1");
  const body = push_body(1);
  for (const secret of ["new secret", "old secret"]) {
    assert.equal((await node.github("u1", body, { secret })).status, 200);
  }
  assert_problem(await node.github("u1", body, { secret: "older secret" }), 401, "signature_mismatch");
});

test("tokens with a wrong alg, key, time or shape open nothing", async (t) => {
  const node = await strict_node(t);
  const hs = (header, claims, secret = jwt_secret) =>
    assemble_jwt(header, claims, (input) => createHmac("sha256", secret).update(input).digest());
  const claims = { sub: "u1", role: "authenticated", exp: now_s() + 3600 };
  const cases = [
    [undefined, "missing_token"],
    ["rubbish", "invalid_token"],
    ["a.b.c", "invalid_token"],
    [assemble_jwt({ alg: "none", typ: "JWT" }, claims, () => ""), "invalid_token"],
    [assemble_jwt({ alg: "None" }, claims, () => ""), "invalid_token"],
    [hs({ alg: "none" }, claims), "invalid_token"],
    [hs({ alg: "HS512" }, claims), "invalid_token"],
    [hs({ alg: "RS256" }, claims), "invalid_token"],
    [hs({ typ: "JWT" }, claims), "invalid_token"],
    [hs({ alg: "HS256" }, claims, "another secret, also with 32 characters"), "invalid_token"],
    [user_token("u1").slice(0, -3), "invalid_token"],
    [jwt({ sub: "u1", exp: undefined }), "invalid_token"],
    [jwt({ sub: "u1", exp: "soon" }), "invalid_token"],
    [jwt({ sub: undefined }), "invalid_token"],
    [jwt({ sub: "../etc/passwd" }), "invalid_token"],
    [jwt({ sub: "u1", exp: now_s() - 120 }), "token_expired"],
    [jwt({ sub: "u1", nbf: now_s() + 600 }), "invalid_token"],
  ];
  for (const [token, code] of cases) {
    assert_problem(await node.request("/api/events", { token }), 401, code);
    const stream = await SseStream.open(t, node, { token, user: "u1" });
    assert.equal(stream.status, 401);
    assert.equal(stream.problem.code, code);
  }
  // The leeway of 60 seconds for clocks that differ.
  assert.equal((await node.request("/api/events", { token: jwt({ sub: "u1", exp: now_s() - 20 }) })).status, 200);
});

test("a token signed with the public key as if it were the secret is refused", async (t) => {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const jwks_file = join(temporary_folder(t), "jwks.json");
  const jwk = { ...publicKey.export({ format: "jwk" }), kid: "k1", alg: "RS256", use: "sig" };
  writeFileSync(jwks_file, JSON.stringify({ keys: [jwk] }));
  const node = await start_node(t, {
    env: { LAPWING_AUTH__JWT_SECRET: undefined, LAPWING_AUTH__JWKS_FILE: jwks_file,
      LAPWING_AUTH__ISSUER: "https://issuer.example", LAPWING_AUTH__AUDIENCE: "lapwing" },
  });
  const claims = { sub: "u1", role: "authenticated", iss: "https://issuer.example", aud: "lapwing", exp: now_s() + 600 };
  const events = (token) => node.request("/api/events", { token });
  assert.equal((await events(rs256(claims, privateKey, "k1"))).status, 200);
  const pem = publicKey.export({ type: "spki", format: "pem" });
  for (const secret of [pem, pem.trim(), jwk.n]) {
    const confused = assemble_jwt({ alg: "HS256", typ: "JWT", kid: "k1" }, claims, (input) =>
      createHmac("sha256", secret).update(input).digest());
    assert_problem(await events(confused), 401, "invalid_token");
  }
  assert_problem(await events(rs256({ ...claims, iss: "https://evil.example" }, privateKey, "k1")), 401, "invalid_token");
  assert_problem(await events(rs256({ ...claims, aud: "other" }, privateKey, "k1")), 401, "invalid_token");
  const other = generateKeyPairSync("rsa", { modulusLength: 2048 });
  assert_problem(await events(rs256(claims, other.privateKey, "k1")), 401, "invalid_token");
});

test("a user reaches only what is theirs", async (t) => {
  const node = await start_node(t);
  await node.add_user("u1");
  await node.add_user("u2");
  const event_id = (await node.push("u2", 1, "private")).json.id;
  const forbidden = async (path, options) => assert_problem(await node.as("u1", path, options), 403, "forbidden");
  const stream = await SseStream.open(t, node, { token: user_token("u1"), user: "u2" });
  assert.equal(stream.status, 403);
  assert.equal(stream.problem.code, "forbidden");
  await forbidden("/api/webhooks/registrations/u2");
  await forbidden("/api/sse/send", { method: "POST", body: { userId: "u1", event: { type: "x" } } });
  await forbidden("/api/sse/broadcast", { method: "POST", body: { event: { type: "x" } } });
  await forbidden("/api/rooms/lobby/send", { method: "POST", body: { event: { type: "x" } } });
  await forbidden("/api/sse/stats");
  await forbidden("/api/users/u3", { method: "PUT" });
  await forbidden("/admin/nodes");
  assert_problem(await node.service("/admin/nodes"), 403, "forbidden");
  // The same number in u1's own log is another event, or none.
  const other = await node.as("u1", `/api/events/${event_id}`);
  assert_problem(other, 404, "not_found");
  assert.deepEqual(await node.history("u1"), []);

  const ws = await WsStream.open(t, node, { auth: { userId: "u2", token: user_token("u1") } });
  assert.equal(await ws.until_closed(), 4403);
  for (const path of ["/ws/admin", "/ws/artist/u2"]) {
    const room = await WsStream.open(t, node, { path, auth: { token: user_token("u1") } });
    const code = room.failure ? room.status : await room.until_closed();
    assert.ok([403, 4403].includes(code), `${path}: ${code}`);
  }
  const rooms = await SseStream.open(t, node, { token: user_token("u1"), query: { rooms: "secret" } });
  assert.equal(rooms.status, 403);
  const allowed = await SseStream.open(t, node, {
    token: user_token("u1", { rooms: ["team:*"] }), query: { rooms: "team:7" },
  });
  assert.equal(allowed.status, 200);
});

test("outside development identity a bare user id is believed nowhere", async (t) => {
  const node = await strict_node(t);
  const stream = await SseStream.open(t, node, { user: "u1" });
  assert.equal(stream.status, 401);
  assert.equal(stream.problem.code, "missing_token");
  const ws = await WsStream.open(t, node, { auth: { userId: "u1" } });
  assert.equal(await ws.until_closed(), 4401);
  assert_problem(await node.request("/api/events?userId=u1"), 401, "missing_token");
});

test("a WebSocket that does not say who it is is closed in time", async (t) => {
  const node = await strict_node(t, { env: { LAPWING_STREAMS__AUTH_TIMEOUT: "100ms" } });
  const silent = await WsStream.open(t, node);
  assert.equal(await silent.until_closed(), 4401);
  const expired = await WsStream.open(t, node, { auth: { token: jwt({ sub: "u1", exp: now_s() - 600 }) } });
  assert.equal(await expired.until_closed(), 4401);
  const chatty = await WsStream.open(t, node);
  chatty.send({ type: "subscribe", types: ["x"] });
  assert.equal(await chatty.until_closed(), 4401);
});

test("a ticket is good once, for its user, and not when forged", async (t) => {
  const node = await start_node(t);
  await node.add_user("u1");
  const bought = await node.as("u1", "/api/tickets", { method: "POST" });
  assert.equal(bought.status, 200, bought.text);
  assert.equal(bought.json.expires_in, 60);
  const { ticket } = bought.json;
  const first = await SseStream.open(t, node, { query: { ticket } });
  assert.equal(first.status, 200);
  assert.equal((await first.first("connected")).userId ?? "u1", "u1");
  const second = await SseStream.open(t, node, { query: { ticket } });
  assert.equal(second.status, 401);
  assert.equal(second.problem.code, "invalid_token");
  const other = (await node.as("u1", "/api/tickets", { method: "POST" })).json.ticket;
  const forged = await SseStream.open(t, node, { query: { ticket: `${other.slice(0, -2)}xx` } });
  assert.equal(forged.status, 401);
  const ws = await WsStream.open(t, node, { query: { ticket: other }, auth: {} });
  await ws.first("connected");
  assert_problem(await node.request("/api/tickets", { method: "POST" }), 401, "missing_token");
});

test("an expired ticket opens nothing", async (t) => {
  const node = await start_node(t, { env: { LAPWING_AUTH__TICKET_TTL: "1s" } });
  await node.add_user("u1");
  const { ticket, expires_in } = (await node.as("u1", "/api/tickets", { method: "POST" })).json;
  assert.equal(expires_in, 1);
  const bought = Date.now();
  await eventually(async () => (await node.request("/livez")) && Date.now() > bought + 1000, "a second to pass");
  const stream = await SseStream.open(t, node, { query: { ticket } });
  assert.equal(stream.status, 401);
  assert.equal(stream.problem.code, "token_expired");
});

test("Gmail deliveries are taken with Google's token for us and refused with any other", async (t) => {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const keys = { keys: [{ ...publicKey.export({ format: "jwk" }), kid: "g1", alg: "RS256", use: "sig" }] };
  let fetches = 0;
  const google = http.createServer((_, response) => {
    ++fetches;
    response.setHeader("Cache-Control", "public, max-age=3600");
    response.end(JSON.stringify(keys));
  });
  await new Promise((resolve) => google.listen(0, "127.0.0.1", resolve));
  afterwards(t, () => google.close());
  const node = await start_node(t, {
    env: { LAPWING_OUTBOUND__ALLOW_PRIVATE_ADDRESSES: "true" },
    config: `[webhooks.gmail]
audience = "https://lapwing.example/api/webhooks/gmail"
service_account = "push@project.iam.gserviceaccount.com"
jwks_url = "http://127.0.0.1:${google.address().port}/certs"
`,
  });
  await node.add_user("ann", [{ platform: "gmail", account: "ann@example.com" }]);
  const envelope = (mailbox, id) => JSON.stringify({
    message: {
      data: Buffer.from(JSON.stringify({ emailAddress: mailbox, historyId: "9876543210" })).toString("base64url"),
      messageId: id, publishTime: "2026-01-01T00:00:00Z",
    },
    subscription: "projects/p/subscriptions/s",
  });
  const good = {
    iss: "https://accounts.google.com", aud: "https://lapwing.example/api/webhooks/gmail",
    email: "push@project.iam.gserviceaccount.com", email_verified: true, sub: "1",
  };
  const send = (claims, body = envelope("ann@example.com", "m1"), kid = "g1", key = privateKey) =>
    post(node, "/api/webhooks/gmail", body,
      { "Content-Type": "application/json", Authorization: `Bearer ${rs256(claims, key, kid)}` });

  const accepted = await send(good);
  assert.equal(accepted.status, 200, accepted.text);
  assert.equal((await send(good)).json.duplicate, true);
  const [event] = await node.history("ann");
  assert.equal(event.platform, "gmail");
  assert.equal(event.data.deliveryId, "m1");

  const refused = [
    { ...good, aud: "https://evil.example" }, { ...good, iss: "https://evil.example" },
    { ...good, email: "other@project.iam.gserviceaccount.com" }, { ...good, email_verified: false },
    { ...good, exp: now_s() - 4000, iat: now_s() - 8000 }, { ...good, exp: now_s() + 200_000 },
  ];
  for (const claims of refused) {
    const answer = await send(claims, envelope("ann@example.com", "m2"));
    assert.equal(answer.status, 401, JSON.stringify(claims));
  }
  const other = generateKeyPairSync("rsa", { modulusLength: 2048 });
  assert.equal((await send(good, envelope("ann@example.com", "m3"), "g1", other.privateKey)).status, 401);
  for (let index = 0; index < 20; ++index) {
    assert.equal((await send(good, envelope("ann@example.com", "m4"), `unknown-${index}`)).status, 401);
  }
  assert_problem(
    await post(node, "/api/webhooks/gmail", envelope("ann@example.com", "m5"), { "Content-Type": "application/json" }),
    401, "missing_signature",
  );
  assert.ok(fetches <= 3, `unknown keys did not make it ask Google each time (${fetches})`);
  // A mailbox nobody has, or a broken message, would come again for days: it is taken and dropped.
  const stranger = await send(good, envelope("stranger@example.com", "m6"));
  assert.ok(stranger.status < 300, stranger.text);
  assert.equal((await node.history("ann")).length, 1);
});

test("a refusal never repeats a secret, token or payload in the log", async (t) => {
  const node = await strict_node(t, { env: { LAPWING_LOG__LEVEL: "debug" } });
  const marker = "very-private-marker";
  const body = JSON.stringify({ marker });
  await post(node, "/api/webhooks/github/u1", body, { ...github_headers(body), "X-Hub-Signature-256": `sha256=${marker}` });
  await node.request(`/api/events?access_token=${marker}&token=${marker}`);
  await node.request("/api/events", { token: `${marker}.${marker}.${marker}` });
  await node.request(`/api/sse/stream?ticket=${marker}`);
  await node.stop();
  assert.ok(!node.stderr.includes(marker), "the log is clean");
  for (const secret of [github_secret, slack_secret, jwt_secret]) assert.ok(!node.stderr.includes(secret));
  await node.start();
});

test("the service role may do what a backend must", async (t) => {
  const node = await start_node(t);
  await node.add_user("u1");
  await node.add_user("u1");
  assert.equal((await node.service("/api/webhooks/registrations/u1")).status, 200);
  assert.equal((await node.service("/api/sse/stats")).status, 200);
  const stream = await SseStream.open(t, node, { token: service_token(), user: "u1" });
  assert.equal(stream.status, 200);
  assert.equal((await node.request("/api/users/bad%20id", { method: "PUT", token: service_token() })).status, 400);
});

test("the log tells of deliveries and refusals in words", async (t) => {
  const node = await start_node(t, { env: { LAPWING_LOG__LEVEL: "info" } });
  await node.add_user("u1");
  const body = push_body(1);
  const headers = github_headers(body, { delivery: "d-log" });
  assert.equal((await post(node, "/api/webhooks/github/u1", body, headers)).status, 200);
  assert.equal((await post(node, "/api/webhooks/github/u1", body, headers)).status, 200);
  await post(node, "/api/webhooks/github/u1", body, { ...headers, "X-Hub-Signature-256": "sha256=00" });
  await node.stop();
  assert.match(node.stderr, /info +github webhook received: push for user u1/);
  assert.match(node.stderr, /info +github webhook processed: push for user u1 is u1/);
  assert.match(node.stderr, /info +github webhook known already: push for user u1 is u1/);
  assert.match(node.stderr, /warn(ing)? +github webhook refused: signature_mismatch, from 127\.0\.0\.1/);
});
