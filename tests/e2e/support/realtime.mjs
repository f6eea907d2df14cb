// The clients of Supabase Realtime, unmodified, with what a test asks of them.
import { RealtimeClient as Newest } from "@supabase/realtime-js";
import { RealtimeClient as Older } from "realtime-js-2.11";
import { Socket } from "phoenix";
import WebSocket from "ws";
import { Watched, afterwards, deadline_ms } from "./waiting.mjs";
import { jwt } from "./sign.mjs";

/** Every client and protocol version that is served. */
export const clients = [
  { name: "realtime-js 2.109.0 (2.0.0)", Client: Newest, options: { vsn: "2.0.0" }, binary: true },
  { name: "realtime-js 2.109.0 (1.0.0)", Client: Newest, options: { vsn: "1.0.0" } },
  { name: "realtime-js 2.11.15 (1.0.0)", Client: Older, options: {}, rejoins: false },
];

/** The roles that tokens name, and the publication that live tables are put into. */
export const make_roles = `
  DO $$ DECLARE r text; BEGIN
    FOREACH r IN ARRAY ARRAY['anon', 'authenticated', 'service_role'] LOOP
      EXECUTE format('CREATE ROLE %I NOLOGIN NOINHERIT', r);
      EXECUTE format('GRANT %I TO lapwing', r);
    END LOOP;
  END $$;
  CREATE PUBLICATION supabase_realtime;`;

export const anon_key = () => jwt({ role: "anon" });

/** One client application. */
export class Application extends Watched {
  constructor(t, node, { Client, options = {} } = clients[0], more = {}) {
    super();
    this.client = new Client(`ws://127.0.0.1:${node.port}/realtime/v1`, {
      transport: WebSocket,
      timeout: deadline_ms,
      // Back soon: a test does not wait for politeness.
      reconnectAfterMs: () => 250,
      ...options,
      ...more,
      params: { apikey: more.apikey ?? anon_key(), ...more.params },
    });
    afterwards(t, () => this.client.disconnect());
  }

  /** A channel that keeps what it hears. Subscribed, unless `subscribe` is false. */
  async channel(name, config = {}, { changes = [], subscribe = true } = {}) {
    const channel = this.client.channel(name, { config });
    const heard = new Watched();
    Object.assign(heard, { app: this, channel, statuses: [], errors: [], broadcasts: [], presence: [], changes: [], system: [] });
    const keep = (list) => (value) => {
      list.push(value);
      heard.changed();
    };
    channel.on("broadcast", { event: "*" }, keep(heard.broadcasts));
    if (config.presence?.enabled !== false) {
      for (const event of ["sync", "join", "leave"]) {
        channel.on("presence", { event }, (value) => keep(heard.presence)({ ...value, event }));
      }
    }
    changes.forEach((entry, index) => {
      channel.on("postgres_changes", entry, (value) => keep(heard.changes)({ ...value, entry: index }));
    });
    channel.on("system", {}, keep(heard.system));
    heard.subscribe = () => {
      channel.subscribe((status, failure) => {
        heard.statuses.push(status);
        if (failure) heard.errors.push(failure);
        heard.changed();
      });
      return heard;
    };
    heard.joined = () => heard.until(() => heard.statuses.at(-1) === "SUBSCRIBED",
      () => `${name} to be joined; ${heard.statuses} ${heard.errors.map((e) => e.message)}`);
    if (subscribe) await heard.subscribe().joined();
    return heard;
  }
}

/** A socket of the stock Phoenix client. */
export async function phoenix(t, node, { apikey = anon_key(), path = "/socket" } = {}) {
  const socket = new Socket(`ws://127.0.0.1:${node.port}${path}`, {
    transport: WebSocket, params: { apikey }, reconnectAfterMs: () => 50,
  });
  afterwards(t, () => new Promise((done) => socket.disconnect(done)));
  socket.connect();
  return socket;
}

/** What a push was answered with: {status, response}. */
export const answer_to = (push) => new Promise((resolve) => {
  for (const status of ["ok", "error", "timeout"]) push.receive(status, (response) => resolve({ status, response }));
});

/** A bare WebSocket that speaks frames. */
export class RawSocket extends Watched {
  frames = [];
  closed = undefined;

  static async open(t, node, { path = "/realtime/v1/websocket", apikey = anon_key(), vsn = "2.0.0", headers = {} } = {}) {
    const raw = new RawSocket();
    const query = new URLSearchParams({ ...(apikey && { apikey }), ...(vsn && { vsn }) });
    raw.socket = new WebSocket(`ws://127.0.0.1:${node.port}${path}?${query}`, { headers });
    afterwards(t, () => raw.socket.terminate());
    raw.socket.on("message", (data, binary) => {
      raw.frames.push(binary ? data : JSON.parse(data.toString()));
      raw.changed();
    });
    raw.socket.on("unexpected-response", (_, response) => {
      let body = "";
      response.on("data", (part) => (body += part));
      response.on("end", () => {
        raw.refused = { status: response.statusCode, body };
        raw.changed();
      });
    });
    raw.socket.on("error", () => {});
    raw.socket.on("close", (code, reason) => {
      raw.closed = { code, reason: reason.toString() };
      raw.changed();
    });
    await raw.until(() => raw.refused || raw.socket.readyState === WebSocket.OPEN || (raw.socket.on("open", () => raw.changed()), false),
      "the handshake");
    return raw;
  }

  send(frame) {
    this.socket.send(typeof frame === "string" || Buffer.isBuffer(frame) ? frame : JSON.stringify(frame));
    return this;
  }

  /** The first frame with this ref. */
  reply(ref) {
    return this.until(() => this.frames.find((frame) => frame[1] === ref && frame[3] === "phx_reply"),
      () => `a reply to ${ref}; got ${JSON.stringify(this.frames)}`);
  }

  /** A heartbeat there and back: everything sent before has been looked at, and the socket lives. */
  async still_open() {
    const ref = `hb${this.frames.length}`;
    this.send([null, ref, "phoenix", "heartbeat", {}]);
    await this.reply(ref);
  }
}
