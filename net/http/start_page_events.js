// The dashboard, third part: events as they come, what they change, and the stream they come by.

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
  if (event.type === "connection_status") {
    const known = { platform: event.platform, ...connections.get(event.platform) };
    connections.set(event.platform, { ...known, status: event.status, cause: event.reason, message: event.message });
    const report = reports.get(event.platform);
    if (report) {
      reports.set(event.platform, { ...report, state: event.status, cause: event.reason, message: event.message, remedy: "" });
    }
    show();
    refresh_within(800);
  }
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
  if (event.platform && !card) refresh_within(3000);
}

let stream;
let last_id = "";
let attempt = 0;
let retry_timer;
let retry_at = 0;

function stream_state(text, kind) {
  write($("stream").lastChild, text);
  $("stream").className = kind;
  // What is on the page is what was known last.
  document.body.classList.toggle("away", kind !== "open");
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
