// Webhooks that the node registers itself when a person connects: made at the provider, verified with
// that connection's own secret, told of, and ended when the person disconnects. Against `lapwing sim`.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import test from "node:test";
import { assert_problem, binary, free_port, start_node } from "./support/node.mjs";
import { github_headers, user_token } from "./support/sign.mjs";
import { SseStream } from "./support/sse.mjs";
import { afterwards, eventually } from "./support/waiting.mjs";

const platforms = ["github", "gmail", "calendar", "youtube"];

async function start_simulator(t) {
  const child = spawn(binary, ["sim", "--listen", "127.0.0.1:0", "--users", "1", "--rate", "0"],
    { stdio: ["ignore", "pipe", "inherit"] });
  afterwards(t, () => child.kill("SIGKILL"));
  let output = "";
  child.stdout.on("data", (data) => (output += data));
  const ready = await eventually(async () => /^ready (\S+)$/m.exec(output), "the simulator to serve");
  const url = ready[1];
  return {
    url,
    async control(what) {
      const answer = await fetch(`${url}/_control`, { method: "POST", body: JSON.stringify(what) });
      assert.equal(answer.status, 200, await answer.clone().text());
      return answer.json();
    },
    /** How many registrations the platform holds for the person. */
    async registrations(platform) {
      const { users } = await (await fetch(`${url}/_users`)).json();
      return users.find(({ name }) => name === "user-0")[platform].registrations;
    },
  };
}

async function reachable_node(t) {
  const simulator = await start_simulator(t);
  const listen = `127.0.0.1:${await free_port()}`;
  const env = {
    API_URL: `http://${listen}`,
    LAPWING_PLATFORMS__SIMULATOR: simulator.url,
    LAPWING_PLATFORMS__SCAN: "200ms",
    LAPWING_OUTBOUND__ALLOW_PRIVATE_ADDRESSES: "true",
    LAPWING_WEBHOOKS__GMAIL__JWKS_URL: `${simulator.url}/www.googleapis.com/oauth2/v3/certs`,
    LAPWING_WEBHOOKS__GMAIL__SERVICE_ACCOUNT: "push@lapwing-sim.iam.gserviceaccount.com",
    GOOGLE_PROJECT_ID: "lapwing-sim",
    ENCRYPTION_KEY: "0123456789abcdef".repeat(4),
  };
  for (const name of ["google", "github"]) {
    env[`${name.toUpperCase()}_CLIENT_ID`] = `sim-${name}-id`;
    env[`${name.toUpperCase()}_CLIENT_SECRET`] = `sim-${name}-secret`;
  }
  await simulator.control({ do: "configure", pubsub_push_url: `http://${listen}/api/webhooks/gmail` });
  return { node: await start_node(t, { env, listen }), simulator };
}

async function connect(node, platform, user = "user-0") {
  const start = await node.as(user, `/api/oauth/${platform}/authorize?redirect=/done`);
  const cookie = start.headers["set-cookie"][0].split(";")[0];
  const consent = await fetch(`${start.headers.location}&user=${user}&login_hint=${user}`, { redirect: "manual" });
  const back = new URL(consent.headers.get("location"));
  const end = await node.request(`${back.pathname}${back.search}`, { headers: { Cookie: cookie } });
  assert.equal(end.headers.location, `/done?connected=${platform}`, end.text);
}

async function registration_of(node, platform) {
  const { registrations } = (await node.as("user-0", "/api/webhooks/registrations/user-0")).json;
  return registrations.find((one) => one.platform === platform);
}

async function registered(node, platform) {
  await eventually(async () => (await registration_of(node, platform))?.status === "active",
    async () => `${platform} to be registered: ${JSON.stringify(await registration_of(node, platform))}`);
}

