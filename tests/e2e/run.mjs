// Runs every *_test.mjs, each in a process of its own, and counts test cases.
//
//   node run.mjs [FILE...]      LAPWING_BINARY names the binary to test (default: build/release)
//
// Ends with a line "e2e: N passed, M failed", also written as "N M" to LAPWING_E2E_COUNTS.
import { spawn } from "node:child_process";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { binary } from "./support/node.mjs";

const folder = dirname(fileURLToPath(import.meta.url));
const file_limit_ms = 15 * 60_000;
const files = process.argv.length > 2
  ? process.argv.slice(2)
  : readdirSync(folder).filter((name) => name.endsWith("_test.mjs")).sort().map((name) => join(folder, name));

let running;

/** Resolves with {passed, failed}; a file that says nothing countable has failed. */
function run(file) {
  return new Promise((resolve) => {
    // A process group of its own, so that a file that hangs takes its nodes with it.
    const child = spawn(
      process.execPath,
      ["--test-reporter", join(folder, "support/reporter.mjs"), "--test-reporter-destination", "stdout", file],
      { cwd: folder, detached: true, stdio: ["ignore", "pipe", "inherit"] },
    );
    running = child;
    const limit = setTimeout(() => {
      console.log(`  FAILED  ${basename(file)} did not end in ${file_limit_ms / 1000} s`);
      process.kill(-child.pid, "SIGKILL");
    }, file_limit_ms);
    let output = "";
    child.stdout.on("data", (data) => {
      output += data;
      process.stdout.write(String(data).replace(/^# .*\n/gm, ""));
    });
    child.on("close", (code) => {
      clearTimeout(limit);
      running = undefined;
      const counts = /^# (\d+) passed, (\d+) failed$/m.exec(output);
      const passed = Number(counts?.[1] ?? 0);
      const failed = Number(counts?.[2] ?? 0);
      const unsaid = (code !== 0 && failed === 0) || passed + failed === 0;
      resolve({ passed, failed: failed + (unsaid ? 1 : 0) });
    });
  });
}

for (const signal of ["SIGINT", "SIGTERM"]) {
  process.on(signal, () => {
    if (running) process.kill(-running.pid, "SIGKILL");
    process.exit(1);
  });
}

if (!existsSync(binary)) {
  console.error(`there is no ${binary}; build it (scripts/run does) or name it in LAPWING_BINARY`);
  process.exit(1);
}

let passed = 0;
let failed = 0;
for (const file of files) {
  console.log(basename(file, ".mjs"));
  const result = await run(file);
  passed += result.passed;
  failed += result.failed;
}
console.log(`e2e: ${passed} passed, ${failed} failed`);
if (process.env.LAPWING_E2E_COUNTS) writeFileSync(process.env.LAPWING_E2E_COUNTS, `${passed} ${failed}\n`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
