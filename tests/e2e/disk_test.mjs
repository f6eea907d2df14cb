// A full or failing disk: 503, never a lie, and everything goes on by itself when it is back.
// Needs root for its own small file systems.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { user_token } from "./support/sign.mjs";
import { SseStream } from "./support/sse.mjs";
import { assert_problem, start_node, temporary_folder } from "./support/node.mjs";
import { afterwards, eventually } from "./support/waiting.mjs";

const run = (...command) => execFileSync(command[0], command.slice(1), { stdio: ["ignore", "pipe", "pipe"] });

function need_root() {
  assert.equal(process.getuid(), 0, "this test mounts file systems and needs root");
}

/** Posts until a delivery is refused; resolves with that answer. */
async function post_until_refused(node, acknowledged) {
  for (let number = 0; number < 5000; ++number) {
    const delivery = `d-${acknowledged.size}-${number}`;
    const answer = await node.push("u1", number, delivery, { filler: 20_000 });
    if (answer.status !== 200) return { answer, delivery };
    acknowledged.add(delivery);
  }
  throw new Error("the disk never filled up");
}

async function stored_deliveries(node) {
  return new Set((await node.history("u1")).map(({ data }) => data.deliveryId));
}

test("a full disk answers 503 with Retry-After, keeps what it acknowledged, and recovers", async (t) => {
  need_root();
  const folder = join(temporary_folder(t), "small");
  mkdirSync(folder);
  run("mount", "-t", "tmpfs", "-o", "size=6m", "lapwing-e2e", folder);
  afterwards(t, () => run("umount", "-l", folder));
  const node = await start_node(t, { data: folder });
  await node.add_user("u1");
  const stream = await SseStream.open(t, node, { token: user_token("u1") });
  await stream.first("connected");

  const acknowledged = new Set();
  const { answer, delivery } = await post_until_refused(node, acknowledged);
  assert_problem(answer, 503, "store_unavailable");
  assert.match(answer.headers["retry-after"], /^\d+$/);
  assert.ok(acknowledged.size > 10);
  // Nothing acknowledged is lost, reading goes on, the stream is still there.
  const stored = await stored_deliveries(node);
  for (const id of acknowledged) assert.ok(stored.has(id), `${id} was acknowledged`);
  assert.ok(!stored.has(delivery), "a refused delivery is not stored");
  assert.equal(stream.closed, false);
  await node.is_alive();

  // Space is back: the refused delivery is accepted when the provider tries again, and streamed.
  run("mount", "-o", "remount,size=64m", folder);
  const again = await eventually(async () => {
    const retry = await node.push("u1", 0, delivery, { filler: 20_000 });
    return retry.status === 200 && retry;
  }, "a delivery to be accepted again");
  assert.equal(again.json.duplicate, undefined);
  await stream.until(
    () => stream.of("webhook_received").some(({ data }) => data.deliveryId === delivery),
    "the delivery on the stream that stayed open",
  );
  assert.deepEqual(await stored_deliveries(node), new Set([...acknowledged, delivery]));
  await eventually(async () => (await node.request("/readyz")).status === 200, "/readyz to say 200");
});

test("a disk that turns read-only answers 503 and keeps what it acknowledged", async (t) => {
  need_root();
  const folder = temporary_folder(t);
  const image = join(folder, "image");
  const mounted = join(folder, "disk");
  mkdirSync(mounted);
  run("truncate", "-s", "64M", image);
  run("mkfs.ext4", "-q", image);
  run("mount", "-o", "loop", image, mounted);
  afterwards(t, () => run("umount", "-l", mounted));
  const node = await start_node(t, { data: join(mounted, "data") });
  await node.add_user("u1");
  const acknowledged = new Set();
  for (let number = 0; number < 50; ++number) {
    assert.equal((await node.push("u1", number, `d-${number}`)).status, 200);
    acknowledged.add(`d-${number}`);
  }
  // As the kernel does it on an I/O error, with files open: every write fails with EROFS from here.
  run("mount", "-o", "remount,abort", mounted);
  for (let number = 50; number < 60; ++number) {
    const answer = await node.push("u1", number, `d-${number}`);
    assert_problem(answer, 503, "store_unavailable");
    assert.match(answer.headers["retry-after"], /^\d+$/);
  }
  await eventually(async () => (await node.request("/readyz")).status === 503, "/readyz to say 503");
  await node.is_alive();
  // Repaired and mounted again, the log is whole.
  await node.kill();
  run("umount", mounted);
  try {
    run("e2fsck", "-fy", image);
  } catch (failure) {
    assert.equal(failure.status, 1, "e2fsck corrected the file system");
  }
  run("mount", "-o", "loop", image, mounted);
  await node.start();
  assert.deepEqual(await stored_deliveries(node), acknowledged);
  assert.equal((await node.push("u1", 50, "d-50")).status, 200);
});
