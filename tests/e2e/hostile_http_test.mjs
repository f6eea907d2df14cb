// Requests that break HTTP, or bend it: each has its documented answer, nothing is stored, the node
// stays up.
import assert from "node:assert/strict";
import test from "node:test";
import { github_headers, push_body, service_token, user_token } from "./support/sign.mjs";
import { RawConnection, raw_exchange } from "./support/http.mjs";
import { assert_problem, start_node } from "./support/node.mjs";
import { afterwards } from "./support/waiting.mjs";

async function strict_node(t, options) {
  const node = await start_node(t, options);
  await node.add_user("u1");
  node.stored = 0;
  afterwards(t, async () => {
    await node.is_alive();
    assert.equal((await node.history("u1")).length, node.stored, "what was stored");
  });
  return node;
}

const lines = (...text) => `${text.join("\r\n")}\r\n\r\n`;
const head = (body, more = []) => lines(
  "POST /api/webhooks/github/u1 HTTP/1.1", "Host: lapwing",
  ...Object.entries(github_headers(body)).map(([name, value]) => `${name}: ${value}`), ...more,
);
const mebibyte = 1024 * 1024;

test("bodies over the limit are refused before they are read", async (t) => {
  const node = await strict_node(t);
  for (const [path, bytes] of [
    ["/api/webhooks/github/u1", 26 * mebibyte], ["/api/webhooks/slack/u1", mebibyte + 1],
    ["/api/sse/send", mebibyte + 1], ["/api/webhooks/github/u1", 1e15],
  ]) {
    const answer = await raw_exchange(t, node, lines(
      `POST ${path} HTTP/1.1`, "Host: lapwing", "Content-Type: application/json",
      `Authorization: Bearer ${service_token()}`, "X-Hub-Signature-256: sha256=00", `Content-Length: ${bytes}`,
    ));
    assert.equal(answer.status, 413, answer.body);
    assert.equal(answer.json.code, "payload_too_large");
  }
});

test("a chunked body over the limit is cut off", async (t) => {
  const node = await strict_node(t);
  const connection = await RawConnection.open(t, node);
  connection.send(lines("POST /api/webhooks/slack/u1 HTTP/1.1", "Host: lapwing",
    "Content-Type: application/json", "Transfer-Encoding: chunked"));
  const chunk = `10000\r\n${"x".repeat(0x10000)}\r\n`;
  for (let sent = 0; sent < 40 && connection.responses().length === 0 && !connection.closed; ++sent) {
    connection.send(chunk);
    await new Promise((resolve) => setImmediate(resolve));
  }
  const answer = await connection.response();
  assert.equal(answer.status, 413);
});

test("a GitHub delivery of 24 MiB is taken", async (t) => {
  const node = await strict_node(t);
  const body = push_body(1, { filler: 24 * mebibyte });
  const answer = await node.github("u1", body, { delivery: "large" });
  assert.equal(answer.status, 200, answer.text);
  node.stored = 1;
  const single = await node.as("u1", `/api/events/${answer.json.id}`);
  assert.equal(single.json.data.payload.commits[0].message.length, 24 * mebibyte + "commit 1".length);
});

test("a chunked delivery in single bytes with extensions and trailers is taken", async (t) => {
  const node = await strict_node(t);
  const body = push_body(1);
  const connection = await RawConnection.open(t, node);
  connection.send(head(body, ["Transfer-Encoding: chunked"]));
  for (const byte of body) connection.send(`1;ext="a;b"\r\n${byte}\r\n`);
  connection.send("0\r\nX-Trailer: yes\r\n\r\n");
  assert.equal((await connection.response()).status, 200);
  node.stored = 1;
});

