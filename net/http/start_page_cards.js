// The dashboard, second part: what is known of each connection, and its card.

const states = { connected: "Connected", degraded: "Having trouble", needs_reauth: "Connect again",
  disconnected: "Disconnected", idle: "No delivery yet", none: "Not connected" };
const rank = { needs_reauth: 0, degraded: 1, connected: 2, idle: 3, disconnected: 4, none: 5 };

let connections = new Map();  // What /api/connections says, by platform.
let reports = new Map();      // What the connection doctor says, by platform.
let platforms = [];
const cards = new Map();

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
    remedy: (report?.remedy ?? "").replace(/ *\/api\/\S+$/, ""),
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
    ["webhook", "Last webhook"], ["token", "Token ends"]]) {
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
    // Of a lost consent the button is the remedy.
    const remedy = view.state === "needs_reauth" && view.message ? "" : view.remedy;
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
  write(facts.token, view.renewed ? "just renewed" : view.connected && view.state !== "needs_reauth"
    ? left(view.token_ends) : "–");
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
      `${report.failed} failed`, grant ? `consent ends ${left(grant)}` : "",
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
