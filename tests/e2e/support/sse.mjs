// An SSE client that keeps everything it was sent, for looking at; written from the WHATWG rules.
import http from "node:http";
import { Watched, afterwards, within } from "./waiting.mjs";

/** Feeds bytes in, calls back with each complete block {event, id, data, retry, comment}. */
export function sse_parser(on_block) {
  let rest = "";
  return (text) => {
    // A block of many megabytes comes in many pieces: only what is new can hold its end.
    const known = Math.max(0, rest.length - 1);
    rest += text;
    for (let end = rest.indexOf("\n\n", known); end >= 0; end = rest.indexOf("\n\n")) {
      const block = { event: "message", data: [], comments: [] };
      for (const line of rest.slice(0, end).split("\n")) {
        if (line.startsWith(":")) {
          block.comments.push(line.slice(1).trim());
          continue;
        }
        const [, field, value] = /^([a-z]+):? ?(.*)$/s.exec(line) ?? [];
        if (field === "data") block.data.push(value);
        else if (field === "event" || field === "id" || field === "retry") block[field] = value;
      }
      rest = rest.slice(end + 2);
      on_block({ ...block, data: block.data.join("\n") });
    }
  };
}

export class SseStream extends Watched {
  /** Every block; `json` is its parsed data. */
  blocks = [];
  last_id = undefined;
  retry = undefined;
  closed = false;

  /** Options: user (bare form), token, last_event_id, query (object), headers. */
  static async open(t, node, { user, token, last_event_id, query = {}, headers = {}, port } = {}) {
    const stream = new SseStream();
    afterwards(t, () => stream.close());
    const parameters = new URLSearchParams({ ...(user ? { userId: user } : {}), ...query });
    const all = { Accept: "text/event-stream", ...headers };
    if (token) all.Authorization = `Bearer ${token}`;
    if (last_event_id !== undefined) all["Last-Event-ID"] = last_event_id;
    stream.response = await within(
      new Promise((resolve, reject) => {
        stream.request = http.get(
          { host: "127.0.0.1", port: port ?? node.port, path: `/api/sse/stream?${parameters}`,
            headers: all, agent: false },
          resolve,
        );
        stream.request.on("error", reject);
      }),
      "the answer to an SSE request",
    );
    stream.status = stream.response.statusCode;
    stream.response.setEncoding("utf8");
    if (stream.status !== 200) {
      let text = "";
      for await (const chunk of stream.response) text += chunk;
      stream.problem = JSON.parse(text);
      stream.closed = true;
      return stream;
    }
    const parse = sse_parser((block) => stream.#take(block));
    stream.response.on("data", parse);
    const end = () => {
      stream.closed = true;
      stream.changed();
    };
    stream.response.on("end", end);
    stream.response.on("error", end);
    stream.response.on("close", end);
    return stream;
  }

  #take(block) {
    if (block.retry !== undefined) this.retry = block.retry;
    if (block.id !== undefined) this.last_id = block.id;
    if (block.data !== "") block.json = JSON.parse(block.data);
    this.blocks.push(block);
    this.changed();
  }

  /** Envelopes of this type. */
  of(type) {
    return this.blocks.filter((block) => block.json?.type === type).map((block) => block.json);
  }

  /** The first envelope of this type, when it comes. */
  first(type) {
    return this.until(() => this.of(type)[0], () => `a ${type} event; got ${this.summary()}`);
  }

  /** `count` envelopes of this type, when they are there. */
  wait_for(type, count, ms) {
    return this.until(
      () => this.of(type).length >= count && this.of(type),
      () => `${count} ${type} events; got ${this.summary()}`,
      ms,
    );
  }

  summary() {
    const counts = {};
    for (const { json } of this.blocks) counts[json?.type ?? "-"] = (counts[json?.type ?? "-"] ?? 0) + 1;
    return JSON.stringify(counts);
  }

  until_closed() {
    return this.until(() => this.closed, "the stream to end");
  }

  close() {
    this.request?.destroy();
  }
}
