// Live database changes, flat out and at a moderate rate: a server and a node of its own, and clients
// of distinct users who see what an owner-or-team policy lets them.
//
//   node benchmarks/realtime/changes.mjs [--binary build/release/lapwing] [--users 200] [--team 1]
//     [--changes 200000] [--rate 500] [--seconds 10] [--plain-policy] [--threads 2]
//
// Flat out: from before the first commit until the last client has the fence that was written last.
// Moderate: from just before a row's commit until its owner's socket has it.
import { execFileSync, spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const { values: asked } = parseArgs({
  options: {
    binary: { type: "string", default: join(root, "build/release/lapwing") },
    users: { type: "string", default: "200" },
    team: { type: "string", default: "1" },
    changes: { type: "string", default: "200000" },
    rate: { type: "string", default: "500" },
    seconds: { type: "string", default: "10" },
    threads: { type: "string", default: "2" },
    "plain-policy": { type: "boolean", default: false },
  },
});
const user_count = Number(asked.users);
const team_size = Number(asked.team);
const secret = "bench-secret-with-at-least-32-characters";
const folder = mkdtempSync(join(tmpdir(), "lapwing-changes-"));
const postgres = (what) => execFileSync(join(root, "scripts/postgres"), [what, join(folder, "pg")], { encoding: "utf8" }).trim();

let node;
process.on("exit", () => { // However it ends.
  node?.kill("SIGKILL");
  postgres("remove");
  rmSync(folder, { recursive: true, force: true });
});
for (const name of ["SIGINT", "SIGTERM"]) process.on(name, () => {
    console.error(`stopped with ${latencies?.length} latencies, ${delivered} deliveries, ${fences} fences`);
    process.exit(1);
  });

// -- server ---------------------------------------------------------------------------------------

const url = postgres("start");
const sql = (text) => execFileSync("psql", ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", url], { input: text, encoding: "utf8" }).trim();
const sub = asked["plain-policy"]
  ? "current_setting('request.jwt.claims', true)::jsonb ->> 'sub'"
  : "(SELECT current_setting('request.jwt.claims', true)::jsonb ->> 'sub')";
sql(`
  CREATE ROLE authenticated NOLOGIN NOINHERIT; GRANT authenticated TO lapwing;
  CREATE TABLE members (who text, team int, PRIMARY KEY (who, team));
  INSERT INTO members SELECT 'u' || g, g / ${team_size} FROM generate_series(0, ${user_count - 1}) g;
  CREATE TABLE docs (id bigserial PRIMARY KEY, owner text, team int, body text,
    sent double precision DEFAULT extract(epoch FROM clock_timestamp()) * 1000);
  ALTER TABLE docs REPLICA IDENTITY FULL;
  ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
  CREATE TABLE fence (id int PRIMARY KEY);
  GRANT SELECT ON members, docs, fence TO authenticated;
  CREATE POLICY owner_or_team ON docs FOR SELECT TO authenticated
    USING (owner = ${sub} OR team IN (SELECT m.team FROM members m WHERE m.who = ${sub}));
  CREATE PUBLICATION supabase_realtime FOR TABLE docs, fence;
  INSERT INTO docs (owner, team, body) SELECT 'u' || g % ${user_count}, (g % ${user_count}) / ${team_size}, repeat('x', 40)
    FROM generate_series(1, 20000) g;`);
sql("VACUUM ANALYZE docs, members");

// -- node -----------------------------------------------------------------------------------------

node = spawn(asked.binary, ["node", "--listen", "127.0.0.1:0", "--data", join(folder, "node")], {
  env: {
    PATH: process.env.PATH, LAPWING_AUTH__JWT_SECRET: secret, LAPWING_REALTIME__DATABASE_URL: url,
    LAPWING_LIMITS__CONNECTIONS_PER_ADDRESS: "10000", LAPWING_LOG__LEVEL: "warn", LAPWING_NODE__THREADS: asked.threads,
  },
  stdio: ["ignore", "pipe", "inherit"],
});
const port = await new Promise((ready, failed) => {
  let said = "";
  node.stdout.on("data", (data) => {
    said += data;
    const found = /^ready \S+:(\d+)$/m.exec(said);
    if (found) ready(Number(found[1]));
  });
  node.on("close", () => failed(new Error("the node ended")));
});

// -- clients --------------------------------------------------------------------------------------

const base64url = (value) => Buffer.from(value).toString("base64url");
function token(user) {
  const input = `${base64url('{"alg":"HS256","typ":"JWT"}')}.${base64url(JSON.stringify(
    { sub: user, role: "authenticated", exp: Math.floor(Date.now() / 1000) + 36000 }))}`;
  return `${input}.${createHmac("sha256", secret).update(input).digest("base64url")}`;
}

let delivered = 0;
let fences = 0;
let told = () => {};
let latencies;

/** Looks at no more of a frame than it must: one process reads for all users. */
class Client {
  rest = Buffer.alloc(0);
  subscribed = false;

  constructor(user) {
    this.user = user;
    this.owner = `"owner":"${user}"`;
    this.socket = connect(port, "127.0.0.1");
    this.socket.setNoDelay(true);
    this.socket.write(`GET /realtime/v1/websocket?vsn=2.0.0&apikey=${token(user)} HTTP/1.1\r\nHost: 127.0.0.1\r\n`
      + "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
    this.greeted = false;
    this.socket.on("data", (data) => this.take(data));
    this.socket.on("close", () => {
      console.error(`${user}: closed`);
      process.exit(1);
    });
  }

  send(value) {
    const text = Buffer.from(JSON.stringify(value));
    const head = text.length < 126 ? [0x81, 0x80 | text.length] : [0x81, 0xfe, text.length >> 8, text.length & 255];
    this.socket.write(Buffer.concat([Buffer.from([...head, 0, 0, 0, 0]), text])); // Masked with zeros.
  }

  take(data) {
    let bytes = this.rest.length ? Buffer.concat([this.rest, data]) : data;
    if (!this.greeted) {
      const end = bytes.indexOf("\r\n\r\n");
      if (end < 0) return void (this.rest = bytes);
      this.greeted = true;
      bytes = bytes.subarray(end + 4);
      this.send(["1", "1", "realtime:docs", "phx_join", { config: { presence: { enabled: false }, postgres_changes: [{ event: "*", schema: "public" }] } }]);
    }
    let at = 0;
    while (bytes.length - at >= 2) {
      let length = bytes[at + 1];
      let head = 2;
      if (length === 126) {
        if (bytes.length - at < 4) break;
        length = bytes.readUInt16BE(at + 2);
        head = 4;
      } else if (length === 127) {
        if (bytes.length - at < 10) break;
        length = Number(bytes.readBigUInt64BE(at + 2));
        head = 10;
      }
      if (bytes.length - at < head + length) break;
      this.frame(bytes.subarray(at + head, at + head + length));
      at += head + length;
    }
    this.rest = Buffer.from(bytes.subarray(at));
  }

  frame(text) {
    const start = text.latin1Slice(0, Math.min(120, text.length));
    if (!start.includes('"postgres_changes",{')) {
      if (start.includes('"system"') && text.includes('"ok"')) {
        this.subscribed = true;
        told();
      } else if (text.includes('"reset"')) {
        console.error(`${this.user}: reset`);
      }
      return;
    }
    if (start.includes('"table":"fence"')) {
      fences += 1;
      return told();
    }
    delivered += 1;
    if (!latencies) return;
    const words = text.latin1Slice();
    if (!words.includes(this.owner)) return;
    const sent = /"sent":([\d.]+)/.exec(words);
    if (sent) latencies.push(performance.timeOrigin + performance.now() - Number(sent[1]));
    told();
  }
}

/** Resolves when `look()` holds, asked after each change. */
const until = (look) => new Promise((done) => {
  told = () => {
    if (!look()) return;
    told = () => {};
    done();
  };
  told();
});

const clients = Array.from({ length: user_count }, (_, i) => new Client(`u${i}`));
await until(() => clients.every(({ subscribed }) => subscribed));

setInterval(() => clients.forEach((one) => one.send([null, "hb", "phoenix", "heartbeat", {}])), 20_000);

// -- measuring ------------------------------------------------------------------------------------

function cpu_of(pid) {
  try {
    const words = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").pop().split(" ");
    return { parent: Number(words[1]), seconds: (Number(words[11]) + Number(words[12])) / 100 };
  } catch {
    return { parent: 0, seconds: 0 };
  }
}
function cpu() {
  const server = Number(postgres("pid"));
  let database = 0;
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    const one = cpu_of(pid);
    if (one.parent === server) database += one.seconds;
  }
  return { node: cpu_of(node.pid).seconds, database, bench: process.cpuUsage().user / 1e6 + process.cpuUsage().system / 1e6 };
}
const seconds = () => performance.now() / 1000;
const quantile = (sorted, q) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))];

