// The page's questions to the database, through psql: each under the role and the claims of whoever
// asks, in one transaction, so that the policies decide.
import { spawn } from "node:child_process";

const questions = {
  state: "SELECT monitoring_state()",
  unread: "SELECT to_jsonb(unread_counts())",
  mark_alerts_read: "SELECT mark_alerts_read()",
  mark_notifications_read: "SELECT mark_notifications_read()",
};

/** Runs a script with variables (`:'name'` is the quoted value); resolves with what it prints. */
export function run(url, script, variables = {}) {
  return new Promise((resolve, reject) => {
    const flags = Object.entries(variables).flatMap(([name, value]) => ["-v", `${name}=${value}`]);
    const psql = spawn("psql", ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", ...flags, url], { stdio: ["pipe", "pipe", "pipe"] });
    let output = "";
    let trouble = "";
    psql.stdout.on("data", (data) => (output += data));
    psql.stderr.on("data", (data) => (trouble += data));
    psql.on("error", reject);
    psql.on("close", (code) => (code === 0 ? resolve(output.trim()) : reject(new Error(trouble.trim() || `psql ended with ${code}`))));
    psql.stdin.end(script);
  });
}

/** `what` is one of the questions above; `claims` are those of a verified token. */
export async function ask(url, claims, what) {
  const answer = await run(url, `
    BEGIN;
    SELECT set_config('request.jwt.claims', :'claims', true) \\g /dev/null
    SET LOCAL ROLE authenticated;
    ${questions[what]};
    COMMIT;`, { claims: JSON.stringify(claims) });
  return JSON.parse(answer);
}

/** One step of the sample's generator. */
export function move(url, seed, step) {
  return run(url, "SELECT monitoring_move(:'seed', :'step'::integer) \\g /dev/null", { seed, step: String(step) });
}
