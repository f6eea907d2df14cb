"use strict";
// The dashboard: what the node knows of one person's connections, and their events as they come.
// Text from outside only ever becomes text nodes.

const $ = (id) => document.getElementById(id);
const here = location.origin;
const hues = { github: 220, gmail: 8, slack: 300, spotify: 145, youtube: 0, discord: 235,
  calendar: 212, linkedin: 200 };
const marks = { github: "GH", gmail: "Gm", slack: "Sl", spotify: "Sp", youtube: "YT",
  discord: "Di", calendar: "Ca", linkedin: "in" };
const states = { connected: "Connected", degraded: "Having trouble", needs_reauth: "Connect again",
  disconnected: "Disconnected", idle: "No delivery yet", none: "Not connected" };
const rank = { needs_reauth: 0, degraded: 1, connected: 2, idle: 3, disconnected: 4, none: 5 };

let connections = new Map();  // What /api/connections says, by platform.
let reports = new Map();      // What the connection doctor says, by platform.
let platforms = [];
const cards = new Map();

/** An element: classes after dots, texts and elements as children. */
function make(what, ...children) {
  const [tag, ...classes] = what.split(".");
  const element = document.createElement(tag);
  element.className = classes.join(" ");
  element.append(...children.filter((child) => child !== undefined && child !== null));
  return element;
}

function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function hue_of(platform) {
  let hash = 0;
  for (const letter of platform) hash = (hash * 31 + letter.charCodeAt(0)) % 360;
  return hues[platform] ?? hash;
}

function tile(platform) {
  const made = make("span.tile", marks[platform] ?? (platform || "·").slice(0, 2));
  made.style.setProperty("--hue", hue_of(platform || "lapwing"));
  made.setAttribute("aria-hidden", "true");
  return made;
}

function button(text, quiet, work) {
  const made = make(quiet ? "button.quiet" : "button", text);
  made.type = "button";
  made.onclick = () => work(made);
  return made;
}

// Time -------------------------------------------------------------------------------------------

function span_text(ms) {
  const seconds = Math.round(Math.abs(ms) / 1000);
  if (seconds < 90) return `${seconds} s`;
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} min`;
  if (seconds < 36 * 3600) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86400)} days`;
}

const ago = (time) => !time ? "never"
  : Date.now() - time < 2000 ? "just now" : `${span_text(Date.now() - time)} ago`;
const until = (time) => !time ? "–" : time <= Date.now() ? "now" : `in ${span_text(time - Date.now())}`;
const left = (time) => !time ? "does not end" : time <= Date.now() ? "ended" : `ends in ${span_text(time - Date.now())}`;
const time_of = (text) => text ? Date.parse(text) : undefined;

// Asking the node --------------------------------------------------------------------------------

const user = () => $("user").value.trim();
const token = () => $("token").value.trim();

class Refusal extends Error {
  constructor(status, problem, retry_after) {
    super(problem.detail || problem.title || `answer ${status}`);
    this.status = status;
    this.retry_after = retry_after;
  }
}

async function ask(path, options = {}) {
  const headers = { Accept: "application/json" };
  if (token()) headers.Authorization = `Bearer ${token()}`;
  const joint = path.includes("?") ? "&" : "?";
  const answer = await fetch(`${path}${joint}userId=${encodeURIComponent(user())}`, { headers, ...options });
  const body = answer.status === 204 ? {} : await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refusal(answer.status, body, Number(answer.headers.get("Retry-After")) || 0);
  return body;
}

function notice(text, bad) {
  $("notice").hidden = !text;
  $("notice").className = bad ? "bad" : "";
  $("notice").replaceChildren(make("span", text));
}

/** Runs what a button does; it cannot be pressed twice meanwhile. */
async function act(pressed, work) {
  pressed.disabled = true;
  try {
    notice("");
    await work();
  } catch (failure) {
    notice(failure instanceof Refusal ? failure.message : "The node does not answer.", true);
  } finally {
    pressed.disabled = false;
  }
  refresh_within(500);
}

