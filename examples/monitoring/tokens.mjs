// Tokens (JWT, HS256) of the sample's people: signed and verified with the node's auth.jwt_secret.
import { createHmac, timingSafeEqual } from "node:crypto";

const base64url = (value) => Buffer.from(value).toString("base64url");
const signature = (input, secret) => createHmac("sha256", secret).update(input).digest();

export function sign(user, secret, lifetime_s = 12 * 3600) {
  const claims = { sub: user, role: "authenticated", exp: Math.floor(Date.now() / 1000) + lifetime_s };
  const input = `${base64url('{"alg":"HS256","typ":"JWT"}')}.${base64url(JSON.stringify(claims))}`;
  return `${input}.${base64url(signature(input, secret))}`;
}

/** The claims, or undefined. */
export function verify(token, secret) {
  const [header, claims, mac] = String(token).split(".");
  if (!mac) return undefined;
  const right = signature(`${header}.${claims}`, secret);
  const given = Buffer.from(mac, "base64url");
  if (given.length !== right.length || !timingSafeEqual(given, right)) return undefined;
  const read = JSON.parse(Buffer.from(claims, "base64url"));
  return read.exp > Date.now() / 1000 && read.role === "authenticated" ? read : undefined;
}
