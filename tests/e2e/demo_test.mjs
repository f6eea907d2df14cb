// `scripts/run --demo` as a person starts it: everything moves within seconds, and Ctrl-C ends all.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { request } from "./support/http.mjs";
import { binary, free_port, temporary_folder } from "./support/node.mjs";
import { Page } from "./support/browser.mjs";
import { remove_server } from "./support/postgres.mjs";
import { SseStream } from "./support/sse.mjs";
import { Watched, afterwards, eventually } from "./support/waiting.mjs";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");

class Demo extends Watched {
  output = "";
  exit = undefined;

  static async start(t, flags = [], env = {}) {
    const demo = new Demo();
    const port = await free_port();
    demo.data = join(temporary_folder(t), "demo");
    demo.child = spawn(join(root, "scripts/run"), ["--demo", ...flags], {
      detached: true, // A process group of its own, as a terminal would give it.
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        PATH: process.env.PATH, HOME: process.env.HOME, LAPWING_BINARY: binary,
        LAPWING_NODE__LISTEN: `127.0.0.1:${port}`, LAPWING_DEMO_SIMULATOR: "127.0.0.1:0", LAPWING_DEMO_DATA: demo.data, ...env,
      },
    });
    for (const stream of [demo.child.stdout, demo.child.stderr]) {
      stream.on("data", (data) => {
        demo.output += data;
        demo.changed();
      });
    }
    demo.child.on("close", (code, signal) => {
      demo.exit = { code, signal };
      demo.changed();
    });
    afterwards(t, () => demo.is_anybody_there() && process.kill(-demo.child.pid, "SIGKILL"));
    await demo.until(() => demo.exit || /Ctrl-C stops everything/.test(demo.output), () => `the demo: ${demo.output}`);
    assert.equal(demo.exit, undefined, demo.output);
    demo.port = port;
    demo.url = /dashboard +(http:\/\/[\d.:]+)\/\?user=ann/.exec(demo.output)[1];
    demo.simulator = /simulator +(http:\/\/[\d.:]+)\/_stats/.exec(demo.output)[1];
    return demo;
  }

  /** Any process of the group. */
  is_anybody_there() {
    try {
      process.kill(-this.child.pid, 0);
      return true;
    } catch {
      return false;
    }
  }
}

test("webhooks arrive, polls run, tokens rotate, a connection breaks and recovers; Ctrl-C ends everything", async (t) => {
  const demo = await Demo.start(t);
  const stream = await SseStream.open(t, demo, { user: "ann" });
  const status = (wanted) => stream.of("connection_status").find((event) => wanted(event));
  const broken = await stream.until(() => status((event) => event.status === "needs_reauth"),
    () => `a broken connection; ${stream.summary()} ${demo.output}`);
  assert.equal(broken.platform, "spotify");
  await stream.until(() => status((event) => event.status === "connected" && event.platform === "spotify"
    && Date.parse(event.timestamp) > Date.parse(broken.timestamp)), "its recovery");
  for (const type of ["webhook_received", "platform_sync", "token_refresh", "new_data"]) {
    await stream.until(() => stream.of(type).length, () => `${type}; ${stream.summary()}`);
  }
  for (const user of ["ann", "ben", "cleo"]) {
    const { connections } = (await request(`${demo.url}/api/connections?userId=${user}`)).json;
    assert.equal(connections.length, 8, user);
    for (const one of connections) assert.equal(one.status, "connected", `${user} ${one.platform} ${one.message}`);
  }
  assert.equal((await request(`${demo.url}/?user=ann`)).status, 200);
  const stats = (await request(`${demo.simulator}/_stats`)).json;
  assert.equal(stats.unknown_addresses, 0);
  const { mails } = (await request(`${demo.simulator}/_mails`)).json;
  assert.equal(mails[0]?.subject, 'Your submission "Demo 0" was approved');
  for (const [name, one] of Object.entries(stats.platforms)) assert.equal(one.failed, 0, `${name}: ${one.failed} deliveries failed`);
  assert.doesNotMatch(demo.output, /could not connect|error|critical/);

  process.kill(-demo.child.pid, "SIGINT");
  await demo.until(() => demo.exit, () => `the end; ${demo.output}`);
  assert.equal(demo.exit.code, 0, demo.output);
  // What the people were just asking may outlive them by a moment.
  await eventually(() => !demo.is_anybody_there(), "no process to be left");
  assert.doesNotMatch(demo.output, /critical/);
});

test("with PostgreSQL the monitoring page runs beside it, and ends with it", async (t) => {
  const port = await free_port();
  const postgres = join(temporary_folder(t), "postgres");
  afterwards(t, () => remove_server(postgres));
  const demo = await Demo.start(t, ["--postgres"], { LAPWING_DEMO_POSTGRES: postgres, LAPWING_DEMO_MONITORING_PORT: `${port}` });
  const page = await demo.until(() => /ann, ben +(http:\S+)\/\?user=ann/.exec(demo.output)?.[1], () => `the page; ${demo.output}`);
  const { token } = (await request(`${page}/login?user=ann`)).json;
  const moved = async () => (await request(`${page}/state`, { headers: { authorization: `Bearer ${token}` } })).json.agents.length;
  await eventually(async () => (await moved()) > 0, "something to move");
  const browser = await Page.open(t);
  await browser.go(`${page}/?user=ann`);
  await browser.until("document.getElementById('streams-status').dataset.status === 'connected'", "the page to be live");
  assert.deepEqual(browser.complaints, []);

  process.kill(-demo.child.pid, "SIGINT");
  await demo.until(() => demo.exit, () => `the end; ${demo.output}`);
  assert.equal(demo.exit.code, 0, demo.output);
  // What the people were just asking may outlive them by a moment.
  await eventually(() => !demo.is_anybody_there(), "no process to be left");
});

test("a folder that is not of a demo is left alone", async (t) => {
  const data = temporary_folder(t);
  const child = spawn(join(root, "scripts/run"), ["--demo"], {
    stdio: ["ignore", "ignore", "pipe"],
    env: { PATH: process.env.PATH, LAPWING_BINARY: binary, LAPWING_DEMO_DATA: data },
  });
  let said = "";
  child.stderr.on("data", (text) => (said += text));
  const code = await new Promise((done) => child.on("close", done));
  assert.equal(code, 1);
  assert.match(said, /is not of an earlier demo/);
  assert.ok(existsSync(data));
});