function connect_platform(pressed, platform) {
  act(pressed, async () => {
    const back = encodeURIComponent(`/?user=${encodeURIComponent(user())}`);
    const start = await ask(`/api/oauth/${platform}/authorize?redirect=${back}`);
    location.href = start.url;
  });
}

function sync(pressed, platform) {
  act(pressed, () => ask(`/api/connections/${platform ? `${platform}/` : ""}sync`, { method: "POST" }));
}

/** Asked twice: the first press only says what the second one does. */
function disconnect(pressed, platform) {
  if (!pressed.classList.contains("sure")) {
    pressed.classList.add("sure");
    write(pressed, "Really?");
    setTimeout(() => {
      pressed.classList.remove("sure");
      write(pressed, "Disconnect");
    }, 4000);
    return;
  }
  act(pressed, () => ask(`/api/connections/${platform}`, { method: "DELETE" }));
}

// Refreshing: sparing, because the API counts requests; events bring most of it ----------------------

const usual_gap = 30_000;
let refresh_timer;
let refresh_due = Infinity;
let not_before = 0;
let whose = 0;  // Answers for an earlier user come too late.

function refresh_within(ms) {
  const due = Math.max(Date.now() + ms, not_before);
  if (due >= refresh_due) return;
  clearTimeout(refresh_timer);
  refresh_due = due;
  refresh_timer = setTimeout(refresh, due - Date.now());
}

async function refresh() {
  refresh_due = Infinity;
  if (!user() && !token()) return;
  const asked_for = whose;
  try {
    const all = await ask("/api/connections");
    const doctor = await ask("/api/monitoring/status");
    if (asked_for !== whose) return;
    platforms = all.platforms;
    connections = new Map(all.connections.map((one) => [one.platform, one]));
    reports = new Map(doctor.connections.map((one) => [one.platform, one]));
    $("token-field").hidden = !token();
    show();
  } catch (failure) {
    if (asked_for !== whose) return;
    if (failure.status === 401 || failure.status === 403) {
      $("token-field").hidden = false;
      notice(token() ? failure.message : "This node wants a token: `lapwing token --user NAME` makes one.", true);
    } else if (failure.status === 503) {
      platforms = [];
      nothing("This node connects no platforms: it needs an encryption key and a platform's client.");
    }
    not_before = Date.now() + Math.max(failure.retry_after ?? 0, 5) * 1000;
  }
  refresh_within(document.hidden ? 3 * usual_gap : usual_gap);
}

// Cards ------------------------------------------------------------------------------------------

function nothing(text) {
  $("nothing").hidden = !text;
  write($("nothing"), text);
}

/** What both sources say of a platform, as one. */
function view_of(name) {
  const connection = connections.get(name);
  const report = reports.get(name);
  const known = platforms.find((one) => one.name === name);
  const state = connection && connection.status !== "disconnected"
    ? (report?.state && report.state !== "idle" ? report.state : connection.status)
    : connection?.status ?? (report ? report.state : "none");
  return {
    name, state, report,
    title: known?.title ?? report?.title ?? name,
    connectable: known?.connectable ?? false,
    connected: connection !== undefined && connection.status !== "disconnected",
    account: connection?.account || report?.account || "",
    method: report?.method ?? "polling",
    cause: report?.cause || connection?.cause || "",
    message: report?.message || connection?.message || "",
    remedy: report?.remedy || "",
    last_sync: time_of(report?.lastSync ?? connection?.lastSync),
    next_poll: time_of(report?.nextPoll),
    last_webhook: time_of(report?.lastWebhook),
    token_ends: time_of(report?.tokenExpiresAt ?? connection?.tokenExpiresAt),
    throttled: time_of(report?.throttledUntil),
  };
}

