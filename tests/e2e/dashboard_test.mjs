// The page at `/`, in a real browser: connections live, what ails them and what helps, buttons, the
// stream of events, a node that goes away, a phone, and nothing from anywhere else.
import assert from "node:assert/strict";
import test from "node:test";
import { Page } from "./support/browser.mjs";
import { free_port, start_node } from "./support/node.mjs";
import { user_token } from "./support/sign.mjs";
import { connect, connected_node } from "./support/simulator.mjs";

/** A development node that knows its own address, so that a browser comes back from consent. */
async function dashboard(t, options = {}) {
  const port = await free_port();
  const { node, simulator } = await connected_node(t, {
    dev: true, listen: `127.0.0.1:${port}`, args: ["--user", "ann", "--user", "ben", "--rate", "1"],
    env: { API_URL: `http://127.0.0.1:${port}` },
  });
  const page = await Page.open(t, options);
  return { node, simulator, page, show: (user) => page.go(`${node.url}/?user=${user}`) };
}

/** Expressions about the card of a platform. */
const card = (title) => `[...document.querySelectorAll(".card")].find((one) => one.querySelector("b").textContent === "${title}")`;
const card_says = (title, text) => `${card(title)}?.innerText.includes(${JSON.stringify(text)})`;
const press = (title, label) => `(() => {
  const found = [...${card(title)}.querySelectorAll("button")].find((one) => one.textContent === "${label}" && one.offsetParent);
  found?.click();
  return found !== undefined;
})()`;
const event_says = (text) => `[...document.querySelectorAll("#events li")].some((one) => one.innerText.includes(${JSON.stringify(text)}))`;

function assert_clean(page, node) {
  const bad = page.complaints.filter((text) => /Content Security|Error|Refused|Uncaught/.test(text) && !/ERR_CONNECTION|status of (401|403|503)/.test(text));
  assert.deepEqual(bad, []);
  for (const url of page.requests) assert.ok(url.startsWith(node.url) || url.startsWith("data:"), url);
}

test("connections, their news and their troubles are seen as they happen", async (t) => {
  const { node, simulator, page, show } = await dashboard(t);
  assert.equal((await connect(node, "spotify", { user: "ann" })).status, 302);
  await show("ann");
  await page.until(card_says("Spotify", "Connected"), "the card of Spotify");
  await page.until(`document.querySelector("#stream").className === "open"`, "the live stream");
  assert.match(await page.value(`${card("Spotify")}.innerText`), /polling[\s\S]*just now|s ago[\s\S]*in \d+ min[\s\S]*ends in/);
  assert.ok(await page.value(card_says("Gmail", "Not connected")));

  await simulator.order({ do: "produce", platform: "spotify", user: "ann", count: 2 });
  await page.value(press("Spotify", "Sync now"));
  await page.until(event_says("new in recently_played"), "news of Spotify");

  await page.value(press("Spotify", "Details"));
  await page.until(card_says("Spotify", "recently_played"), "the doctor's table");

  await simulator.order({ do: "revoke", platform: "spotify", user: "ann" });
  await page.value(press("Spotify", "Sync now"));
  await page.until(card_says("Spotify", "Connect it again to go on; all settings are kept."), "the remedy");
  assert.equal(await page.value(`document.querySelector(".card b").textContent`), "Spotify", "what needs its person comes first");
  assert_clean(page, node);
});

