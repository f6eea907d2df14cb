// npm `oidc-provider` as the authorization server of a platform: PKCE, single-use refresh tokens, and
// the end of a grant whose used refresh token comes again. In front of it a relay that sees every
// token request and can lose it, or its answer.
import { generateKeyPairSync } from "node:crypto";
import { createServer, request as http_request } from "node:http";
import Provider from "oidc-provider";
import { Watched, afterwards } from "./waiting.mjs";

const listening = (server) => new Promise((done) => server.listen(0, "127.0.0.1", () => done(server.address().port)));

async function body_of(stream) {
  const parts = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts);
}

/** Where the provider keeps what it gave; its own one forgets the oldest. */
function memory() {
  const kept = new Map();
  return class {
    constructor(model) {
      this.model = model;
    }
    #name(id) {
      return `${this.model}:${id}`;
    }
    async upsert(id, payload) {
      kept.set(this.#name(id), payload);
    }
    async find(id) {
      return kept.get(this.#name(id));
    }
    async findByUid(uid) {
      return [...kept].find(([name, { uid: own }]) => name.startsWith(`${this.model}:`) && own === uid)?.[1];
    }
    async findByUserCode() {}
    async consume(id) {
      kept.get(this.#name(id)).consumed = Math.floor(Date.now() / 1000);
    }
    async destroy(id) {
      kept.delete(this.#name(id));
    }
    async revokeByGrantId(grant) {
      for (const [name, { grantId }] of kept) if (grantId === grant) kept.delete(name);
    }
  };
}

export class AuthorizationServer extends Watched {
  client = { id: "lapwing", secret: "a-secret-of-the-ninth-platform" };
  /** Of access tokens given from now on, in seconds. */
  token_life = 3600;
  /** What became of each refresh request: {user, at, given, delivered}. */
  refreshes = [];
  refused = [];
  /** API calls by user; `bad` had no good token. */
  calls = new Map();
  bad_calls = 0;
  /** Called with a refresh request that has come; "drop" loses it on its way. */
  arrived = async () => "";
  /** Called when it is answered, before the answer is sent; "drop" loses that. */
  answered = async () => "";
  #tokens = new Map();
  #turn = Promise.resolve();

  static async start(t) {
    const server = new AuthorizationServer();
    const front = createServer((request, response) => server.#relay(request, response).catch(() => response.destroy()));
    server.url = `http://127.0.0.1:${await listening(front)}`;
    server.#front = front;
    afterwards(t, () => server.#close());
    return server;
  }

  /** The node's callback must be known before it is used. */
  async open(redirect_uri) {
    const provider = new Provider(this.url, {
      clients: [{
        client_id: this.client.id, client_secret: this.client.secret, redirect_uris: [redirect_uri],
        grant_types: ["authorization_code", "refresh_token"], response_types: ["code"],
        token_endpoint_auth_method: "client_secret_basic",
      }],
      scopes: ["openid", "read"],
      pkce: { required: () => true, methods: ["S256"] },
      features: { devInteractions: { enabled: false } },
      interactions: { url: (context, interaction) => `/interaction/${interaction.uid}` },
      rotateRefreshToken: true,
      issueRefreshToken: async () => true,
      ttl: { AccessToken: () => this.token_life, RefreshToken: 3600, Grant: 3600, Session: 3600, Interaction: 600, AuthorizationCode: 60, IdToken: 3600 },
      findAccount: async (context, id) => ({ accountId: id, claims: async () => ({ sub: id }) }),
      // Everybody agrees to everything.
      loadExistingGrant: async (context) => {
        const grant = new context.oidc.provider.Grant({ clientId: context.oidc.client.clientId, accountId: context.oidc.session.accountId });
        grant.addOIDCScope("openid read");
        await grant.save();
        return grant;
      },
      adapter: memory(),
      jwks: { keys: [generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ format: "jwk" })] },
      clientDefaults: { id_token_signed_response_alg: "ES256" },
      cookies: { keys: ["a key of the test"] },
    });
    provider.on("server_error", (context, failure) => (this.failure = failure));
    this.provider = provider;
    this.#inner = createServer(async (request, response) => {
      const [path, query] = request.url.split("?");
      if (path.startsWith("/interaction/")) {
        const user = /(?:^|; )user=([^;]+)/.exec(request.headers.cookie ?? "")?.[1];
        return provider.interactionFinished(request, response, { login: { accountId: user } });
      }
      if (path === "/items") return this.#items(request, response, new URLSearchParams(query));
      return provider.callback()(request, response);
    });
    this.#port = await listening(this.#inner);
  }

  /** Access tokens of that user stop working at once; refreshing goes on. */
  async expire_access(user) {
    for (const [token, owner] of this.#tokens) {
      if (owner !== user) continue;
      await (await this.provider.AccessToken.find(token))?.destroy();
      this.#tokens.delete(token);
    }
  }

  refreshes_of(user) {
    return this.refreshes.filter((one) => one.user === user);
  }

  #front;
  #inner;
  #port;

  #close() {
    for (const server of [this.#front, this.#inner]) {
      server?.closeAllConnections();
      server?.close();
    }
  }

  async #items(request, response, query) {
    const token = await this.provider.AccessToken.find((request.headers.authorization ?? "").replace("Bearer ", ""));
    if (!token) {
      ++this.bad_calls;
      this.changed();
      return response.writeHead(401, { "Content-Type": "application/json" }).end('{"error":"invalid_token"}');
    }
    const count = (this.calls.get(token.accountId) ?? 0) + 1;
    this.calls.set(token.accountId, count);
    this.changed();
    response.writeHead(200, { "Content-Type": "application/json" })
      .end(JSON.stringify({ items: [{ id: `${token.accountId}-${count}` }] }));
  }

  /** Refreshes are taken one after the other, so that a death meets few of them. */
  async #relay(request, response) {
    const body = await body_of(request);
    const form = new URLSearchParams(body.toString());
    const refreshing = request.url === "/token" && form.get("grant_type") === "refresh_token";
    if (!refreshing) return this.#answer(request, response, body, form, false);
    const mine = this.#turn.then(() => this.#answer(request, response, body, form, true));
    this.#turn = mine.catch(() => {});
    return mine;
  }

  async #answer(request, response, body, form, refreshing) {
    if (response.destroyed) return; // Who asked is gone.
    let refresh;
    if (refreshing) {
      const known = await this.provider.RefreshToken.find(form.get("refresh_token"), { ignoreExpiration: true });
      refresh = { user: known?.accountId, at: Date.now(), given: false, delivered: false };
      this.refreshes.push(refresh);
      this.changed();
      if ((await this.arrived(refresh)) === "drop") return response.destroy();
    }
    const answer = await new Promise((done, failed) => {
      const inner = http_request({ port: this.#port, host: "127.0.0.1", path: request.url, method: request.method, headers: request.headers }, done);
      inner.on("error", failed);
      inner.end(body);
    });
    const text = await body_of(answer);
    if (request.url === "/token") {
      const json = JSON.parse(text.toString());
      if (answer.statusCode === 200) this.#tokens.set(json.access_token, await this.#owner(json.access_token));
      if (refresh) {
        refresh.given = answer.statusCode === 200;
        if (!refresh.given) this.refused.push({ user: refresh.user, error: json.error });
      }
    }
    if (refresh && (await this.answered(refresh)) === "drop") return response.destroy();
    if (response.destroyed) return;
    await new Promise((done) => {
      response.once("close", done);
      response.writeHead(answer.statusCode, answer.headers).end(text, done);
    });
    if (refresh) refresh.delivered = true;
    this.changed();
  }

  async #owner(token) {
    return (await this.provider.AccessToken.find(token))?.accountId;
  }
}

/** A ninth platform, by a file alone. */
export function oidc_platform_file(server) {
  return `name = "ninth"
title = "The ninth"

[oauth]
authorize_url = "${server.url}/auth"
token_url = "${server.url}/token"
client_auth = "basic"
pkce = true
scopes = ["openid", "read"]
reauth_errors = ["invalid_grant"]
config_errors = ["invalid_client"]

[poll]
interval = "1h"

[[poll.endpoints]]
id = "items"
url = "${server.url}/items"
items = "items"
key = ["id"]

[limits]
concurrency = 32
user_gap_min = "0s"
user_gap_max = "0s"
`;
}