function new_card(name) {
  const facts = {};
  const list = make("dl.facts");
  for (const [key, label] of [["method", "By"], ["sync", "Last sync"], ["next", "Next poll"],
    ["webhook", "Last webhook"], ["token", "Token"]]) {
    facts[key] = make("dd");
    list.append(make("div", make("dt", label), facts[key]));
  }
  const card = {
    name, facts, list, title: make("b"), account: make("small"), pill: make("span"),
    connect: button("Connect", false, (pressed) => connect_platform(pressed, name)),
    sync: button("Sync now", true, (pressed) => sync(pressed, name)),
    disconnect: button("Disconnect", true, (pressed) => disconnect(pressed, name)),
    trouble: make("div.trouble"), doctor: make("div.doctor"),
    more: button("Details", true, () => open_doctor(card, card.doctor.hidden)),
  };
  card.more.className = "more";
  list.append(card.more);
  open_doctor(card, false);
  card.root = make("li.card",
    make("div.top", tile(name), make("div.who", card.title, card.account), card.pill,
      make("div.actions", card.connect, card.sync, card.disconnect)),
    card.trouble, list, card.doctor);
  card.root.onanimationend = () => card.root.classList.remove("touched");
  return card;
}

function open_doctor(card, open) {
  card.doctor.hidden = !open;
  card.more.setAttribute("aria-expanded", open);
  if (open) show_doctor(card);
}

function show_card(card) {
  const view = view_of(card.name);
  card.view = view;
  write(card.title, view.title);
  write(card.account, view.account || (view.connected ? "" : view.connectable ? "ready to connect"
    : "no client id on this node"));
  card.pill.className = `pill ${view.state}`;
  write(card.pill, states[view.state] ?? view.state);
  card.connect.hidden = !view.connectable || (view.connected && view.state !== "needs_reauth");
  write(card.connect, view.connected ? "Reconnect" : "Connect");
  card.sync.hidden = !view.connected || view.state === "needs_reauth";
  card.disconnect.hidden = !view.connected;
  const deliveries = view.report !== undefined && view.report.lastWebhook !== null;
  card.list.hidden = !view.connected && !deliveries;
  card.more.hidden = !view.report;
  if (!view.report) open_doctor(card, false);
  const unwell = view.connected && (view.cause || ["degraded", "needs_reauth"].includes(view.state));
  card.trouble.hidden = !unwell;
  if (unwell) {
    card.trouble.className = view.state === "needs_reauth" ? "trouble bad" : "trouble";
    const remedy = view.remedy || (view.state === "needs_reauth"
      ? "Connect again; all settings and what was read stay." : "");
    card.trouble.replaceChildren(
      make("p", view.message || "The platform does not do what it should. ",
        view.cause ? " " : null, view.cause ? make("code", view.cause) : null),
      ...(remedy ? [make("p", remedy)] : []));
  }
  if (!card.doctor.hidden) show_doctor(card);
  tick_card(card);
}

/** The parts that age by themselves. */
function tick_card({ view, facts }) {
  const webhook = view.method === "webhook";
  write(facts.method, webhook ? "webhook" : "polling");
  write(facts.sync, ago(view.last_sync));
  write(facts.next, view.throttled > Date.now() ? `limited, ${until(view.throttled)}`
    : view.state === "needs_reauth" ? "–" : until(view.next_poll));
  write(facts.webhook, view.last_webhook ? ago(view.last_webhook) : "–");
  write(facts.token, view.renewed ? "renewed" : view.connected ? left(view.token_ends) : "–");
}

function table(heads, rows) {
  const cell = (kind) => (text, index) =>
    make(heads[index].endsWith("#") ? `${kind}.number` : kind, text);
  return make("div.scroll", make("table",
    make("thead", make("tr", ...heads.map((head, index) => cell("th")(head.replace("#", ""), index)))),
    make("tbody", ...rows.map((row) => make("tr", ...row.map(cell("td")))))));
}

function show_doctor(card) {
  const report = card.view.report;
  const parts = [];
  if (report?.endpoints?.length) {
    parts.push(table(["What is read", "Last", "Next", "Failures in a row#"], report.endpoints.map((one) =>
      [one.id, ago(time_of(one.lastPoll)), until(time_of(one.nextPoll)), String(one.failures)])));
  }
  if (report?.registrations?.length) {
    parts.push(table(["Webhook for", "State", "Last delivery", "Renewal"], report.registrations.map((one) =>
      [one.resource || "everything", one.cause ? `${one.status}: ${one.cause}` : one.status,
        ago(time_of(one.lastDelivery)), until(time_of(one.nextRenewal))])));
  }
  if (report) {
    const grant = time_of(report.grantExpiresAt);
    parts.push(make("p.books", [`${report.deliveries} deliveries`, `${report.duplicates} repeated`,
      `${report.failed} failed`, grant ? `consent ${left(grant)}` : "",
      report.lastError ? `last error: ${report.lastError}` : ""].filter(Boolean).join(" · ")));
  }
  card.doctor.replaceChildren(...parts);
}

