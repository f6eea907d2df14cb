// The dashboard, last part: asking again from time to time, and the page itself.

// Asking again: sparing, because the API counts requests; events bring most of it -----------------

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

// The page ----------------------------------------------------------------------------------------

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
