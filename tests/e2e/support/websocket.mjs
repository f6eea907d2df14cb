// A WebSocket client on the `ws` package that keeps every message; and raw frames for breaking the
// rules of RFC 6455.
import { randomBytes } from "node:crypto";
import WebSocket from "ws";
import { RawConnection } from "./http.mjs";
import { Watched, afterwards, within } from "./waiting.mjs";

export class WsStream extends Watched {
  messages = [];
  close_code = undefined;
  close_reason = "";
  status = undefined;

  /** Options: path, auth (sent as the first message with type auth), headers, query. */
  static async open(t, node, { path = "/ws", auth, headers = {}, query = {}, port, on_frame } = {}) {
    const stream = new WsStream();
    const text = new URLSearchParams(query).toString();
    const url = `ws://127.0.0.1:${port ?? node.port}${path}${text ? `?${text}` : ""}`;
    const socket = new WebSocket(url, { headers, perMessageDeflate: false });
    stream.socket = socket;
    afterwards(t, () => stream.close());
    socket.on("message", (data) => {
      const message = JSON.parse(data.toString());
      stream.messages.push(message);
      on_frame?.(message);
      stream.changed();
    });
    socket.on("close", (code, reason) => {
      stream.close_code = code;
      stream.close_reason = reason.toString();
      stream.changed();
    });
    socket.on("ping", () => {
      stream.pings = (stream.pings ?? 0) + 1;
      stream.changed();
    });
    await within(
      new Promise((resolve) => {
        socket.on("open", resolve);
        socket.on("error", (failure) => {
          stream.failure = failure;
          stream.status = Number(/Unexpected server response: (\d+)/.exec(failure.message)?.[1]);
          resolve();
        });
      }),
      "a WebSocket handshake",
    );
    if (auth && !stream.failure) stream.send({ type: "auth", ...auth });
    return stream;
  }

  send(message) {
    this.socket.send(typeof message === "string" ? message : JSON.stringify(message));
  }

  of(type) {
    return this.messages.filter((message) => message.type === type);
  }

  first(type) {
    return this.until(() => this.of(type)[0], () => `a ${type} message; got ${this.summary()}`);
  }

  wait_for(type, count, ms) {
    return this.until(
      () => this.of(type).length >= count && this.of(type),
      () => `${count} ${type} messages; got ${this.summary()}`,
      ms,
    );
  }

  summary() {
    const counts = {};
    for (const { type } of this.messages) counts[type] = (counts[type] ?? 0) + 1;
    return JSON.stringify({ ...counts, close: this.close_code });
  }

  until_closed() {
    return this.until(() => this.close_code, () => `a close; got ${this.summary()}`);
  }

  close() {
    this.socket.terminate();
  }
}

/** One client frame. `length` lies about the payload's length; `mask: false` breaks 5.1. */
export function frame(opcode, payload = "", { fin = true, rsv = 0, mask = true, length } = {}) {
  const body = Buffer.from(payload);
  const said = length ?? body.length;
  const head = [(fin ? 0x80 : 0) | (rsv << 4) | opcode];
  const mask_bit = mask ? 0x80 : 0;
  if (said < 126) head.push(mask_bit | said);
  else if (said < 65536) head.push(mask_bit | 126, said >> 8, said & 255);
  else {
    const wide = Buffer.alloc(8);
    wide.writeBigUInt64BE(BigInt(said));
    head.push(mask_bit | 127, ...wide);
  }
  if (!mask) return Buffer.concat([Buffer.from(head), body]);
  const key = randomBytes(4);
  const masked = Buffer.from(body.map((byte, index) => byte ^ key[index % 4]));
  return Buffer.concat([Buffer.from(head), key, masked]);
}

/** A raw connection after a correct handshake; `frames()` are the server's frames. */
export class RawWebSocket {
  static async open(t, node, path = "/ws") {
    const raw = new RawWebSocket();
    raw.connection = await RawConnection.open(t, node);
    raw.connection.send(
      `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${node.port}\r\nUpgrade: websocket\r\n` +
        "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
        "Sec-WebSocket-Version: 13\r\n\r\n",
    );
    await raw.connection.until(
      () => raw.connection.received.includes("\r\n\r\n"),
      "the handshake's answer",
    );
    raw.head = raw.connection.received.slice(0, raw.connection.received.indexOf("\r\n\r\n"));
    return raw;
  }

  send(bytes) {
    this.connection.send(bytes);
    return this;
  }

  frames() {
    let rest = Buffer.from(
      this.connection.received.slice(this.connection.received.indexOf("\r\n\r\n") + 4),
      "latin1",
    );
    const found = [];
    while (rest.length >= 2) {
      let length = rest[1] & 0x7f;
      let start = 2;
      if (length === 126 && rest.length >= 4) {
        length = rest.readUInt16BE(2);
        start = 4;
      } else if (length === 127 && rest.length >= 10) {
        length = Number(rest.readBigUInt64BE(2));
        start = 10;
      }
      if (rest.length < start + length) break;
      const payload = rest.subarray(start, start + length);
      found.push({ opcode: rest[0] & 15, fin: rest[0] >= 0x80, masked: rest[1] >= 0x80, payload });
      rest = rest.subarray(start + length);
    }
    return found;
  }

  /** The close code the server sent, when it has closed. */
  async close_code() {
    await this.connection.until_closed("the node to close the WebSocket");
    const close = this.frames().find(({ opcode }) => opcode === 8);
    return close && close.payload.length >= 2 ? close.payload.readUInt16BE(0) : undefined;
  }

  text_messages() {
    return this.frames()
      .filter(({ opcode }) => opcode === 1)
      .map(({ payload }) => JSON.parse(payload.toString()));
  }

  async first(type) {
    return this.connection.until(
      () => this.text_messages().find((message) => message.type === type),
      () => `a ${type} message`,
    );
  }

  destroy() {
    this.connection.destroy();
  }
}
