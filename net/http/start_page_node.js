"use strict";
// The dashboard, first part: elements, times, questions to the node. The parts of start_page*.js
// become one script. Text from outside only ever becomes text nodes.

const $ = (id) => document.getElementById(id);
const here = location.origin;

const hues = { github: 220, gmail: 8, slack: 300, spotify: 145, youtube: 0, discord: 235,
  calendar: 212, linkedin: 200 };
const marks = { github: "GH", gmail: "Gm", slack: "Sl", spotify: "Sp", youtube: "YT",
  discord: "Di", calendar: "Ca", linkedin: "in" };

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

const own = (table, name) => Object.hasOwn(table, name) ? table[name] : undefined;

function hue_of(platform) {
  let hash = 0;
  for (const letter of platform) hash = (hash * 31 + letter.charCodeAt(0)) % 360;
  return own(hues, platform) ?? hash;
}

function tile(platform) {
  const made = make("span.tile", own(marks, platform) ?? (platform || "·").slice(0, 2));
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

// Time --------------------------------------------------------------------------------------------

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
const left = (time) => !time ? "never" : time <= Date.now() ? "it has" : `in ${span_text(time - Date.now())}`;
const time_of = (text) => text ? Date.parse(text) : undefined;

// Asking the node ---------------------------------------------------------------------------------

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
