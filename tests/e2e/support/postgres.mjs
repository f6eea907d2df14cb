// PostgreSQL under the nodes of a test: LAPWING_E2E_STORE=postgres gives each node's data folder a
// database on the server that LAPWING_E2E_POSTGRES names (`scripts/postgres start FOLDER` prints its
// address). And servers of a test's own, to be killed.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterwards } from "./waiting.mjs";

const run = promisify(execFile);
const script = join(resolve(dirname(fileURLToPath(import.meta.url)), "../../.."), "scripts/postgres");
const made = new WeakMap();

const options = ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"];

/** Runs SQL and resolves with what psql prints, unaligned, without headings. */
export async function sql(url, statement) {
  if (statement.length < 100_000) { // An argument's most is 128 KiB.
    const { stdout } = await run("psql", [...options, url, "-c", statement]);
    return stdout.trim();
  }
  const long = run("psql", [...options, "-1", url]); // In one transaction, as above.
  long.child.stdin.end(statement);
  return (await long).stdout.trim();
}

/** The address of the database of this data folder, gone with the test; nothing on SQLite. */
export async function database_of(t, data) {
  if ((process.env.LAPWING_E2E_STORE ?? "sqlite") === "sqlite") return undefined;
  const server = process.env.LAPWING_E2E_POSTGRES;
  if (!server) throw new Error("LAPWING_E2E_STORE=postgres needs LAPWING_E2E_POSTGRES=postgresql://...");
  const name = `lapwing_e2e_${createHash("sha1").update(data).digest("hex").slice(0, 16)}`;
  const url = new URL(server);
  url.pathname = `/${name}`;
  if (!made.has(t)) made.set(t, new Set());
  if (!made.get(t).has(name)) {
    made.get(t).add(name);
    await sql(server, `CREATE DATABASE ${name}`);
    afterwards(t, () => sql(server, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`));
  }
  return url.href;
}

/** Stops the server in this folder and removes it, wherever its files are. */
export function remove_server(folder) {
  return run(script, ["remove", folder]);
}

/** A server of its own for one test. */
export class PostgresServer {
  static async start(t) {
    const server = new PostgresServer();
    server.folder = join(mkdtempSync(join(tmpdir(), "lapwing-e2e-pg-")), "server");
    afterwards(t, async () => {
      await remove_server(server.folder);
      await run("rm", ["-rf", dirname(server.folder)]);
    });
    await server.start();
    return server;
  }

  async start() {
    const { stdout } = await run(script, ["start", this.folder]);
    this.url = stdout.trim();
  }

  /** SIGKILL to all its processes. */
  kill() {
    return run(script, ["kill", this.folder]);
  }

  sql(statement) {
    return sql(this.url, statement);
  }

  /** A transaction that stays open: resolves to what commits it, once `statement` has been done. */
  async open_transaction(t, statement) {
    const held = run("psql", [...options, this.url]);
    held.catch(() => {}); // Whoever commits hears of it.
    afterwards(t, () => held.child.kill());
    const begun = new Promise((done, failed) => {
      held.child.stdout.once("data", done);
      held.child.once("close", () => failed(new Error("psql ended")));
    });
    held.child.stdin.write(`BEGIN; ${statement}; SELECT 'begun';\n`);
    await begun;
    return () => {
      held.child.stdin.end("COMMIT;\n");
      return held;
    };
  }
}
