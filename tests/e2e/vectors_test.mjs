// Published signature examples (tests/golden), through the routes; the pure functions have them too.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { slack_headers, standard_headers } from "./support/sign.mjs";
import { RawWebSocket } from "./support/websocket.mjs";
import { assert_problem, start_node } from "./support/node.mjs";

const golden = (name) => JSON.parse(readFileSync(new URL(`../golden/${name}.json`, import.meta.url)));
const json = { "Content-Type": "application/json" };

async function node_of_u1(t, options) {
  const node = await start_node(t, options);
  await node.add_user("u1");
  node.deliver = (platform, body, headers) =>
    node.request(`/api/webhooks/${platform}/u1`, { method: "POST", body, headers });
  return node;
}

test("GitHub's published example signature holds", async (t) => {
  const { inputs, expected } = golden("github-signature");
  const node = await node_of_u1(t, { env: { GITHUB_WEBHOOK_SECRET: inputs.secret } });
  const send = (signature) => node.deliver("github", inputs.body_utf8, {
    ...json, "X-GitHub-Event": "push", "X-GitHub-Delivery": "v", "X-Hub-Signature-256": signature,
  });
  const signature = expected["X-Hub-Signature-256"];
  // The signature is right, so the answer is about the body, which is no JSON.
  assert_problem(await send(signature), 400, "malformed_json");
  assert_problem(await send(signature.replace(/7$/, "8")), 401, "signature_mismatch");
});

test("Slack's published example is refused for its age only", async (t) => {
  const { inputs, expected } = golden("slack-signature");
  const node = await node_of_u1(t, { env: { SLACK_SIGNING_SECRET: inputs.signing_secret } });
  const headers = slack_headers(inputs.body_utf8, {
    secret: inputs.signing_secret, timestamp: inputs["X-Slack-Request-Timestamp"], type: inputs.content_type,
  });
  // Our signer agrees with Slack's page, so what it signs elsewhere is signed as Slack does.
  assert.equal(headers["X-Slack-Signature"], expected["X-Slack-Signature"]);
  assert_problem(await node.deliver("slack", inputs.body_utf8, headers), 401, "stale_timestamp");
});

test("the Standard Webhooks example is refused for its age only and a fresh one is taken", async (t) => {
  const { inputs, expected, multi_signature_header } = golden("standard-webhooks");
  const node = await node_of_u1(t, {
    config: `[webhooks.custom.svc]\nscheme = "standard-webhooks"\nsecret = "${inputs.secret}"\n`,
  });
  const body = inputs.body_utf8;
  const published = standard_headers(body, {
    id: inputs["webhook-id"], secret: inputs.secret, timestamp: inputs["webhook-timestamp"],
  });
  assert.equal(published["webhook-signature"], expected["webhook-signature"]);
  assert_problem(await node.deliver("svc", body, published), 401, "stale_timestamp");
  const fresh = standard_headers(body, { secret: inputs.secret });
  assert.equal((await node.deliver("svc", body, fresh)).status, 200);
  // Senders list several signatures while they rotate keys; one good one is enough.
  const rotating = standard_headers(body, { secret: inputs.secret });
  rotating["webhook-signature"] = `v1a,AAAA ${multi_signature_header} ${rotating["webhook-signature"]}`;
  assert.equal((await node.deliver("svc", body, rotating)).status, 200);
  assert.equal((await node.history("u1")).length, 2);
});

test("Discord's signature is checked with the public key and its ping answered", async (t) => {
  const { self_made: vector } = golden("discord-ed25519");
  const node = await node_of_u1(t, {
    env: { LAPWING_WEBHOOKS__DISCORD__PUBLIC_KEY: vector.public_key_hex },
  });
  const headers = {
    ...json, "X-Signature-Timestamp": vector["X-Signature-Timestamp"],
    "X-Signature-Ed25519": vector["X-Signature-Ed25519"],
  };
  assert.equal((await node.deliver("discord", vector.body_utf8, headers)).status, vector.expected_status);
  assert_problem(await node.deliver("discord", `${vector.body_utf8} `, headers), 401, "signature_mismatch");
  assert_problem(await node.deliver("discord", vector.body_utf8, json), 401, "missing_signature");
});

test("LinkedIn's challenge is answered and its signature holds", async (t) => {
  const { inputs, expected } = golden("linkedin-webhook");
  const node = await node_of_u1(t, { env: { LINKEDIN_CLIENT_SECRET: inputs.client_secret } });
  const answer = await node.request(`/api/webhooks/linkedin/u1?challengeCode=${inputs.challengeCode}`);
  assert.equal(answer.status, 200, answer.text);
  assert.deepEqual(answer.json, {
    challengeCode: inputs.challengeCode, challengeResponse: expected.challengeResponse,
  });
  const taken = await node.deliver("linkedin", inputs.body_utf8, { ...json, "X-LI-Signature": expected["X-LI-Signature"] });
  assert.equal(taken.status, 200, taken.text);
  const refused = await node.deliver("linkedin", `${inputs.body_utf8} `, { ...json, "X-LI-Signature": expected["X-LI-Signature"] });
  assert_problem(refused, 401, "signature_mismatch");
});

test("the WebSocket handshake answers RFC 6455's example key", async (t) => {
  const node = await start_node(t, { dev: true });
  const raw = await RawWebSocket.open(t, node);
  assert.match(raw.head, /^HTTP\/1\.1 101 /);
  assert.match(raw.head, /sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=/i);
});