function show() {
  const names = [...new Set([...platforms.map((one) => one.name), ...connections.keys(), ...reports.keys()])];
  const usable = names.filter((name) => {
    const view = view_of(name);
    return view.connected || view.connectable || view.report;
  });
  for (const name of usable) if (!cards.has(name)) cards.set(name, new_card(name));
  for (const [name, card] of cards) {
    if (usable.includes(name)) continue;
    card.root.remove();
    cards.delete(name);
  }
  for (const card of cards.values()) show_card(card);
  const order = [...cards.values()].sort((a, b) =>
    (rank[a.view.state] ?? 3) - (rank[b.view.state] ?? 3) || a.view.title.localeCompare(b.view.title));
  order.forEach((card, index) => {
    if ($("cards").children[index] !== card.root) $("cards").insertBefore(card.root, $("cards").children[index]);
  });
  const count = (state) => order.filter(({ view }) => view.connected && view.state === state).length;
  const words = [[count("connected"), "well"], [count("degraded"), "having trouble"],
    [count("needs_reauth"), "waiting for you"]];
  write($("summary"), words.filter(([number]) => number > 0).map(([number, word]) => `${number} ${word}`).join(" · "));
  $("sync-all").hidden = !order.some(({ view }) => view.connected);
  nothing(order.length ? "" : "No platform is set up on this node. Give it a client, for example "
    + "SPOTIFY_CLIENT_ID and SPOTIFY_CLIENT_SECRET, or try scripts/run --demo.");
}

// Events -----------------------------------------------------------------------------------------

const events_kept = 200;
let event_total = 0;

function row_of(event) {
  const when = make("time", new Date(event.timestamp ?? Date.now()).toLocaleTimeString([], { hour12: false }));
  const news = event.count ? ` (+${event.count})` : "";
  const text = (event.message || JSON.stringify(event.data ?? {})) + (event.message && !/\d/.test(event.message) ? news : "");
  const kind = make("span.kind", event.type.replaceAll("_", " "));
  if (/^\w+$/.test(event.type)) kind.classList.add(event.type);
  const row = make("details", make("summary", when, tile(event.platform ?? ""), make("span.text", text), kind));
  row.ontoggle = () => {
    if (row.open && row.childElementCount === 1) row.append(make("pre", JSON.stringify(event, null, 2)));
  };
  return make("li.fresh", row);
}

function add_event(event) {
  const list = $("events");
  list.prepend(row_of(event));
  while (list.childElementCount > events_kept) list.lastChild.remove();
  $("quiet").hidden = $("clear").hidden = true;
  $("clear").hidden = false;
  write($("event-count"), `${++event_total} ${event_total === 1 ? "event" : "events"}`);
}

/** What an event says of its connection, until the node is asked again. */
function apply(event) {
  const card = cards.get(event.platform);
  if (card?.view) {
    const { view } = card;
    if (event.type === "platform_sync") {
      if (view.next_poll && view.last_sync && view.next_poll > view.last_sync)
        view.next_poll = Date.now() + Math.min(view.next_poll - view.last_sync, 86_400_000);
      view.last_sync = Date.now();
    } else if (event.type === "webhook_received") {
      view.last_webhook = Date.now();
    } else if (event.type === "token_refresh") {
      view.renewed = true;
    }
    tick_card(card);
    card.root.classList.remove("touched");
    void card.root.offsetWidth;  // So that the animation begins anew.
    card.root.classList.add("touched");
  }
  if (event.type === "connection_status") refresh_within(800);
  else if (event.platform && !card) refresh_within(3000);
}

