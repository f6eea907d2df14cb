// Every example delivery that GitHub's community collected (npm @octokit/webhooks-examples: 58
// events, 329 payloads), signed, posted, stored and read back.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import test from "node:test";
import { SseStream } from "./support/sse.mjs";
import { github_headers, user_token } from "./support/sign.mjs";
import { start_node } from "./support/node.mjs";
import { in_parallel } from "./support/waiting.mjs";

const examples = createRequire(import.meta.url)("@octokit/webhooks-examples");

/** All of them, each with a delivery id that says where it is from. */
const deliveries = examples.flatMap(({ name, examples: payloads }) =>
  payloads.map((payload, index) => ({ event: name, payload, id: `octokit-${name}-${index}` })),
);
// A ping proves the registration; it is no event of the user (facts of GitHub's webhooks).
const expected = deliveries.filter(({ event }) => event !== "ping");

/** Posts all, and reads all back over SSE with their payloads. */
async function post_and_read(t, encode, type) {
  const node = await start_node(t);
  await node.add_user("octo");
  const stream = await SseStream.open(t, node, { token: user_token("octo"), query: { payload: "full" } });
  await in_parallel(deliveries, 8, async ({ event, payload, id }) => {
    const body = encode(payload);
    const answer = await node.github("octo", body, { event, delivery: id, type });
    assert.equal(answer.status, 200, `${id}: ${answer.text}`);
    if (event !== "ping") {
      assert.equal(answer.json.received, true);
      assert.equal(typeof answer.json.id, "string");
      assert.equal(answer.json.duplicate, undefined);
    }
  });
  const events = await stream.wait_for("webhook_received", expected.length);
  return { node, events, by_delivery: new Map(events.map((e) => [e.data.deliveryId, e])) };
}

test("the example set is the one this test was written for", () => {
  assert.equal(examples.length, 58);
  assert.equal(deliveries.length, 329);
});

test("every GitHub payload is stored and arrives whole over SSE", async (t) => {
  const { node, events, by_delivery } = await post_and_read(t, JSON.stringify, "application/json");
  assert.equal(events.length, expected.length);
  for (const { event, payload, id } of expected) {
    const got = by_delivery.get(id);
    assert.ok(got, `${id} arrived`);
    assert.equal(got.type, "webhook_received");
    assert.equal(got.userId, "octo");
    assert.equal(got.platform, "github");
    assert.equal(got.data.event, event);
    assert.equal(typeof got.message, "string");
    assert.ok(got.message.length > 0 && got.message.length < 400, `${id}: ${got.message}`);
    assert.ok(!/undefined|null|\[object/.test(got.message), `${id}: ${got.message}`);
    assert.equal(typeof got.data.summary, "object");
    assert.ok(!Number.isNaN(Date.parse(got.timestamp)));
    assert.deepEqual(got.data.payload, payload, id);
  }
  // The same over history, and one by one with the payload.
  const history = await node.history("octo");
  assert.deepEqual(
    history.map((e) => e.data.deliveryId).sort(),
    expected.map(({ id }) => id).sort(),
  );
  assert.ok(history.every((e) => e.data.payload === undefined));
  await in_parallel(history, 8, async (entry) => {
    const single = await node.as("octo", `/api/events/${entry.id}`);
    assert.equal(single.status, 200, single.text);
    assert.deepEqual(single.json.data.payload, by_delivery.get(entry.data.deliveryId).data.payload);
  });
});

test("form-encoded GitHub deliveries mean the same as JSON ones", async (t) => {
  const encode = (payload) => `payload=${encodeURIComponent(JSON.stringify(payload))}`;
  const { by_delivery } = await post_and_read(t, encode, "application/x-www-form-urlencoded");
  for (const { event, payload, id } of expected) {
    const got = by_delivery.get(id);
    assert.equal(got?.data.event, event);
    assert.deepEqual(got.data.payload, payload, id);
  }
});

test("push, issues, pull_request, release, star and fork are told in a readable sentence", async (t) => {
  const { by_delivery } = await post_and_read(t, JSON.stringify, "application/json");
  const facts = {
    push: (p) => [p.repository.full_name, p.ref.replace(/^refs\/(heads|tags)\//, "")],
    issues: (p) => [p.repository.full_name, `#${p.issue.number}`, p.action],
    pull_request: (p) => [p.repository.full_name, `#${p.pull_request.number}`],
    release: (p) => [p.repository.full_name, p.release.tag_name],
    star: (p) => [p.repository.full_name, p.sender.login],
    fork: (p) => [p.repository.full_name, p.forkee.full_name],
  };
  let looked_at = 0;
  for (const { event, payload, id } of expected) {
    for (const fact of facts[event]?.(payload) ?? []) {
      const { message, data } = by_delivery.get(id);
      const told = `${message} ${JSON.stringify(data.summary)}`;
      assert.ok(told.includes(fact), `${id}: "${told}" says ${fact}`);
      ++looked_at;
    }
  }
  assert.ok(looked_at > 150);
});

test("an event that GitHub has not invented yet is kept as it came", async (t) => {
  const node = await start_node(t);
  await node.add_user("octo");
  const body = JSON.stringify({ action: "unheard_of", nested: { deep: [1, "two", null, 3.5e10] } });
  const answer = await node.github("octo", body, { event: "brand_new_event", delivery: "n-1" });
  assert.equal(answer.status, 200, answer.text);
  const event = (await node.as("octo", `/api/events/${answer.json.id}`)).json;
  assert.equal(event.data.event, "brand_new_event");
  assert.equal(event.data.deliveryId, "n-1");
  assert.deepEqual(event.data.payload, JSON.parse(body));
});

test("a ping is answered and is no event", async (t) => {
  const node = await start_node(t);
  await node.add_user("octo");
  for (const { payload, id } of deliveries.filter(({ event }) => event === "ping")) {
    const answer = await node.github("octo", JSON.stringify(payload), { event: "ping", delivery: id });
    assert.equal(answer.status, 200, answer.text);
  }
  assert.deepEqual(await node.history("octo"), []);
});

test("the payload keeps every byte that means something", async (t) => {
  const node = await start_node(t);
  await node.add_user("octo");
  const body = '{ "text" : "line\\u2028separator \\ud83d\\ude00 \u{1F600} \\u0000 \\"quoted\\"",\n "big": 12345678901234567890,\r\n "e": 1.0e-7 }';
  const answer = await node.request("/api/webhooks/github/octo", {
    method: "POST", body, headers: github_headers(body, { event: "push", delivery: "bytes" }),
  });
  assert.equal(answer.status, 200, answer.text);
  const stored = await node.as("octo", `/api/events/${answer.json.id}`);
  // Numbers beyond what JavaScript holds come back digit by digit.
  assert.match(stored.text, /12345678901234567890/);
  assert.match(stored.text, /1\.0e-7/);
  assert.equal(stored.json.data.payload.text, JSON.parse(body).text);
});
