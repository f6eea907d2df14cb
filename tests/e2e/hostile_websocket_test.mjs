// Violations of RFC 6455 on /ws, each closed with its code; and what must go on working beside.
import assert from "node:assert/strict";
import test from "node:test";
import { user_token } from "./support/sign.mjs";
import { raw_exchange } from "./support/http.mjs";
import { RawWebSocket, WsStream, frame } from "./support/websocket.mjs";
import { start_node } from "./support/node.mjs";
import { afterwards } from "./support/waiting.mjs";

const [continuation, text, binary, close, ping, pong] = [0, 1, 2, 8, 9, 10];
const auth = JSON.stringify({ type: "auth", token: user_token("u1") });

async function strict_node(t, options) {
  const node = await start_node(t, options);
  await node.add_user("u1");
  afterwards(t, () => node.is_alive());
  return node;
}

async function authenticated(t, node) {
  const raw = await RawWebSocket.open(t, node);
  raw.send(frame(text, auth));
  await raw.first("connected");
  return raw;
}

const violations = {
  "an unmasked frame": [[frame(text, "{}", { mask: false })], 1002],
  "a reserved bit": [[frame(text, "{}", { rsv: 4 })], 1002],
  "another reserved bit": [[frame(text, "{}", { rsv: 1 })], 1002],
  "an unknown data opcode": [[frame(3, "{}")], 1002],
  "an unknown control opcode": [[frame(11, "")], 1002],
  "a fragmented ping": [[frame(ping, "a", { fin: false })], 1002],
  "a ping of 126 bytes": [[frame(ping, "a".repeat(126))], 1002],
  "a close of 126 bytes": [[frame(close, Buffer.concat([Buffer.from([3, 232]), Buffer.alloc(124, 97)]))], 1002],
  "a continuation of nothing": [[frame(continuation, "{}")], 1002],
  "a new message inside a fragmented one": [[frame(text, "{", { fin: false }), frame(text, "}")], 1002],
  "a message over the limit": [[frame(text, "x".repeat(65 * 1024))], 1009],
  "a frame that says it is huge": [[frame(text, "", { length: 2 ** 40 })], 1009],
  "fragments that add up to more than the limit": [
    [frame(text, "x".repeat(40_000), { fin: false }), frame(continuation, "x".repeat(40_000))], 1009],
  "text that is not UTF-8": [[frame(text, Buffer.from([0xc3, 0x28]))], 1007],
  "UTF-8 broken across fragments": [
    [frame(text, Buffer.from([0xe2, 0x82]), { fin: false }), frame(continuation, Buffer.from([0x28]))], 1007],
  "text that ends inside a character": [[frame(text, Buffer.from([0xf0, 0x9f, 0x98]))], 1007],
  "an encoded surrogate": [[frame(text, Buffer.from([0xed, 0xa0, 0x80]))], 1007],
  "a close with one byte": [[frame(close, "a")], 1002],
  "a close with code 999": [[frame(close, Buffer.from([3, 231]))], 1002],
  "a close with code 1005": [[frame(close, Buffer.from([3, 237]))], 1002],
  "a close with code 1006": [[frame(close, Buffer.from([3, 238]))], 1002],
  "a close with code 5000": [[frame(close, Buffer.from([0x13, 0x88]))], 1002],
  "a close whose reason is not UTF-8": [[frame(close, Buffer.from([3, 232, 0xff]))], 1007],
};

test("violations of the protocol are closed with their code", async (t) => {
  const node = await strict_node(t);
  for (const [what, [frames, code]] of Object.entries(violations)) {
    // Before and after authentication, whole and byte by byte.
    for (const split of [false, true]) {
      for (const first of [false, true]) {
        const raw = first ? await RawWebSocket.open(t, node) : await authenticated(t, node);
        const bytes = Buffer.concat(frames);
        if (split && bytes.length < 300) for (const byte of bytes) raw.send(Buffer.from([byte]));
        else raw.send(bytes);
        assert.equal(await raw.close_code(), code, `${what}${split ? ", byte by byte" : ""}${first ? ", first" : ""}`);
      }
    }
  }
  await node.connections(0);
});

