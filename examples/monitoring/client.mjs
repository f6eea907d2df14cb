// As much of a Realtime client as the page needs, so that it needs no build: channels with database
// changes over one WebSocket (protocol 1.0.0), heartbeats, and coming back by itself. An application
// takes @supabase/supabase-js instead; realtime-service.mjs works with either.

const heartbeat_ms = 25_000;
const back_after_ms = [1000, 2000, 5000, 10_000];

export class Client {
  #url;
  #key;
  #socket;
  #ref = 0;
  #tries = 0;
  #timer;
  #channels = new Map();

  /** `url`: ws://host:port/realtime/v1; `key`: the user's token. */
  constructor(url, key) {
    this.#url = url;
    this.#key = key;
  }

  channel(name) {
    const made = new Channel(this, name);
    this.#channels.set(made.topic, made);
    return made;
  }

  removeChannel(channel) {
    this.#channels.delete(channel.topic);
    this.send(channel.topic, "phx_leave", {});
    if (this.#channels.size === 0) this.disconnect();
  }

  disconnect() {
    clearInterval(this.#timer);
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close();
  }

  /** Joins now, or as soon as there is a connection. */
  join(channel) {
    if (!this.#socket) return this.#connect();
    channel.ref = this.send(channel.topic, "phx_join", {
      config: { postgres_changes: channel.entries, presence: { enabled: false } }, access_token: this.#key,
    });
  }

  send(topic, event, payload) {
    const ref = String(++this.#ref);
    if (this.#socket?.readyState !== WebSocket.OPEN) return undefined;
    this.#socket.send(JSON.stringify({ topic, event, payload, ref, join_ref: event === "phx_join" ? ref : null }));
    return ref;
  }

  #connect() {
    const socket = new WebSocket(`${this.#url}/websocket?vsn=1.0.0&apikey=${this.#key}`);
    this.#socket = socket;
    socket.onopen = () => {
      this.#tries = 0;
      this.#timer = setInterval(() => this.send("phoenix", "heartbeat", {}), heartbeat_ms);
      for (const channel of this.#channels.values()) this.join(channel);
    };
    socket.onmessage = ({ data }) => {
      const { topic, event, payload, ref } = JSON.parse(data);
      this.#channels.get(topic)?.take(event, payload, ref);
    };
    socket.onclose = () => {
      clearInterval(this.#timer);
      if (this.#socket !== socket) return; // We closed it.
      this.#socket = undefined;
      for (const channel of this.#channels.values()) channel.status("CHANNEL_ERROR");
      setTimeout(() => this.#socket ?? (this.#channels.size && this.#connect()),
        back_after_ms[Math.min(this.#tries++, back_after_ms.length - 1)]);
    };
  }
}

class Channel {
  entries = [];
  #changed = [];
  #system = [];
  #ids = [];
  #status = () => {};

  constructor(client, name) {
    this.client = client;
    this.topic = `realtime:${name}`;
  }

  on(kind, what, callback) {
    if (kind === "system") {
      this.#system.push(callback);
    } else {
      this.entries.push(what);
      this.#changed.push(callback);
    }
    return this;
  }

  subscribe(callback) {
    this.#status = callback;
    this.client.join(this);
    return this;
  }

  status(what) {
    this.#status(what);
  }

  take(event, payload, ref) {
    if (event === "phx_reply" && ref === this.ref) {
      if (payload.status !== "ok") return this.#status("CHANNEL_ERROR", new Error(payload.response.reason));
      this.#ids = payload.response.postgres_changes.map(({ id }) => id);
      this.#status("SUBSCRIBED");
    } else if (event === "postgres_changes") {
      const { type, record, old_record } = payload.data;
      const change = { eventType: type, new: record ?? {}, old: old_record ?? {} };
      this.#ids.forEach((id, at) => payload.ids.includes(id) && this.#changed[at](change));
    } else if (event === "system") {
      for (const callback of this.#system) callback(payload);
    } else if (event === "phx_close") {
      this.#status("CLOSED");
    } else if (event === "phx_error") {
      this.client.join(this);
    }
  }
}
