// `lapwing sim` beside a node that asks it instead of the real platforms.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { binary, start_node } from "./node.mjs";
import { request } from "./http.mjs";
import { afterwards, eventually } from "./waiting.mjs";

export const slack_signing_secret = "sim-slack-signing-secret";

export class Simulator {
  /** Options: arguments of `lapwing sim` beyond the address. It ends with the test. */
  static async start(t, args = ["--users", "1", "--rate", "20"]) {
    const simulator = new Simulator();
    const child = spawn(binary, ["sim", "--listen", "127.0.0.1:0", ...args], { stdio: ["ignore", "pipe", "inherit"] });
    afterwards(t, () => child.kill("SIGKILL"));
    let output = "";
    child.stdout.on("data", (data) => (output += data));
    simulator.url = (await eventually(async () => /^ready (\S+)$/m.exec(output), "the simulator to serve"))[1];
    return simulator;
  }

  /** An order to the world; resolves with its answer. */
  async order(body) {
    const answer = await request(`${this.url}/_control`, { method: "POST", body });
    assert.equal(answer.status, 200, answer.text);
    return answer.json;
  }

  async get(path) {
    const answer = await request(this.url + path);
    assert.equal(answer.status, 200, answer.text);
    return answer.json;
  }
}

/** What a node needs to ask it. */
export function simulated_platforms(simulator) {
  const env = {
    LAPWING_PLATFORMS__SIMULATOR: simulator.url,
    LAPWING_PLATFORMS__SCAN: "200ms",
    LAPWING_OUTBOUND__ALLOW_PRIVATE_ADDRESSES: "true",
    ENCRYPTION_KEY: "0123456789abcdef".repeat(4),
    CRON_SECRET: "cron-secret-for-tests",
    SLACK_SIGNING_SECRET: slack_signing_secret,
    MAILGUN_API_KEY: "sim-mailgun-key",
    MAILGUN_DOMAIN: "mg.example.com",
    MAILGUN_BASE_URL: `${simulator.url}/api.mailgun.net`,
    API_URL: "http://127.0.0.1:1", // Only a name here: the test follows the path itself.
  };
  for (const name of ["spotify", "google", "github", "discord", "slack", "linkedin"]) {
    env[`${name.toUpperCase()}_CLIENT_ID`] = `sim-${name}-id`;
    env[`${name.toUpperCase()}_CLIENT_SECRET`] = `sim-${name}-secret`;
  }
  return env;
}

/** Resolves with {node, simulator}. */
export async function connected_node(t, { args, env = {}, ...options } = {}) {
  const simulator = await Simulator.start(t, args);
  const node = await start_node(t, { ...options, env: { ...simulated_platforms(simulator), ...env } });
  return { node, simulator };
}

/** What a browser does; resolves with the last redirect. */
export async function connect(node, platform, { user = "user-0", cookie } = {}) {
  const start = await node.as(user, `/api/oauth/${platform}/authorize?redirect=/done`);
  assert.equal(start.status, 302, start.text);
  const set = start.headers["set-cookie"][0];
  assert.match(set, /HttpOnly; SameSite=Lax/);
  const consent = await fetch(`${start.headers.location}&sim_user=${user}`, { redirect: "manual" });
  assert.equal(consent.status, 302, `${platform}: ${await consent.text()}`);
  const back = new URL(consent.headers.get("location"));
  return node.request(`${back.pathname}${back.search}`, { headers: { Cookie: cookie ?? set.split(";")[0] } });
}