test("a person connects, syncs and disconnects with the buttons", async (t) => {
  const { node, simulator, page, show } = await dashboard(t);
  await show("ann");
  await page.until(card_says("Gmail", "ready to connect"), "what can be connected");
  await page.value(press("Gmail", "Connect"));
  await page.until(`document.title === "Simulated consent"`, "the provider's page");
  await page.value(`[...document.querySelectorAll("a")].find((one) => one.textContent === "Agree as ann").click()`);
  await page.until(card_says("Gmail", "Connected"), "the way back");
  assert.match(await page.text("#notice"), /gmail is connected/);
  assert.equal(await page.value("location.search"), "?user=ann");
  await page.until(`document.querySelector("#stream").className === "open"`, "the live stream");
  await simulator.order({ do: "produce", platform: "gmail", user: "ann" });
  await page.value(`document.querySelector("#sync-all").click()`);
  await page.until(event_says("gmail data synced successfully"), "the sync");
  await page.value(press("Gmail", "Disconnect"));
  assert.ok(await page.value(card_says("Gmail", "Really?")), "it is asked twice");
  assert.ok(await page.value(card_says("Gmail", "Connected")));
  await page.value(press("Gmail", "Really?"));
  await page.until(card_says("Gmail", "Disconnected"), "the end of the connection");
  await page.value(press("Gmail", "Connect"));
  await page.until(`document.title === "Simulated consent"`, "the provider's page");
  await page.value(`[...document.querySelectorAll("a")].find((one) => one.textContent === "Refuse").click()`);
  await page.until(`document.querySelector("#notice.bad")?.innerText.includes("gmail was not connected")`, "the refusal");
});

test("a node that goes away is waited for, and nothing is missed", async (t) => {
  const { node, page, show } = await dashboard(t);
  await show("ann");
  await page.until(`document.querySelector("#stream").className === "open"`, "the live stream");
  await node.stop();
  node.fresh_agent();
  await page.until(`/reconnecting in \\d+ s/.test(document.querySelector("#stream").innerText)`, "the wait");
  await node.start();
  await page.until(`document.querySelector("#stream").className === "open"`, "the stream again");
  const body = { userId: "ann", event: { type: "note", message: "after the break" } };
  assert.equal((await node.service("/api/sse/send", { method: "POST", body })).status, 202);
  await page.until(event_says("after the break"), "the event");
  assert_clean(page, node);
});

test("text from outside is only text", async (t) => {
  const { node, page, show } = await dashboard(t);
  await show("ann");
  await page.until(`document.querySelector("#stream").className === "open"`, "the live stream");
  const evil = "<img src=x onerror=\"document.title='broken'\"><script>document.title='broken'</script>";
  const event = { type: "note", platform: evil.slice(0, 20), message: evil, data: { evil } };
  await node.service("/api/sse/send", { method: "POST", body: { userId: "ann", event } });
  await node.service("/api/sse/send", { method: "POST", body: { userId: "ann", event: { type: "note", message: evil, data: { evil } } } });
  await page.until(event_says("<img src=x"), "the event");
  await page.value(`document.querySelector("#events summary").click()`);
  await page.until(`document.querySelector("#events pre")`, "the whole event");
  assert.equal(await page.value("document.title"), "Lapwing · ann");
  assert.equal(await page.value(`document.querySelectorAll("#events img, #events script").length`), 0);
  assert_clean(page, node);
});

test("a phone and a dark room get a page that fits", async (t) => {
  const { node, page, show } = await dashboard(t, { width: 390, height: 844, dark: true });
  for (const platform of ["spotify", "gmail"]) await connect(node, platform, { user: "ann" });
  await show("ann");
  await page.until(card_says("Spotify", "Connected"), "the card");
  await page.value(press("Spotify", "Details"));
  await page.until(card_says("Spotify", "recently_played"), "the doctor's table");
  assert.ok(await page.value("document.documentElement.scrollWidth <= innerWidth"), "nothing sticks out");
  const [red, green, blue] = (await page.value("getComputedStyle(document.body).backgroundColor")).match(/\d+/g).map(Number);
  assert.ok(red + green + blue < 120, "dark");
  assert_clean(page, node);
});

test("outside development the page asks for a token and works with it", async (t) => {
  const node = await start_node(t, {});
  const page = await Page.open(t);
  await page.go(`${node.url}/?user=ann`);
  await page.until(`!document.querySelector("#token-field").hidden`, "the field for a token");
  await page.value(`document.querySelector("#token").value = "${user_token("ann")}"; document.querySelector("#identity").requestSubmit()`);
  await page.until(`document.querySelector("#stream").className === "open"`, "the live stream");
  await node.service("/api/sse/send", { method: "POST", body: { userId: "ann", event: { type: "note", message: "hello" } } });
  await page.until(event_says("hello"), "the event");
});
