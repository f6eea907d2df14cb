// HTTP as a test needs it: any header, any body, the whole answer, and raw sockets for requests
// that no client library would send.
import http from "node:http";
import net from "node:net";
import { Watched, afterwards, within } from "./waiting.mjs";

export const new_agent = (sockets = 64) => new http.Agent({ keepAlive: true, maxSockets: sockets });

/** Sends one request; resolves with {status, headers, text, json}. Rejects only without an answer. */
export function request(url, { method = "GET", headers = {}, body, agent, token } = {}) {
  const all = { ...headers };
  if (token) all.Authorization = `Bearer ${token}`;
  let bytes = body;
  if (body !== undefined && typeof body !== "string" && !Buffer.isBuffer(body)) {
    bytes = JSON.stringify(body);
    all["Content-Type"] ??= "application/json";
  }
  if (bytes !== undefined) all["Content-Length"] = Buffer.byteLength(bytes);
  const answer = new Promise((resolve, reject) => {
    const sent = http.request(url, { method, headers: all, agent: agent ?? false }, (response) => {
      const chunks = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const text = Buffer.concat(chunks).toString();
        resolve({ status: response.statusCode, headers: response.headers, text, json: parsed(text) });
      });
      response.on("close", () => reject(new Error("the answer was cut off")));
    });
    sent.on("error", reject);
    sent.end(bytes);
  });
  return within(answer, `an answer to ${method} ${new URL(url).pathname}`);
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A TCP connection that shows all it got as text (latin1, so that no byte is lost). */
export class RawConnection extends Watched {
  received = "";
  closed = false;

  static async open(t, node) {
    const connection = new RawConnection();
    const socket = net.connect({ host: "127.0.0.1", port: node.port });
    connection.socket = socket;
    afterwards(t, () => connection.destroy());
    socket.setNoDelay(true);
    socket.on("data", (data) => {
      connection.received += data.toString("latin1");
      connection.changed();
    });
    const end = () => {
      connection.closed = true;
      connection.changed();
    };
    socket.on("error", end);
    socket.on("close", end);
    await within(new Promise((resolve) => socket.once("connect", resolve)), "a TCP connection");
    return connection;
  }

  send(bytes) {
    this.socket.write(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes);
    return this;
  }

  until_closed(what = "the node to close the connection", ms) {
    return this.until(() => this.closed, () => `${what}; got: ${this.received.slice(0, 300)}`, ms);
  }

  /** All complete responses so far, by Content-Length. */
  responses() {
    const found = [];
    let rest = this.received;
    while (true) {
      const head_end = rest.indexOf("\r\n\r\n");
      if (head_end < 0) return found;
      const head = rest.slice(0, head_end);
      const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? "0");
      const body = rest.slice(head_end + 4, head_end + 4 + length);
      if (body.length < length) return found;
      found.push({ status: Number(head.split(" ")[1]), head, body, json: parsed(body) });
      rest = rest.slice(head_end + 4 + length);
    }
  }

  async response(index = 0) {
    return this.until(
      () => this.responses()[index],
      () => `response ${index}; got: ${this.received.slice(0, 300)}`,
    );
  }

  destroy() {
    this.socket.destroy();
  }
}

/** Sends raw bytes on a fresh connection and resolves with the first response. */
export async function raw_exchange(t, node, bytes) {
  const connection = await RawConnection.open(t, node);
  return connection.send(bytes).response();
}