test("connecting registers webhooks, whose deliveries are told at once; disconnecting ends them", async (t) => {
  const { node, simulator } = await reachable_node(t);
  const stream = await SseStream.open(t, node, { token: user_token("user-0") });
  await stream.first("connected");
  const told = (type, platform) => stream.of(type).filter((event) => event.platform === platform);
  for (const platform of platforms) {
    await connect(node, platform);
    await registered(node, platform);
    // A hub knows that it was verified when it has our answer.
    await eventually(async () => (await simulator.registrations(platform)) > 0, `${platform} to know of it`);
    await stream.until(() => told("connection_status", platform).some(({ data }) => data.method === "webhook"),
      () => `${platform} to be watched by webhook; ${stream.summary()}`);
    await simulator.control({ do: "produce", platform, user: "user-0", count: platform === "youtube" ? 6 : 1 });
    await stream.until(() => told("webhook_received", platform).length > 0,
      () => `a delivery of ${platform}; ${stream.summary()}; ${node.stderr.slice(-1500)}`);
  }
  // Gmail and Calendar only say that something changed: it has been read.
  for (const platform of ["gmail", "calendar"]) {
    await stream.until(() => told("new_data", platform).length > 0, `the news of ${platform}`);
  }
  const doctor = (await node.as("user-0", "/api/monitoring/status")).json.connections;
  for (const platform of platforms) {
    const one = doctor.find((entry) => entry.platform === platform);
    assert.equal(one.method, "webhook", platform);
    assert.equal(one.healthy, true, JSON.stringify(one));
    assert.ok(one.lastWebhook, platform);
  }
  assert.ok((await registration_of(node, "gmail")).nextRenewal);
  assert.ok((await registration_of(node, "calendar")).expiresAt);
  for (const platform of platforms) {
    assert.equal((await node.as("user-0", `/api/connections/${platform}`, { method: "DELETE" })).status, 204);
  }
  for (const platform of platforms) {
    await eventually(async () => (await simulator.registrations(platform)) === 0, `${platform} to be ended there`);
  }
});

test("registered webhooks outlive kill -9 with their secrets, and strangers are refused", async (t) => {
  const { node, simulator } = await reachable_node(t);
  await connect(node, "github");
  await registered(node, "github");
  await node.kill();
  await node.start();
  const stream = await SseStream.open(t, node, { token: user_token("user-0") });
  await stream.first("connected");
  await simulator.control({ do: "produce", platform: "github", user: "user-0", count: 1 });
  await stream.until(() => stream.of("webhook_received").length > 0, () => `the delivery; ${stream.summary()}`);
  assert.equal((await registration_of(node, "github")).status, "active");
  const body = JSON.stringify({ zen: "x" });
  const headers = github_headers(body, { event: "ping", secret: "not-the-secret" });
  for (const user of ["user-0", "nobody"]) {
    assert_problem(await node.request(`/api/webhooks/github/${user}`, { method: "POST", headers, body }), 401,
      "signature_mismatch");
  }
});

test("a hub is answered for what was subscribed, and for nothing else", async (t) => {
  const { node } = await reachable_node(t);
  await connect(node, "youtube");
  await registered(node, "youtube");
  const ask = (user, topic, mode = "subscribe") =>
    node.request(`/api/webhooks/youtube/${user}?hub.mode=${mode}&hub.challenge=abc&hub.lease_seconds=432000`
      + `&hub.topic=${encodeURIComponent(topic)}`);
  const foreign = "https://www.youtube.com/xml/feeds/videos.xml?channel_id=UCsomebody";
  assert.equal((await ask("user-0", foreign)).status, 404);
  // What we want is not ended by whoever asks for it.
  const { registrations } = (await node.as("user-0", "/api/monitoring/status")).json.connections
    .find(({ platform }) => platform === "youtube");
  const topic = `https://www.youtube.com/xml/feeds/videos.xml?channel_id=${registrations[0].resource}`;
  assert.equal((await ask("user-0", topic, "unsubscribe")).status, 404);
  assert.equal((await registration_of(node, "youtube")).status, "active");
});