let stream;
let last_id = "";
let attempt = 0;
let retry_timer;
let retry_at = 0;

function stream_state(text, kind) {
  write($("stream").lastChild, text);
  $("stream").className = kind;
}

/** WebSocket here, because it shows events of every type without knowing their names. */
function open_stream() {
  clearTimeout(retry_timer);
  retry_at = 0;
  if (stream) {
    stream.onclose = stream.onmessage = null;
    stream.close();
  }
  stream_state("connecting", "waiting");
  stream = new WebSocket(`${here.replace("http", "ws")}/ws`);
  stream.onopen = () => {
    const auth = { type: "auth", userId: user() };
    if (token()) auth.token = token();
    if (last_id) auth.lastEventId = last_id;
    stream.send(JSON.stringify(auth));
  };
  stream.onmessage = ({ data }) => {
    const event = JSON.parse(data);
    if (event.id) last_id = event.id;
    if (event.type === "connected") {
      attempt = 0;
      if (event.lastEventId) last_id = event.lastEventId;
      stream_state("live", "open");
      refresh_within(0);
    } else if (event.type !== "heartbeat") {
      add_event(event);
      apply(event);
    }
  };
  stream.onclose = ({ code, reason }) => {
    // 4000 and above: trying again with the same words would fail again.
    if (code >= 4000 && code !== 4408 && code !== 4429)
      return stream_state(`closed: ${reason || code}`, "closed");
    const wait = Math.min(30_000, 1000 * 2 ** Math.min(attempt++, 5)) * (0.75 + Math.random() / 2);
    retry_at = Date.now() + wait;
    retry_timer = setTimeout(open_stream, wait);
    tick();
  };
}

function tick() {
  if (retry_at) stream_state(`reconnecting in ${Math.max(1, Math.round((retry_at - Date.now()) / 1000))} s`, "waiting");
  for (const card of cards.values()) {
    tick_card(card);
    if (!card.doctor.hidden) show_doctor(card);
  }
}

// The page ---------------------------------------------------------------------------------------

function examples() {
  const name = encodeURIComponent(user());
  write($("watch"), `# Watch a user's events; after a cut, resume with the last id you saw.\ncurl -N '${here}/api/sse/stream?userId=${name}'`);
  write($("send"), `# Send one.\ncurl '${here}/api/sse/send' -H 'Content-Type: application/json' \\\n  -d '${JSON.stringify({ userId: user(), event: { type: "note", message: "hello" } })}'`);
  write($("script"), `// Or over WebSocket.\nconst socket = new WebSocket("${here.replace("http", "ws")}/ws");\nsocket.onopen = () => socket.send(JSON.stringify({type: "auth", userId: ${JSON.stringify(user())}}));\nsocket.onmessage = ({data}) => console.log(JSON.parse(data));`);
}

function begin() {
  ++whose;
  last_id = "";
  attempt = event_total = not_before = 0;
  connections = new Map();
  reports = new Map();
  cards.clear();
  $("cards").replaceChildren();
  clear_events();
  document.title = user() ? `Lapwing · ${user()}` : "Lapwing";
  history.replaceState(null, "", user() ? `/?user=${encodeURIComponent(user())}` : "/");
  examples();
  open_stream();
  refresh_within(0);
}

function clear_events() {
  $("events").replaceChildren();
  $("quiet").hidden = false;
  $("clear").hidden = true;
  event_total = 0;
  write($("event-count"), "");
}

const given = new URLSearchParams(location.search);
$("user").value = given.get("user") ?? "ann";
if (given.has("connected")) notice(`${given.get("connected")} is connected. What it has is being read.`);
if (given.has("connect_error")) {
  notice(`${given.get("platform") ?? "The platform"} was not connected: ${given.get("connect_error")}.`, true);
}
$("identity").onsubmit = (event) => {
  event.preventDefault();
  notice("");
  begin();
};
$("user").oninput = examples;
$("sync-all").onclick = () => sync($("sync-all"));
$("clear").onclick = clear_events;
document.onvisibilitychange = () => {
  if (!document.hidden) refresh_within(0);
};
setInterval(tick, 1000);
begin();
