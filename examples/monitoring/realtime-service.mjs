// Live progress, scans, agents, alerts and notifications over one Realtime client: that of supabase-js,
// @supabase/realtime-js, or client.mjs beside this file.
//
//   const service = getRealtimeService(client);
//   const subscription = service.subscribeToStreamProgress("abc123", (row) => ..., (status) => ...);
//   subscription.unsubscribe();
//
// A callback gets the new row, and as its second argument the whole change ({eventType, new, old}).
// A status is one of connecting, connected, disconnected, error. What a channel shows is decided by
// the policies of the tables; its filter only saves traffic.

const statuses = { CLOSED: "disconnected", CHANNEL_ERROR: "error", TIMED_OUT: "error" };

export class RealtimeService {
  #client;
  /** By channel name: {channel, status, listeners}. */
  #open = new Map();

  constructor(client) {
    this.#client = client;
  }

  subscribeToStreamProgress(streamId, callback, onStatus) {
    return this.#subscribe(`stream:${streamId}:progress`, "streams", `id=eq.${streamId}`, callback, onStatus);
  }

  subscribeToAllStreams(orgId, callback, onStatus) {
    return this.#subscribe(`org:${orgId}:streams`, "streams", `org_id=eq.${orgId}`, callback, onStatus);
  }

  subscribeToScanProgress(scanId, callback, onStatus) {
    return this.#subscribe(`scan:${scanId}:progress`, "acquisition_scans", `id=eq.${scanId}`, callback, onStatus);
  }

  subscribeToSignalAlerts(userId, callback, onStatus) {
    return this.#subscribe(`user:${userId}:signals`, "signal_alerts", `user_id=eq.${userId}`, callback, onStatus);
  }

  subscribeToAgentExecutions(streamId, callback, onStatus) {
    return this.#subscribe(`stream:${streamId}:agents`, "agent_executions", `stream_id=eq.${streamId}`, callback, onStatus);
  }

  subscribeToNotifications(userId, callback, onStatus) {
    return this.#subscribe(`user:${userId}:notifications`, "notifications", `user_id=eq.${userId}`, callback, onStatus);
  }

  unsubscribeAll() {
    for (const name of [...this.#open.keys()]) this.#close(name);
  }

  /** The names of all channels that somebody listens to. */
  getActiveSubscriptions() {
    return [...this.#open.keys()];
  }

  getChannelStatus(name) {
    return this.#open.get(name)?.status ?? "disconnected";
  }

  /** Many listeners of one name share a channel, and all channels share the client's socket. */
  #subscribe(name, table, filter, callback, onStatus = () => {}) {
    const listener = { callback, onStatus };
    let entry = this.#open.get(name);
    if (entry) {
      entry.listeners.add(listener);
      onStatus(entry.status);
    } else {
      entry = { status: "connecting", listeners: new Set([listener]) };
      this.#open.set(name, entry);
      onStatus("connecting");
      const tell = (status) => {
        if (this.#open.get(name) !== entry || entry.status === status) return;
        entry.status = status;
        for (const one of entry.listeners) one.onStatus(status);
      };
      entry.channel = this.#client
        .channel(name)
        .on("postgres_changes", { event: "*", schema: "public", table, filter }, (change) => {
          for (const one of entry.listeners) one.callback(change.new, change);
        })
        // Joined is not yet live: the changes flow from this message on.
        .on("system", {}, ({ extension, status }) => {
          if (extension === "postgres_changes") tell(status === "ok" ? "connected" : "error");
        })
        .subscribe((status) => {
          if (status !== "SUBSCRIBED") tell(statuses[status] ?? "connecting");
        });
    }
    return {
      unsubscribe: () => {
        entry.listeners.delete(listener);
        if (entry.listeners.size === 0 && this.#open.get(name) === entry) this.#close(name);
      },
    };
  }

  #close(name) {
    const { channel, listeners } = this.#open.get(name);
    this.#open.delete(name);
    this.#client.removeChannel(channel);
    for (const one of listeners) one.onStatus("disconnected");
  }
}

let only;

/** One service for the whole application. */
export function getRealtimeService(client) {
  only ??= new RealtimeService(client);
  return only;
}
