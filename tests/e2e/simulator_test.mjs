// `lapwing sim` by itself: what docs/simulator.md says is so, the page for consent, and Web Push with
// a sender that shares no code with it.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import {
  createCipheriv, createECDH, createHmac, generateKeyPairSync, randomBytes, sign,
} from "node:crypto";
import { readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { request } from "./support/http.mjs";
import { binary, command, temporary_folder } from "./support/node.mjs";
import { Simulator, connected_node } from "./support/simulator.mjs";
import { eventually, within } from "./support/waiting.mjs";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const guide = readFileSync(join(root, "docs/simulator.md"), "utf8");
/** The documented examples, one for each fenced block. */
const examples = [...guide.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, text]) => text);

async function run_shell(text, cwd) {
  const child = spawn("bash", ["-euo", "pipefail", "-c", text], { cwd, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  child.stdout.on("data", (data) => (output += data));
  child.stderr.on("data", (data) => (output += data));
  const code = await within(new Promise((done) => child.on("close", done)), `the end of ${text}`);
  return { code, output };
}

test("every documented order does what it says", async (t) => {
  const { node, simulator } = await connected_node(t, {
    dev: true, args: ["--user", "ann", "--user", "ben", "--rate", "60"], env: { WEBHOOK_SECRET: "secret" },
  });
  const folder = temporary_folder(t);
  const asked = examples.filter((text) => text.includes("curl"));
  assert.ok(asked.length >= 4);
  for (const example of asked) {
    const text = example.replaceAll("http://127.0.0.1:9100", simulator.url)
      .replaceAll("http://127.0.0.1:3001", node.url)
      .replaceAll(/^lapwing .*$/gm, "")
      // The callback is a name only: the node's own address stands for it.
      .replace('"$back"', '"${back/http:\\/\\/127.0.0.1:1/$node}"');
    const { code, output } = await run_shell(`sim=${simulator.url}\n${text}`, folder);
    assert.equal(code, 0, `${example}\n${output}`);
    assert.doesNotMatch(output, /"error"/, example);
    if (example.includes("callback") || example.includes("$back")) assert.match(output, /connected=spotify/);
  }
  const { connections } = (await node.request("/api/connections?userId=ann")).json;
  assert.equal(connections.length, 1);
  assert.equal((await simulator.get("/_push")).subscriptions.length, 1);
  await eventually(async () => (await simulator.get("/_mails")).accepted === 1, "the mail of the guide");
});

test("every documented start of the simulator starts it", async (t) => {
  const lines = examples.join("\n").match(/^lapwing sim .*$/gm);
  assert.ok(lines.length >= 2);
  for (const line of lines) {
    await Simulator.start(t, line.replace("lapwing sim ", "").split(" "));
  }
});

test("the guide knows every option, fault and order, and no others", async (t) => {
  const help = (await command(["sim", "--help"])).stdout;
  const known = [...new Set([...help.matchAll(/^ +(?:-h,)?(--[a-z-]+)/gm)].map(([, name]) => name))].filter((name) => name !== "--help").sort();
  const told = [...new Set([...guide.matchAll(/^\| `(--[a-z-]+)/gm)].map(([, name]) => name))].sort();
  assert.deepEqual(told, known);

  const refused = await command(["sim", "--listen", "127.0.0.1:0", "--fault", "bad_luck"]);
  assert.equal(refused.code, 2);
  const kinds = refused.stderr.replace(/^.*one of: /s, "").trim().split(", ").sort();
  const section = guide.slice(guide.indexOf("\n## Faults"), guide.indexOf("\n## Recipes"));
  const tables = section.split("\n\n").filter((part) => part.startsWith("| "));
  const first_column = (table) => [...table.matchAll(/^\| ((?:`\w+`(?:, )?)+) \|/gm)].flatMap(([, names]) => names.replaceAll("`", "").split(", "));
  assert.deepEqual(first_column(tables[0]).sort(), kinds);

  const simulator = await Simulator.start(t);
  for (const member of first_column(tables[1])) {
    const value = { platform: "github", user: "ann", endpoint: "token" }[member] ?? 1;
    await simulator.order({ do: "fault", kind: "latency", [member]: value });
  }
  await simulator.order({ do: "clear_faults" });
  // An order that nobody knows is told apart from one that lacks something.
  const orders = first_column(guide.slice(guide.indexOf("\n## The control API"), guide.indexOf("\n## Faults")).split("\n\n").filter((part) => part.startsWith("| `do`"))[0]).filter((name) => name !== "do");
  assert.ok(orders.length > 15, orders.join());
  for (const order of orders) {
    const answer = await request(`${simulator.url}/_control`, { method: "POST", body: { do: order, platform: "github", user: "ann" } });
    assert.doesNotMatch(answer.text, /none of the documented actions/, order);
  }
});

test("bad use is refused with a word of help", async () => {
  for (const args of [["--listen", "0.0.0.0:0"], ["--history", "long"], ["--token-life", "-1s"], ["--rate", "-1"],
    ["--users", "2", "--user", "ann"], ["--fault", "drop,color=red"]]) {
    const refused = await command(["sim", "--listen", "127.0.0.1:0", ...args]);
    assert.equal(refused.code, 2, `${args}: ${refused.stderr}`);
    assert.notEqual(refused.stderr, "");
  }
});

test("a browser chooses who it is; what an application says of itself is only text", async (t) => {
  const simulator = await Simulator.start(t, ["--user", "ann", "--user", "<b>ben</b>"]);
  const address = (more) => `${simulator.url}/accounts.spotify.com/authorize?client_id=sim-spotify-id&response_type=code`
    + `&redirect_uri=${encodeURIComponent("http://127.0.0.1:1/back")}&scope=user-read-recently-played&state=${more}`;
  const browser = { Accept: "text/html,application/xhtml+xml" };
  const page = await request(address("x%22%3E%3Cscript%3E"), { headers: browser });
  assert.equal(page.status, 200);
  assert.match(page.headers["content-type"], /^text\/html/);
  assert.match(page.headers["content-security-policy"], /default-src 'none'/);
  assert.doesNotMatch(page.text, /<script>|<b>ben/);
  assert.match(page.text, /Agree as ann/);
  const links = [...page.text.matchAll(/href="([^"]+)"/g)].map(([, link]) => new URL(link.replaceAll("&amp;", "&"), address("x")));
  assert.equal(links.length, 3);
  const agreed = await fetch(links[0], { redirect: "manual", headers: browser });
  assert.match(agreed.headers.get("location"), /^http:\/\/127\.0\.0\.1:1\/back\?code=\w+&state=x/);
  const denied = await fetch(links[2], { redirect: "manual", headers: browser });
  assert.match(denied.headers.get("location"), /error=access_denied/);
  // A program is not asked.
  const program = await fetch(address("y"), { redirect: "manual" });
  assert.match(program.headers.get("location"), /code=\w+&state=y/);
});

/** RFC 8291 with Node's own cryptography. */
function encrypted(text, keys) {
  const receiver = Buffer.from(keys.p256dh, "base64url");
  const sender = createECDH("prime256v1");
  sender.generateKeys();
  const salt = randomBytes(16);
  const hmac = (key, ...parts) => createHmac("sha256", key).update(Buffer.concat(parts.map((part) => Buffer.from(part)))).digest();
  const one = Buffer.from([1]);
  const shared = hmac(Buffer.from(keys.auth, "base64url"), sender.computeSecret(receiver));
  const input = hmac(shared, "WebPush: info\0", receiver, sender.getPublicKey(), one);
  const key = hmac(salt, input);
  const cipher = createCipheriv("aes-128-gcm", hmac(key, "Content-Encoding: aes128gcm\0", one).subarray(0, 16),
    hmac(key, "Content-Encoding: nonce\0", one).subarray(0, 12));
  const record = Buffer.concat([cipher.update(text), cipher.update(Buffer.from([2])), cipher.final(), cipher.getAuthTag()]);
  return Buffer.concat([salt, Buffer.from([0, 0, 16, 0, 65]), sender.getPublicKey(), record]);
}

/** RFC 8292: {public_key, authorization(audience)}. */
function application_server() {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const { x, y } = publicKey.export({ format: "jwk" });
  const public_key = Buffer.concat([Buffer.from([4]), Buffer.from(x, "base64url"), Buffer.from(y, "base64url")]).toString("base64url");
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  return {
    public_key,
    authorization(audience, expires_in_s = 3600) {
      const text = `${part({ typ: "JWT", alg: "ES256" })}.${part({
        aud: audience, exp: Math.floor(Date.now() / 1000) + expires_in_s, sub: "mailto:ops@example.com",
      })}`;
      const signature = sign("sha256", text, { key: privateKey, dsaEncoding: "ieee-p1363" }).toString("base64url");
      return `vapid t=${text}.${signature}, k=${public_key}`;
    },
  };
}

test("a push message that an application server signed and encrypted is read by the browser", async (t) => {
  const simulator = await Simulator.start(t);
  const server = application_server();
  const subscription = await simulator.order({ do: "push_subscribe", user: "ann", vapid_public_key: server.public_key });
  assert.ok(subscription.endpoint.startsWith(`${simulator.url}/push.example.net/wpush/`));
  const send = (body, authorization) => request(subscription.endpoint, {
    method: "POST", body,
    headers: { TTL: "60", Urgency: "high", "Content-Encoding": "aes128gcm", ...(authorization ? { Authorization: authorization } : {}) },
  });
  const text = JSON.stringify({ title: "GitHub", body: "push to octo/repo by alice — 3 commits ✓" });
  const origin = new URL(subscription.endpoint).origin;
  assert.equal((await send(encrypted(text, subscription.keys), server.authorization(origin))).status, 201);
  assert.equal((await send(encrypted(text, subscription.keys))).status, 401);
  assert.equal((await send(encrypted(text, subscription.keys), application_server().authorization(origin))).status, 403);
  assert.equal((await send(encrypted(text, subscription.keys), server.authorization("https://push.example.net"))).status, 403);
  assert.equal((await send(encrypted(text, subscription.keys), server.authorization(origin, 25 * 3600))).status, 403);
  const somebody = await simulator.order({ do: "push_subscribe", user: "ben" });
  assert.equal((await send(encrypted("for ben", somebody.keys), server.authorization(origin))).status, 201);
  const { subscriptions } = await simulator.get(`/_push?subscription=${subscription.id}`);
  assert.equal(subscriptions.length, 1);
  assert.deepEqual(subscriptions[0].messages.map((one) => one.text), [text, undefined]);
  assert.match(subscriptions[0].messages[1].problem, /does not decrypt/);
  await simulator.order({ do: "push_unsubscribe", subscription: subscription.id });
  assert.equal((await send(encrypted(text, subscription.keys), server.authorization(origin))).status, 410);
});
