// One line per test while it runs, the reasons of failures, and at the end "# N passed, M failed".
const name_width = 100;

function reason(failure) {
  const cause = failure?.cause ?? failure;
  const text = cause?.stack ?? String(cause?.message ?? cause);
  return text.split("\n").slice(0, 30).map((line) => `      ${line}\n`).join("");
}

export default async function* report(source) {
  let passed = 0;
  let failed = 0;
  const notes = [];
  for await (const { type, data } of source) {
    if (type === "test:diagnostic" && /^seed /.test(data.message)) notes.push(data.message);
    if (type !== "test:pass" && type !== "test:fail") continue;
    const seconds = ((data.details?.duration_ms ?? 0) / 1000).toFixed(1);
    // A skipped test showed nothing, so it does not count as passed.
    if (type === "test:pass" && data.skip === undefined) {
      ++passed;
      yield `  ok      ${data.name.slice(0, name_width)} (${seconds} s)\n`;
    } else {
      ++failed;
      yield `  FAILED  ${data.name} (${seconds} s)\n${reason(data.details?.error)}`;
    }
  }
  if (failed > 0) yield notes.map((note) => `      ${note}\n`).join("");
  yield `# ${passed} passed, ${failed} failed\n`;
}