const writer = spawn("psql", ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", url], { stdio: ["pipe", "ignore", "inherit"] });
const somebody = `(random() * ${user_count - 1})::int`;

async function moderate() {
  latencies = [];
  const total = Number(asked.rate) * Number(asked.seconds);
  const begun = performance.now();
  const before = cpu();
  let written = 0;
  await new Promise((done) => {
    const timer = setInterval(() => {
      const due = Math.min(total, Math.floor((performance.now() - begun) / 1000 * Number(asked.rate)));
      for (; written < due; written++) {
        writer.stdin.write(`INSERT INTO docs (owner, team, body) SELECT 'u' || u, u / ${team_size}, repeat('y', 40) FROM (SELECT ${somebody} u) s;\n`);
      }
      if (written === total) {
        clearInterval(timer);
        done();
      }
    }, 1);
  });
  await until(() => latencies.length >= total);
  const sorted = latencies.sort((a, b) => a - b);
  latencies = undefined;
  const after = cpu();
  console.log(`at ${asked.rate} changes a second (a transaction each): commit to client p50 ${quantile(sorted, 0.5).toFixed(1)} ms, `
    + `p99 ${quantile(sorted, 0.99).toFixed(1)} ms, most ${sorted.at(-1).toFixed(1)} ms; CPU cores: node `
    + `${((after.node - before.node) / Number(asked.seconds)).toFixed(2)}, database ${((after.database - before.database) / Number(asked.seconds)).toFixed(2)}`);
}

async function flat_out() {
  const transactions = Math.ceil(Number(asked.changes) / 100);
  delivered = 0;
  fences = 0;
  const before = cpu();
  const begun = seconds();
  writer.stdin.write(`DO $$ BEGIN FOR i IN 1 .. ${transactions} LOOP
    INSERT INTO docs (owner, team, body) SELECT 'u' || u, u / ${team_size}, repeat('z', 40) FROM (SELECT ${somebody} u FROM generate_series(1, 50)) s;
    UPDATE docs SET body = 'changed ' || i WHERE id BETWEEN i * 40 % 10000 + 1 AND i * 40 % 10000 + 20;
    UPDATE docs SET owner = 'u' || (id + i) % ${user_count}, team = (id + i) % ${user_count} / ${team_size}
      WHERE id BETWEEN i * 40 % 10000 + 21 AND i * 40 % 10000 + 40;
    DELETE FROM docs WHERE id BETWEEN 10000 + i * 10 + 1 AND 10000 + i * 10 + 10;
    COMMIT;
  END LOOP; END $$;
  INSERT INTO fence SELECT count(*) FROM fence;\n`);
  await until(() => fences === user_count);
  const took = seconds() - begun;
  const after = cpu();
  const changes = transactions * 100;
  console.log(`flat out: ${changes} changes (50 inserts, 40 updates, 10 deletes a transaction), ${delivered} deliveries in ${took.toFixed(1)} s: `
    + `${Math.round(changes / took)} changes a second, ${Math.round(delivered / took)} deliveries a second; `
    + `CPU seconds: node ${(after.node - before.node).toFixed(1)}, database ${(after.database - before.database).toFixed(1)}, `
    + `clients ${(after.bench - before.bench).toFixed(1)}`);
}

console.log(`${user_count} users in teams of ${team_size}, ${asked["plain-policy"] ? "plain" : "sub-select"} policy, ${asked.threads} threads`);
await moderate();
await flat_out();
process.exit(0);
