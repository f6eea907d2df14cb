import assert from "node:assert/strict";
import test from "node:test";
import { user_token } from "./support/sign.mjs";
import { SseStream } from "./support/sse.mjs";
import { WsStream } from "./support/websocket.mjs";
import { start_node } from "./support/node.mjs";
test("big", async (t) => {
  const node = await start_node(t);
  await node.add_user("u1");
  const auth = { token: user_token("u1"), payload: "full" };
  const live = await SseStream.open(t, node, { token: user_token("u1"), query: { payload: "full" } });
  const ws = await WsStream.open(t, node, { auth });
  await live.first("connected"); await ws.first("connected");
  const r = await node.push("u1", 1, "big", { filler: 24 * 1024 * 1024 });
  console.error(r.status, r.text);
  const r2 = await node.push("u1", 1, "small");
  const seen = async (s, name) => { try { await s.wait_for("webhook_received", 2, 4000); console.error(name, "saw both"); } catch (e) { console.error(name, e.message, s.closed, s.close_code); } };
  await seen(live, "live sse"); await seen(ws, "live ws");
  for (let i = 0; i < 3; ++i) {
    const again = await SseStream.open(t, node, { token: user_token("u1"), query: { payload: "full" }, last_event_id: "u0" });
    await seen(again, "resumed sse");
    const w2 = await WsStream.open(t, node, { auth: { ...auth, lastEventId: "u0" } });
    await seen(w2, "resumed ws");
  }
});
