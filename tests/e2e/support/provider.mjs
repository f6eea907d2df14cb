// A provider nobody has heard of: OAuth with PKCE and HTTP Basic, refresh tokens that rotate, one
// list with cursor, pages and ETag. As strict as its documentation would be.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import http from "node:http";
import { Watched, afterwards } from "./waiting.mjs";

const page_size = 2;

export class Provider extends Watched {
  client = { id: "client-9", secret: "secret-9" };
  token_life_s = 3600;
  items = [];
  calls = [];
  refused = [];
  #codes = new Map();
  #access = new Set();
  #refresh = new Set();
  #cursor_epoch = 1;

  static async start(t) {
    const provider = new Provider();
    const server = http.createServer((request, response) => provider.#serve(request, response));
    await new Promise((done) => server.listen(0, "127.0.0.1", done));
    provider.url = `http://127.0.0.1:${server.address().port}`;
    afterwards(t, () => server.closeAllConnections() ?? server.close());
    return provider;
  }

  add_items(count) {
    for (let index = 0; index < count; ++index) this.items.push({ id: `item-${this.items.length + 1}` });
  }

  /** Access tokens given out so far stop working. */
  expire_access() {
    this.#access.clear();
  }

  /** The person withdraws the consent. */
  revoke() {
    this.#access.clear();
    this.#refresh.clear();
  }

  /** Cursors given out so far are gone: 410. */
  expire_cursors() {
    ++this.#cursor_epoch;
  }

  count(path, status) {
    return this.calls.filter((call) => call.path === path && (status === undefined || call.status === status)).length;
  }

  async #serve(request, response) {
    let body = "";
    for await (const chunk of request) body += chunk;
    const url = new URL(request.url, this.url);
    const answer = this.#answer(request, url, new URLSearchParams(body));
    this.calls.push({ path: url.pathname, query: url.searchParams, status: answer.status });
    response.writeHead(answer.status, { "Content-Type": "application/json", ...answer.headers });
    response.end(answer.body === undefined ? undefined : JSON.stringify(answer.body));
    this.changed();
  }

  #answer(request, url, form) {
    if (url.pathname === "/oauth/authorize") return this.#authorize(url.searchParams);
    if (url.pathname === "/oauth/token" && request.method === "POST") return this.#token(request, form);
    if (url.pathname === "/user/data") return this.#data(request, url.searchParams);
    return { status: 404, body: {} };
  }

  #authorize(query) {
    assert.equal(query.get("client_id"), this.client.id);
    assert.equal(query.get("response_type"), "code");
    assert.equal(query.get("code_challenge_method"), "S256");
    assert.equal(query.get("scope"), "read");
    const code = randomBytes(9).toString("hex");
    this.#codes.set(code, { challenge: query.get("code_challenge"), redirect: query.get("redirect_uri") });
    const back = new URL(query.get("redirect_uri"));
    back.searchParams.set("code", code);
    back.searchParams.set("state", query.get("state"));
    return { status: 302, headers: { Location: back.href } };
  }

  #token(request, form) {
    const basic = Buffer.from(`${this.client.id}:${this.client.secret}`).toString("base64");
    const refuse = (status, error) => {
      this.refused.push(error);
      return { status, body: { error } };
    };
    if (request.headers.authorization !== `Basic ${basic}`) return refuse(401, "invalid_client");
    if (form.get("grant_type") === "authorization_code") {
      const code = this.#codes.get(form.get("code"));
      const proof = createHash("sha256").update(form.get("code_verifier") ?? "").digest("base64url");
      if (!code || code.challenge !== proof || code.redirect !== form.get("redirect_uri")) return refuse(400, "invalid_grant");
      this.#codes.delete(form.get("code"));
    } else if (!this.#refresh.delete(form.get("refresh_token"))) {
      return refuse(400, "invalid_grant");
    }
    const tokens = {
      access_token: randomBytes(12).toString("hex"), refresh_token: randomBytes(12).toString("hex"),
      token_type: "Bearer", expires_in: this.token_life_s, scope: "read",
    };
    this.#access.add(tokens.access_token);
    this.#refresh.add(tokens.refresh_token);
    return { status: 200, body: tokens };
  }

  #data(request, query) {
    const [scheme, token] = (request.headers.authorization ?? "").split(" ");
    if (scheme !== "Bearer" || !this.#access.has(token)) return { status: 401, body: { error: "invalid_token" } };
    let from = 0;
    if (query.has("page")) {
      from = Number(query.get("page"));
    } else if (query.has("after")) {
      const [epoch, position] = query.get("after").split(":").map(Number);
      if (epoch !== this.#cursor_epoch) return { status: 410, body: { error: "cursor_gone" } };
      from = position;
    }
    const etag = `"${this.#cursor_epoch}-${from}-${this.items.length}"`;
    if (request.headers["if-none-match"] === etag) return { status: 304, headers: { ETag: etag } };
    const items = this.items.slice(from, from + page_size);
    const body = { items, cursor: `${this.#cursor_epoch}:${from + items.length}` };
    if (from + page_size < this.items.length) body.next = String(from + page_size);
    return { status: 200, body, headers: { ETag: etag } };
  }
}

/** Seed 003's platform file, with this provider's addresses. */
export function platform_file(provider, { secret, extra = "" }) {
  return `name = "myplatform"

[oauth]
authorize_url = "${provider.url}/oauth/authorize"
token_url = "${provider.url}/oauth/token"
client_auth = "basic"
pkce = true
scopes = ["read"]
scope_separator = " "
reauth_errors = ["invalid_grant"]
config_errors = ["invalid_client"]

[poll]
interval = "4h"

[[poll.endpoints]]
id = "user_data"
url = "${provider.url}/user/data"
items = "items"
key = ["id"]
next_cursor = "cursor"
cursor_param = "after"
next_page = "next"
page_param = "page"
etag = true
resync_status = 410
${extra}
[webhook]
scheme = "standard-webhooks"
secret = "${secret}"
`;
}
