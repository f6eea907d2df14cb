// `lapwing bench poll` with few users: it ends by itself, everybody is woken and polled, and nothing
// of it is left.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import test from "node:test";
import { binary, temporary_folder } from "./support/node.mjs";
import { afterwards, deadline_ms, eventually, within } from "./support/waiting.mjs";

function start(t, program, args) {
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
  afterwards(t, () => child.kill("SIGKILL"));
  const running = { child, stdout: "", stderr: "" };
  child.stdout.on("data", (data) => (running.stdout += data));
  child.stderr.on("data", (data) => (running.stderr += data));
  running.ended = new Promise((done, reject) => {
    child.on("close", done);
    child.on("error", reject);
  });
  return running;
}

function start_bench(t, folder, args) {
  return start(t, binary, ["bench", "poll", "--directory", folder, ...args]);
}

async function children_of(t, pid) {
  const ps = start(t, "ps", ["-o", "pid=", "--ppid", String(pid)]);
  await ps.ended;
  return ps.stdout.trim().split(/\s+/).filter(Boolean).map(Number);
}

test("a small poll benchmark measures all its states", async (t) => {
  const folder = temporary_folder(t);
  const bench = start_bench(t, folder, ["--users", "200", "--rest", "0.2", "--duration", "60", "--json"]);
  const code = await within(bench.ended, "the benchmark to end", 5 * deadline_ms);
  assert.equal(code, 0, bench.stderr + bench.stdout);
  const report = JSON.parse(bench.stdout);
  assert.equal(report.passed, true);
  assert.deepEqual(report.sizes.map(({ users }) => users), [20, 66, 200]);
  for (const size of report.sizes) {
    assert.equal(size.connections, 3 * size.users);
    assert.equal(size.polled, size.connections);
    assert.ok(size.rows_bytes > 0 && size.active_bytes > 0 && size.store_bytes_per_user > 0);
    assert.ok(size.polls_per_second > 0 && size.requests_per_second > size.polls_per_second);
    assert.ok(size.rows_rest_cores < 1 && size.active_rest_cores < 1);
  }
  assert.match(bench.stderr, /200 users: polled 600 connections/);
  assert.deepEqual(readdirSync(folder), []);
});

test("an interrupted poll benchmark says so and takes its processes with it", async (t) => {
  const folder = temporary_folder(t);
  const bench = start_bench(t, folder, ["--users", "20", "--one-size", "--rest", "600"]);
  await eventually(async () => /at rest/.test(bench.stderr), "the node to rest");
  const children = await children_of(t, bench.child.pid);
  assert.equal(children.length, 2);
  bench.child.kill("SIGINT");
  assert.equal(await within(bench.ended, "the benchmark to end"), 1);
  assert.match(bench.stdout, /interrupted: these are the numbers so far/);
  for (const pid of children) assert.throws(() => process.kill(pid, 0), { code: "ESRCH" });
  assert.deepEqual(readdirSync(folder), []);
});

test("a poll benchmark that is killed takes its processes with it", async (t) => {
  const folder = temporary_folder(t);
  const bench = start_bench(t, folder, ["--users", "20", "--one-size", "--rest", "600"]);
  await eventually(async () => /at rest/.test(bench.stderr), "the node to rest");
  const children = await children_of(t, bench.child.pid);
  bench.child.kill("SIGKILL");
  await bench.ended;
  const gone = (pid) => {
    try {
      return !process.kill(pid, 0);
    } catch (failure) {
      return failure.code === "ESRCH";
    }
  };
  await eventually(async () => children.every(gone), "its processes to end");
});