test("a delivery that arrives byte by byte is taken", async (t) => {
  const node = await strict_node(t);
  const body = push_body(1);
  const connection = await RawConnection.open(t, node);
  for (const byte of head(body, [`Content-Length: ${body.length}`]) + body) {
    connection.send(byte);
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal((await connection.response()).status, 200);
  node.stored = 1;
});

test("pipelined requests are answered in order", async (t) => {
  const node = await strict_node(t);
  const connection = await RawConnection.open(t, node);
  const body = push_body(1);
  const get = (path) => lines(`GET ${path} HTTP/1.1`, "Host: lapwing");
  connection.send(get("/livez") + head(body, [`Content-Length: ${body.length}`]) + body + get("/nosuch")
    + get("/api/webhooks/health") + get("/api/sse/health"));
  await connection.response(4);
  const answers = connection.responses();
  assert.deepEqual(answers.map(({ status }) => status), [200, 200, 404, 200, 200]);
  assert.equal(answers[1].json.received, true);
  assert.equal(answers[3].json.service, "webhook-receiver");
  assert.equal(answers[4].json.service, "sse");
  node.stored = 1;
});

test("slow headers and slow bodies are cut off", async (t) => {
  const node = await strict_node(t, {
    env: { LAPWING_HTTP__HEADER_TIMEOUT: "150ms", LAPWING_HTTP__BODY_TIMEOUT: "150ms" },
  });
  const slow = {
    "part of the request line": "GET /livez HT",
    "part of the headers": "GET /livez HTTP/1.1\r\nHost: lapwing\r\nX-A: ",
    "part of the body": head("{}", ["Content-Length: 2"]) + "{",
    "a chunk that never ends": head("{}", ["Transfer-Encoding: chunked"]) + "ff\r\n{",
  };
  for (const [what, bytes] of Object.entries(slow)) {
    const connection = await RawConnection.open(t, node);
    connection.send(bytes);
    await connection.until_closed(`the node to give up on ${what}`);
    const [answer] = connection.responses();
    if (answer) assert.equal(answer.status, 408, what);
  }
});

// The second request in each of these is the one that must never be answered by itself.
const smuggled = lines("GET /livez HTTP/1.1", "Host: lapwing");
const shapes = {
  "Content-Length and Transfer-Encoding together": [["Content-Length: 6", "Transfer-Encoding: chunked"], "0\r\n\r\n"],
  "Transfer-Encoding and Content-Length together": [["Transfer-Encoding: chunked", "Content-Length: 6"], "0\r\n\r\n"],
  "two different Content-Lengths": [["Content-Length: 2", "Content-Length: 0"], "{}"],
  "a list of different Content-Lengths": [["Content-Length: 2, 0"], "{}"],
  "a signed Content-Length": [["Content-Length: +2"], "{}"],
  "a negative Content-Length": [["Content-Length: -1"], ""],
  "a hexadecimal Content-Length": [["Content-Length: 0x2"], "{}"],
  "a Content-Length that overflows": [["Content-Length: 99999999999999999999999"], "{}"],
  "an unknown transfer coding": [["Transfer-Encoding: xchunked"], "0\r\n\r\n"],
  "chunked twice": [["Transfer-Encoding: chunked, chunked"], "0\r\n\r\n"],
  "chunked not last": [["Transfer-Encoding: chunked, identity"], "0\r\n\r\n"],
  "two Transfer-Encodings": [["Transfer-Encoding: chunked", "Transfer-Encoding: identity"], "0\r\n\r\n"],
  "a space before the colon": [["Transfer-Encoding : chunked"], "0\r\n\r\n"],
  "a header name with a tab": [["Transfer-Encoding\t: chunked"], "0\r\n\r\n"],
  "a folded header": [["X-A: b\r\n Transfer-Encoding: chunked"], "0\r\n\r\n"],
  "a chunk size that overflows": [["Transfer-Encoding: chunked"], "fffffffffffffffff\r\n"],
  "a chunk size that is no number": [["Transfer-Encoding: chunked"], "0x2\r\n{}\r\n0\r\n\r\n"],
  "a chunk that is longer than it said": [["Transfer-Encoding: chunked"], "2\r\n{}}}\r\n0\r\n\r\n"],
  "a bare carriage return in a header": [["X-A: a\rTransfer-Encoding: chunked"], ""],
  "a NUL in a header": [["X-A: a\0b"], ""],
};
for (const [what, [headers, body]] of Object.entries(shapes)) {
  test(`refused as a smuggling shape: ${what}`, async (t) => {
    const node = await strict_node(t);
    const connection = await RawConnection.open(t, node);
    connection.send(head("{}", headers) + body + smuggled);
    await connection.until_closed();
    const answers = connection.responses();
    assert.ok(answers.length <= 1, `one answer: ${connection.received}`);
    for (const { status } of answers) assert.ok([400, 411, 413, 431, 501].includes(status), `${status}`);
  });
}

test("what is not HTTP at all is answered 400 or cut off", async (t) => {
  const node = await strict_node(t);
  for (const bytes of [
    "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "\x00\x00\x00\x00", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "GET\r\n\r\n", "GET /livez\r\n\r\n", " GET /livez HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /livez HTTP/1.1\r\nNo colon here\r\n\r\n", "GET /li\0vez HTTP/1.1\r\nHost: a\r\n\r\n",
  ]) {
    const connection = await RawConnection.open(t, node);
    connection.send(bytes);
    connection.socket.end();
    await connection.until_closed(JSON.stringify(bytes));
    for (const { status } of connection.responses()) assert.ok(status >= 400 && status !== 500, `${status}`);
  }
});

test("too long request lines, headers and odd versions have their status", async (t) => {
  const node = await strict_node(t);
  const status = async (bytes) => (await raw_exchange(t, node, bytes)).status;
  assert.equal(await status(lines(`GET /${"a".repeat(20_000)} HTTP/1.1`, "Host: lapwing")), 414);
  assert.equal(await status(lines("GET /livez HTTP/1.1", "Host: lapwing", `X-A: ${"b".repeat(40_000)}`)), 431);
  const many = Array.from({ length: 5_000 }, (_, index) => `X-${index}: 1`);
  assert.equal(await status(lines("GET /livez HTTP/1.1", "Host: lapwing", ...many)), 431);
  assert.equal(await status(lines("GET /livez HTTP/3.0", "Host: lapwing")), 505);
  assert.equal(await status(lines("GET /livez HTTP/1.1")), 400);
  assert.equal(await status(lines("GET /livez HTTP/1.1", "Host: a", "Host: b")), 400);
  assert.equal(await status(lines("POST /api/sse/send HTTP/1.1", "Host: a", "Content-Type: application/json")), 411);
  assert.equal(await status(lines("GET /livez HTTP/1.1", "Host: a", "Expect: a-miracle")), 417);
});

test("100-continue is answered before the body", async (t) => {
  const node = await strict_node(t);
  const body = push_body(1);
  const connection = await RawConnection.open(t, node);
  connection.send(head(body, [`Content-Length: ${body.length}`, "Expect: 100-continue"]));
  await connection.until(() => connection.received.startsWith("HTTP/1.1 100 "), "100 Continue");
  connection.received = connection.received.slice(connection.received.indexOf("\r\n\r\n") + 4);
  connection.send(body);
  assert.equal((await connection.response()).status, 200);
  node.stored = 1;
});

test("methods, HEAD, OPTIONS and unknown paths are answered right", async (t) => {
  const node = await strict_node(t);
  const missing = await node.request("/api/nosuch");
  assert_problem(missing, 404, "not_found");
  const wrong = await node.request("/api/webhooks/health", { method: "DELETE" });
  assert_problem(wrong, 405, "method_not_allowed");
  assert.match(wrong.headers.allow, /GET/);
  assert.match(wrong.headers.allow, /HEAD/);
  const get_send = await node.request("/api/sse/send");
  assert.equal(get_send.status, 405);
  assert.match(get_send.headers.allow, /POST/);
  const head_answer = await node.request("/api/webhooks/health", { method: "HEAD" });
  const get_answer = await node.request("/api/webhooks/health");
  assert.equal(head_answer.status, 200);
  assert.equal(head_answer.text, "");
  assert.equal(head_answer.headers["content-length"], get_answer.headers["content-length"]);
  const options = await node.request("/api/webhooks/health", { method: "OPTIONS" });
  assert.equal(options.status, 204);
  assert.match(options.headers.allow, /GET/);
  for (const path of ["/api/../livez", "/%2e%2e/%2e%2e/etc/passwd", "//livez", "/assets/../../etc/passwd"]) {
    const raw = await raw_exchange(t, node, lines(`GET ${path} HTTP/1.1`, "Host: lapwing"));
    assert.ok([400, 404].includes(raw.status), `${path}: ${raw.status}`);
  }
});

test("every answer has a date and a request id, and keeps one that it was given", async (t) => {
  const node = await strict_node(t);
  const plain = await node.request("/livez");
  assert.ok(Math.abs(Date.parse(plain.headers.date) - Date.now()) < 5000);
  assert.match(plain.headers["x-request-id"], /^[A-Za-z0-9_-]{8,}$/);
  const given = await node.request("/api/nosuch", { headers: { "X-Request-Id": "my-id-1" } });
  assert.equal(given.headers["x-request-id"], "my-id-1");
  assert.equal(given.json.request_id, "my-id-1");
  const evil = await raw_exchange(t, node, lines("GET /livez HTTP/1.1", "Host: a", 'X-Request-Id: a"b<c> d'));
  assert.ok(!evil.head.includes('a"b<c>'));
});

test("a connection is kept alive, and closed when asked", async (t) => {
  const node = await strict_node(t);
  const connection = await RawConnection.open(t, node);
  for (let index = 0; index < 3; ++index) {
    connection.send(lines("GET /livez HTTP/1.1", "Host: a"));
    assert.equal((await connection.response(index)).status, 200);
  }
  connection.send(lines("GET /livez HTTP/1.1", "Host: a", "Connection: close"));
  await connection.until_closed();
  assert.equal(connection.responses().length, 4);
  const old = await RawConnection.open(t, node);
  old.send("GET /livez HTTP/1.0\r\n\r\n");
  await old.until_closed();
  assert.equal(old.responses().length, 1);
});

test("a keep-alive connection that says nothing more is closed", async (t) => {
  const node = await strict_node(t, { env: { LAPWING_HTTP__IDLE_TIMEOUT: "150ms" } });
  const connection = await RawConnection.open(t, node);
  connection.send(lines("GET /livez HTTP/1.1", "Host: a"));
  await connection.response();
  await connection.until_closed();
  node.fresh_agent(); // Its idle connections were closed, too.
});

test("beyond the connection caps a new connection gets 503 with Retry-After", async (t) => {
  for (const name of ["LAPWING_LIMITS__CONNECTIONS_TOTAL", "LAPWING_LIMITS__CONNECTIONS_PER_ADDRESS"]) {
    const node = await strict_node(t, { env: { [name]: "6" } });
    node.agent.destroy();
    const get = lines("GET /livez HTTP/1.1", "Host: a");
    const open = [];
    let refused;
    while (open.length < 12 && !refused) {
      const connection = await RawConnection.open(t, node);
      connection.send(get);
      const answer = await connection.response();
      if (answer.status === 200) open.push(connection);
      else refused = answer;
    }
    assert.equal(refused?.status, 503, name);
    assert.equal(refused.json.code, "too_many_connections");
    assert.match(refused.head, /retry-after: *\d+/i);
    assert.ok(open.length >= 4 && open.length <= 6, `${open.length} were open`);
    for (const connection of open) connection.destroy();
    await node.stop();
    // The checks at the end need room again.
    delete node.env[name];
    await node.start();
  }
});

test("requests beyond the rate get 429 with Retry-After, webhooks only after the signature", async (t) => {
  const node = await strict_node(t, {
    env: { LAPWING_LIMITS__API_REQUESTS: "20", LAPWING_LIMITS__WEBHOOK_REQUESTS: "10" },
  });
  await node.add_user("u2");
  for (let number = 0; number < 30; ++number) {
    const answer = await node.github("u2", push_body(number), { secret: "wrong" });
    assert_problem(answer, 401, "signature_mismatch");
  }
  let taken = 0;
  let refused;
  for (let number = 0; number < 15; ++number) {
    const answer = await node.push("u2", number, `d-${number}`);
    if (answer.status === 200) ++taken;
    else refused = answer;
  }
  assert.equal(taken, 10);
  assert_problem(refused, 429, "rate_limited");
  assert.match(refused.headers["retry-after"], /^\d+$/);
  // Another user's deliveries are not held up.
  assert.equal((await node.push("u1", 1, "other")).status, 200);
  node.stored = 1;
  let answer;
  for (let number = 0; number < 25; ++number) answer = await node.as("u3", "/api/events");
  assert_problem(answer, 429, "rate_limited");
  assert.match(answer.headers["retry-after"], /^\d+$/);
});

test("browsers get CORS answers for the allowed origins only", async (t) => {
  const node = await strict_node(t, { config: '[http]\ncors_origins = ["https://app.example"]\n' });
  const preflight = (origin) => node.request("/api/sse/send", {
    method: "OPTIONS",
    headers: { Origin: origin, "Access-Control-Request-Method": "POST",
      "Access-Control-Request-Headers": "authorization,content-type" },
  });
  const good = await preflight("https://app.example");
  assert.equal(good.status, 204);
  assert.equal(good.headers["access-control-allow-origin"], "https://app.example");
  assert.match(good.headers["access-control-allow-methods"], /POST/);
  assert.match(good.headers["access-control-allow-headers"], /authorization/i);
  assert.match(good.headers.vary ?? "", /origin/i);
  const evil = await preflight("https://evil.example");
  assert.equal(evil.headers["access-control-allow-origin"], undefined);
  const stream = await node.request("/api/events", {
    token: user_token("u1"), headers: { Origin: "https://app.example" },
  });
  assert.equal(stream.headers["access-control-allow-origin"], "https://app.example");
});
