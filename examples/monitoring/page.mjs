// The page: subscribes first and then asks for the state, so that nothing falls between the two.
import { Client } from "./client.mjs";
import { getRealtimeService } from "./realtime-service.mjs";

const by_id = (id) => document.getElementById(id);
const user = new URLSearchParams(location.search).get("user") ?? "ann";
const { token, realtime } = await (await fetch(`/login?user=${encodeURIComponent(user)}`)).json();
const ask = async (path, method = "GET") => (await fetch(path, { method, headers: { authorization: `Bearer ${token}` } })).json();

const service = getRealtimeService(new Client(realtime, token));
const tables = { streams: new Map(), scans: new Map(), agents: new Map(), alerts: new Map(), notifications: new Map() };
const bar = (title, percentage, words) => `<p>${title}<progress max="100" value="${percentage}"></progress>${words}</p>`;
const text = (value) => new Option(value).innerHTML;
const views = {
  streams: (s) => bar(text(s.title), s.current_progress.percentage,
    `${s.current_progress.completed} of ${s.current_progress.total}, ${text(s.goal_status)}`),
  scans: (s) => bar(text(s.id), s.progress_percentage, `${text(s.current_step)}: ${s.targets_analyzed} of ${s.targets_identified}`),
  agents: (a) => `<li>${text(a.agent_id)} on ${text(a.stream_id)}</li>`,
  alerts: (a) => `<li>${text(a.business_name)}: ${text(a.signal_type)} (${text(a.priority)})</li>`,
  notifications: (n) => `<li>${text(n.message)}</li>`,
};
/** What a row must be to be shown. */
const shown = { streams: () => true, scans: () => true, agents: (a) => a.status === "running", alerts: (a) => !a.read_at, notifications: (n) => !n.read_at };

function show(kind) {
  by_id(kind).innerHTML = [...tables[kind].values()].map(views[kind]).join("");
  const badge = by_id(`${kind}-unread`);
  if (badge) badge.textContent = tables[kind].size || "";
}

function take(kind, row, change) {
  const id = row.id ?? change.old.id;
  if (change?.eventType === "DELETE" || !shown[kind](row)) tables[kind].delete(id);
  else tables[kind].set(id, row);
  show(kind);
}

async function load() {
  const state = await ask("/state");
  for (const kind of Object.keys(tables)) {
    tables[kind] = new Map(state[kind].map((row) => [row.id, row]));
    show(kind);
  }
  return state;
}

/** The worst of a section's channels is its light; whenever one is back, the state is asked for again. */
const lights = {};
const light = (kind, name) => (status) => {
  lights[kind] = { ...lights[kind], [name]: status };
  const now = Object.values(lights[kind]);
  by_id(`${kind}-status`).dataset.status = ["error", "connecting", "disconnected", "connected"].find((one) => now.includes(one));
  if (status === "connected") load();
};
const on = (kind) => (row, change) => take(kind, row, change);

const state = await load();
for (const { id } of state.organisations) service.subscribeToAllStreams(id, on("streams"), light("streams", id));
for (const { id } of state.streams) service.subscribeToAgentExecutions(id, on("agents"), light("agents", id));
for (const { id } of state.scans) service.subscribeToScanProgress(id, on("scans"), light("scans", id));
service.subscribeToSignalAlerts(user, on("alerts"), light("alerts", "all"));
service.subscribeToNotifications(user, on("notifications"), light("notifications", "all"));
by_id("alerts-read").onclick = () => ask("/alerts/read", "POST");
by_id("notifications-read").onclick = () => ask("/notifications/read", "POST");
addEventListener("pagehide", () => service.unsubscribeAll());
