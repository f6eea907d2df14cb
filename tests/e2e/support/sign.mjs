// Signs tokens and deliveries the way users' tools and the providers do, from their published
// descriptions; shares nothing with the node's own code.
import { createHmac, createSign, randomUUID } from "node:crypto";

export const jwt_secret = "e2e-secret-with-at-least-32-characters";
export const github_secret = "It's a Secret to Everybody";
export const slack_secret = "8f742231b10e8888abcd99yyyzzz85a5";
export const supabase_secret = "a-supabase-webhook-secret";
export const standard_secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

export const now_s = () => Math.floor(Date.now() / 1000);
const base64url = (value) => Buffer.from(value).toString("base64url");
const hmac_hex = (secret, ...parts) =>
  parts.reduce((hash, part) => hash.update(part), createHmac("sha256", secret)).digest("hex");

/** Assembles a token from any header and claims; `sign(input)` gives the signature's bytes. */
export function assemble_jwt(header, claims, sign) {
  const input = `${base64url(JSON.stringify(header))}.${base64url(JSON.stringify(claims))}`;
  return `${input}.${base64url(sign(input))}`;
}

export function jwt(claims, { secret = jwt_secret, alg = "HS256", header = {} } = {}) {
  const all = { exp: now_s() + 3600, role: "authenticated", ...claims };
  return assemble_jwt({ alg, typ: "JWT", ...header }, all, (input) =>
    createHmac("sha256", secret).update(input).digest(),
  );
}

export function rs256(claims, private_key, kid) {
  const all = { exp: now_s() + 3600, iat: now_s(), ...claims };
  return assemble_jwt({ alg: "RS256", typ: "JWT", kid }, all, (input) =>
    createSign("RSA-SHA256").update(input).sign(private_key),
  );
}

export const user_token = (user, more = {}) => jwt({ sub: user, ...more });
export const service_token = () => jwt({ sub: "backend", role: "service_role" });
export const admin_token = () => jwt({ sub: "operator", role: "admin" });

export function github_headers(body, { event = "push", delivery = randomUUID(), secret = github_secret,
  type = "application/json" } = {}) {
  return {
    "Content-Type": type,
    "User-Agent": "GitHub-Hookshot/e2e",
    "X-GitHub-Event": event,
    "X-GitHub-Delivery": delivery,
    "X-Hub-Signature-256": `sha256=${hmac_hex(secret, body)}`,
  };
}

export function slack_headers(body, { secret = slack_secret, timestamp = now_s(),
  type = "application/json" } = {}) {
  return {
    "Content-Type": type,
    "X-Slack-Request-Timestamp": String(timestamp),
    "X-Slack-Signature": `v0=${hmac_hex(secret, `v0:${timestamp}:`, body)}`,
  };
}

export function standard_headers(body, { id = `msg_${randomUUID()}`, secret = standard_secret,
  timestamp = now_s() } = {}) {
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const mac = createHmac("sha256", key).update(`${id}.${timestamp}.`).update(body).digest("base64");
  return {
    "Content-Type": "application/json",
    "webhook-id": id,
    "webhook-timestamp": String(timestamp),
    "webhook-signature": `v1,${mac}`,
  };
}

/** A small GitHub push; `number` makes each one different. */
export function push_body(number, { filler = 0 } = {}) {
  return JSON.stringify({
    ref: "refs/heads/main",
    before: "0".repeat(39) + "1",
    after: "0".repeat(39) + "2",
    commits: [{ id: String(number), message: `commit ${number}${"x".repeat(filler)}` }],
    repository: { full_name: "octo/repo" },
    pusher: { name: "alice" },
    sender: { login: "alice" },
  });
}