test("fragments, pings between them and any split are understood", async (t) => {
  const node = await strict_node(t);
  const raw = await RawWebSocket.open(t, node);
  const parts = [...auth].map((letter, index) => frame(index ? continuation : text, letter, { fin: false }));
  parts.splice(5, 0, frame(ping, "between"));
  for (const part of [...parts, frame(continuation, "")]) for (const byte of part) raw.send(Buffer.from([byte]));
  await raw.first("connected");
  const answered = raw.frames().find(({ opcode }) => opcode === pong);
  assert.equal(answered.payload.toString(), "between");
  assert.ok(raw.frames().every(({ masked }) => !masked), "a server masks nothing");
  raw.send(frame(pong, "unasked"));
  raw.send(frame(close, Buffer.from([3, 232, ...Buffer.from("bye")])));
  assert.equal(await raw.close_code(), 1000);
});

test("a message that is none of the documented ones is answered by an error and the stream goes on", async (t) => {
  const node = await strict_node(t);
  const stream = await WsStream.open(t, node, { auth: { token: user_token("u1") } });
  await stream.first("connected");
  for (const message of ["rubbish", "[]", "42", '"text"', "{}", '{"type":7}', '{"type":"dance"}',
    '{"type":"subscribe"}', '{"type":"subscribe","rooms":"lobby"}', '{"type":"subscribe","rooms":["a b"]}',
    '{"type":"auth","token":5}', `{"type":"ping","deep":${"[".repeat(5000)}`]) {
    const before = stream.of("error").length;
    stream.send(message);
    const errors = await stream.wait_for("error", before + 1);
    assert.equal(errors[before].code, "invalid_message", message);
    assert.equal(typeof errors[before].detail, "string");
  }
  stream.send({ type: "ping" });
  await stream.first("pong");
});

test("a binary message is refused and does not end the node", async (t) => {
  const node = await strict_node(t);
  const raw = await authenticated(t, node);
  raw.send(frame(binary, "\x01\x02"));
  await raw.connection.until(
    () => raw.text_messages().some(({ type }) => type === "error") || raw.connection.closed,
    "an error or a close",
  );
});

test("handshakes that are not WebSocket version 13 are refused", async (t) => {
  const node = await strict_node(t);
  const shake = (changes = {}, method = "GET") => {
    const headers = {
      Host: "lapwing", Upgrade: "websocket", Connection: "Upgrade",
      "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version": "13", ...changes,
    };
    const text_lines = Object.entries(headers).filter(([, value]) => value !== undefined)
      .map(([name, value]) => `${name}: ${value}\r\n`).join("");
    return raw_exchange(t, node, `${method} /ws HTTP/1.1\r\n${text_lines}\r\n`);
  };
  for (const version of ["8", "12", undefined]) {
    const answer = await shake({ "Sec-WebSocket-Version": version });
    assert.equal(answer.status, 426, `version ${version}`);
    assert.match(answer.head, /sec-websocket-version: *13/i);
    assert.equal(answer.json.code, "upgrade_required");
  }
  assert.equal((await shake({ Upgrade: undefined, Connection: undefined })).status, 426);
  for (const key of [undefined, "", "short", "!!!!!!!!!!!!!!!!!!!!!!=="]) {
    assert.equal((await shake({ "Sec-WebSocket-Key": key })).status, 400, `key ${key}`);
  }
  const foreign = await shake({ Origin: "https://evil.example" });
  assert.equal(foreign.status, 403);
  assert.equal(foreign.json.code, "origin_forbidden");
});

test("a peer that stops answering pings is let go", async (t) => {
  const node = await strict_node(t, { env: { LAPWING_STREAMS__HEARTBEAT: "100ms" } });
  const dead = await authenticated(t, node);
  await dead.connection.until(() => dead.frames().some(({ opcode }) => opcode === ping), "a ping");
  await dead.connection.until_closed("the node to let go of a silent peer");
  // One that answers stays, as the `ws` package does by itself.
  const live = await WsStream.open(t, node, { auth: { token: user_token("u1") } });
  await live.until(() => live.pings > 5, "pings");
  assert.equal(live.close_code, undefined);
});
