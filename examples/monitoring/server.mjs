// The sample's web server: the page, and its questions. A real application has its own.
//
//   DATABASE_URL=postgresql://... LAPWING_URL=http://127.0.0.1:3001 LAPWING_AUTH__JWT_SECRET=... \
//     node examples/monitoring/server.mjs
//
// PORT (3100); SEED (lapwing) and EVERY_MS (1000) of the generator, EVERY_MS=0 lets everything rest.
// Nobody logs in here: whoever may reach the port may be ann, ben or cleo, so it listens on loopback.
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { ask, move, run } from "./database.mjs";
import { sign, verify } from "./tokens.mjs";

const { DATABASE_URL: database, LAPWING_URL: lapwing = "http://127.0.0.1:3001", LAPWING_AUTH__JWT_SECRET: secret,
  PORT: port = "3100", SEED: seed = "lapwing", EVERY_MS: every_ms = "1000" } = process.env;
if (!database || !secret) {
  console.error("DATABASE_URL and LAPWING_AUTH__JWT_SECRET must be set");
  process.exit(2);
}

const people = ["ann", "ben", "cleo"];
const files = { "/": "page.html", "/page.mjs": "page.mjs", "/client.mjs": "client.mjs", "/realtime-service.mjs": "realtime-service.mjs" };
const types = { html: "text/html; charset=utf-8", mjs: "text/javascript; charset=utf-8" };

async function answer(request, respond) {
  const { pathname, searchParams } = new URL(request.url, "http://page");
  if (request.method === "GET" && files[pathname]) {
    const name = files[pathname];
    return respond(200, await readFile(new URL(name, import.meta.url)), types[name.split(".").pop()]);
  }
  if (request.method === "GET" && pathname === "/login") {
    const user = searchParams.get("user");
    if (!people.includes(user)) return respond(400, JSON.stringify({ error: `user must be one of ${people.join(", ")}` }));
    return respond(200, JSON.stringify({ user, token: sign(user, secret), realtime: `${lapwing.replace(/^http/, "ws")}/realtime/v1` }));
  }
  const what = { "GET /state": "state", "GET /unread": "unread", "POST /alerts/read": "mark_alerts_read",
    "POST /notifications/read": "mark_notifications_read" }[`${request.method} ${pathname}`];
  if (!what) return respond(404, JSON.stringify({ error: "there is nothing here" }));
  const claims = verify(request.headers.authorization?.replace(/^Bearer /, ""), secret);
  if (!claims) return respond(401, JSON.stringify({ error: "a token is needed" }));
  return respond(200, JSON.stringify(await ask(database, claims, what)));
}

const server = createServer((request, response) => {
  const respond = (status, body, type = "application/json") => response.writeHead(status, { "content-type": type, "cache-control": "no-store" }).end(body);
  answer(request, respond).catch((failure) => {
    console.error(failure.message);
    respond(500, JSON.stringify({ error: "the database did not answer" }));
  });
});
server.listen(Number(port), "127.0.0.1", () => console.log(`ready http://127.0.0.1:${server.address().port}`));

let ended = false;
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => {
  ended = true;
  server.close();
  server.closeAllConnections();
  process.exit(0);
});

// The generator goes on where the last one stopped: each step makes one execution, named after it.
if (Number(every_ms) > 0) {
  let step = Number(await run(database, "SELECT coalesce(max(substr(id, 5)::integer), 0) FROM agent_executions WHERE id LIKE 'run-%'"));
  const next = async () => {
    try {
      await move(database, seed, step + 1);
      step += 1;
    } catch (failure) {
      console.error(failure.message);
    }
    if (!ended) setTimeout(next, Number(every_ms));
  };
  next();
}
