// Starts, stops, kills and restarts a real node for one test: own temporary data, port 0.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { new_agent, request } from "./http.mjs";
import {
  admin_token, github_headers, github_secret, jwt_secret, push_body, service_token, slack_secret,
  supabase_secret, user_token,
} from "./sign.mjs";
import { database_of } from "./postgres.mjs";
import { Watched, afterwards, eventually, within } from "./waiting.mjs";

export const root = resolve(dirname(fileURLToPath(import.meta.url)), "../../..");
export const binary = process.env.LAPWING_BINARY ?? join(root, "build/release/lapwing");

/** A port that was free a moment ago, for what must know its address before it starts. */
export async function free_port() {
  const server = createServer();
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}

/** A folder that goes away with the test. */
export function temporary_folder(t) {
  const folder = mkdtempSync(join(tmpdir(), "lapwing-e2e-"));
  afterwards(t, () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const inherited = Object.fromEntries(
  ["PATH", "HOME", "TMPDIR", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS"]
    .filter((name) => process.env[name] !== undefined)
    .map((name) => [name, process.env[name]]),
);

/** Runs `lapwing ARGS...` to its end. */
export async function command(args, { env = {}, cwd } = {}) {
  const child = spawn(binary, args, { env: { ...inherited, ...env }, cwd, stdio: ["ignore", "pipe", "pipe"] });
  const output = { stdout: "", stderr: "" };
  child.stdout.on("data", (data) => (output.stdout += data));
  child.stderr.on("data", (data) => (output.stderr += data));
  const code = await within(new Promise((done, reject) => {
    child.on("close", done);
    child.on("error", reject);
  }), `lapwing ${args[0]} to end`).finally(() => child.kill("SIGKILL"));
  return { code, ...output };
}

export class Node extends Watched {
  stderr = "";
  stdout = "";
  exit = undefined;
  agent = new_agent();

  /** Where it answers, for example http://127.0.0.1:40123. */
  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Starts the process and resolves when it serves. The port stays the same over restarts. */
  async start() {
    const listen = this.options.listen ?? `127.0.0.1:${this.port ?? 0}`;
    const args = ["node", "--listen", listen, "--data", this.data];
    if (this.options.config) args.push("--config", this.config_file);
    if (this.options.dev) args.push("--dev");
    this.exit = undefined;
    const child = spawn(binary, args, { env: this.env, stdio: ["ignore", "pipe", "pipe"] });
    this.child = child;
    this.stdout = "";
    child.stdout.on("data", (data) => {
      this.stdout += data;
      this.changed();
    });
    child.stderr.on("data", (data) => {
      this.stderr += data;
      this.changed();
    });
    child.on("error", (failure) => (this.stderr += failure.message));
    child.on("close", (code, signal) => {
      if (this.child !== child) return;
      this.exit = { code, signal };
      this.changed();
    });
    const ready = await this.until(
      () => {
        if (this.exit) throw new Error(`the node ended (${JSON.stringify(this.exit)}): ${this.stderr.slice(-2000)}`);
        return /^ready (https?:\/\/\S+:(\d+))$/m.exec(this.stdout);
      },
      () => `"ready"; standard error: ${this.stderr.slice(-2000)}`,
    );
    this.port = Number(ready[2]);
    return this;
  }

  signal(name) {
    this.child.kill(name);
  }

  until_exit() {
    return this.until(() => this.exit, () => `the node to end; ${this.stderr.slice(-2000)}`);
  }

  /** SIGTERM: drains; resolves with {code, signal}. */
  async stop() {
    if (!this.exit) this.signal("SIGTERM");
    return this.until_exit();
  }

  /** SIGKILL: as if the power went. */
  async kill() {
    this.signal("SIGKILL");
    await this.until_exit();
    this.fresh_agent();
  }

  /** Forgets kept connections: a request on one that the node is just closing would fail. */
  fresh_agent() {
    this.agent.destroy();
    this.agent = new_agent();
  }

  /** What no run may show, whatever it tests. */
  check_stderr() {
    const bad = /(AddressSanitizer|LeakSanitizer|ThreadSanitizer|runtime error:|terminate called|Assertion).*/.exec(this.stderr);
    assert.equal(bad?.[0], undefined, this.stderr.slice(-6000));
  }

  request(path, options = {}) {
    return request(this.url + path, { agent: this.agent, ...options });
  }

  /** As a backend with the service role. */
  service(path, options = {}) {
    return this.request(path, { token: service_token(), ...options });
  }

  admin(path, options = {}) {
    return this.request(path, { token: admin_token(), ...options });
  }

  /** As this user. */
  as(user, path, options = {}) {
    return this.request(path, { token: user_token(user), ...options });
  }

  async add_user(user, accounts) {
    const answer = await this.service(`/api/users/${user}`, {
      method: "PUT", ...(accounts ? { body: { accounts } } : {}),
    });
    assert.equal(answer.status, 204, answer.text);
  }

  /** Posts a signed GitHub delivery. */
  github(user, body, options = {}) {
    return this.request(`/api/webhooks/github/${user}`, {
      method: "POST", body, headers: github_headers(body, options),
    });
  }

  push(user, number, delivery, options = {}) {
    return this.github(user, push_body(number, options), { delivery });
  }

  /** The whole stored log of a user, oldest first. */
  async history(user) {
    const events = [];
    let after = "";
    while (true) {
      const page = await this.as(user, `/api/events?limit=1000${after && `&after=${encodeURIComponent(after)}`}`);
      assert.equal(page.status, 200, page.text);
      events.push(...page.json.events);
      if (page.json.next === null) return events;
      after = page.json.next;
    }
  }

  async is_alive() {
    assert.equal(this.exit, undefined, `the node ended: ${this.stderr.slice(-2000)}`);
    const answer = await this.request("/livez");
    assert.equal(answer.status, 200);
  }

  /** Waits for a counter of the engine to reach a value, for what has no event of its own. */
  connections(count) {
    return eventually(
      async () => (await this.request("/api/sse/health")).json.connections === count,
      `${count} SSE connections`,
    );
  }
}

/**
 * A running node that ends with the test. Options: dev (development identity), env (on top of the
 * usual secrets and no rate limits), config (TOML text), data (folder), listen (address:port),
 * start (false: not yet).
 */
export async function start_node(t, options = {}) {
  const node = new Node();
  node.options = options;
  node.data = options.data ?? join(temporary_folder(t), "data");
  node.env = {
    ...inherited,
    LAPWING_LOG__LEVEL: "info",
    LAPWING_NODE__DRAIN_TIMEOUT: "3s",
    LAPWING_LIMITS__API_REQUESTS: "0",
    LAPWING_LIMITS__WEBHOOK_REQUESTS: "0",
    LAPWING_AUTH__JWT_SECRET: jwt_secret,
    GITHUB_WEBHOOK_SECRET: github_secret,
    SLACK_SIGNING_SECRET: slack_secret,
    WEBHOOK_SECRET: supabase_secret,
    ...options.env,
  };
  // The same data folder is the same database.
  const database_url = await database_of(t, node.data);
  if (database_url) node.env.LAPWING_NODE__DATABASE_URL ??= database_url;
  if (options.config) {
    node.config_file = join(temporary_folder(t), "lapwing.toml");
    writeFileSync(node.config_file, options.config);
  }
  const kill_with_us = () => node.child?.kill("SIGKILL");
  process.on("exit", kill_with_us);
  afterwards(t, async () => {
    process.off("exit", kill_with_us);
    node.agent.destroy();
    if (node.child && !node.exit) await node.stop().catch(() => node.signal("SIGKILL"));
    node.check_stderr();
  });
  if (options.start !== false) await node.start();
  return node;
}

/** The position of an event in its user's log; the other parts of an id are none of a test's. */
export function position(id) {
  const found = /(?:^|,)u(\d+)/.exec(id ?? "");
  assert.ok(found, `an id with a user's position: ${id}`);
  return Number(found[1]);
}

/** Fails unless the answer is this problem document (RFC 9457) and says nothing it must not. */
export function assert_problem(answer, status, code) {
  assert.equal(answer.status, status, answer.text);
  assert.equal(answer.headers["content-type"], "application/problem+json", answer.text);
  assert.equal(answer.json.status, status);
  assert.equal(answer.json.code, code, answer.text);
  assert.equal(answer.json.type, "about:blank");
  assert.equal(typeof answer.json.title, "string");
  assert.equal(typeof answer.json.request_id, "string");
  for (const secret of [github_secret, slack_secret, supabase_secret, jwt_secret]) {
    assert.ok(!answer.text.includes(secret));
  }
}

/** Fails unless `positions` only grow. */
export function assert_ascending(positions, whose) {
  for (let index = 1; index < positions.length; ++index) {
    assert.ok(positions[index] > positions[index - 1],
      `${whose}: ${positions[index]} came after ${positions[index - 1]}`);
  }
}
