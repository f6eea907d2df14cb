// Deadlines, chance and waiting. A test never sleeps: it waits for something to happen, and says
// what it waited for when that does not come.
import { EventEmitter } from "node:events";

/** Sanitizer builds and slow machines need longer: LAPWING_E2E_PATIENCE multiplies all deadlines. */
const patience = Number(process.env.LAPWING_E2E_PATIENCE ?? "1");
export const deadline_ms = 20_000 * patience;

export const quick = process.env.LAPWING_E2E_QUICK === "1";

/** Rejects with a sentence when `promise` takes longer than `ms`. */
export function within(promise, what, ms = deadline_ms) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${ms} ms for ${what}`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Something that changes and can be waited for. Call `changed()` after each change. */
export class Watched {
  #changes = new EventEmitter().setMaxListeners(0);

  changed() {
    this.#changes.emit("change");
  }

  /** Resolves with the first truthy value of `look()`, asked now and after every change. */
  until(look, what, ms = deadline_ms) {
    let check;
    const found = new Promise((resolve, reject) => {
      check = () => {
        try {
          const value = look();
          if (value) resolve(value);
        } catch (failure) {
          reject(failure);
        }
      };
      this.#changes.on("change", check);
      check();
    });
    const describe = () => (typeof what === "function" ? what() : what);
    return within(found, "", ms)
      .catch((failure) => {
        throw failure.message.startsWith("waited")
          ? new Error(`waited ${ms} ms for ${describe()}`)
          : failure;
      })
      .finally(() => this.#changes.off("change", check));
  }
}

/** Asks again and again (each asking is itself a round trip) until the answer is truthy. */
export async function eventually(ask, what, ms = deadline_ms) {
  const end = Date.now() + ms;
  while (Date.now() < end) {
    const value = await ask();
    if (value) return value;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error(`waited ${ms} ms for ${what}`);
}

/** Seeded chance (mulberry32). The seed is printed; LAPWING_E2E_SEED repeats a run. */
export function random_source(t) {
  const seed = Number(process.env.LAPWING_E2E_SEED ?? Date.now() % 2 ** 31);
  t.diagnostic(`seed ${seed} (repeat with LAPWING_E2E_SEED=${seed})`);
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let x = state;
    x = Math.imul(x ^ (x >>> 15), x | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    /** Whole number from `low` to `high`, both possible. */
    between: (low, high) => low + Math.floor(next() * (high - low + 1)),
  };
}

/** Runs `work(item)` for all items, at most `width` at a time. */
export async function in_parallel(items, width, work) {
  const queue = items[Symbol.iterator]();
  const worker = async () => {
    for (let entry = queue.next(); !entry.done; entry = queue.next()) await work(entry.value);
  };
  await Promise.all(Array.from({ length: width }, worker));
}

const cleanups = new WeakMap();

/** Runs `work` after the test, last registered first: streams, then the node, then its folder. */
export function afterwards(t, work) {
  if (!cleanups.has(t)) {
    cleanups.set(t, []);
    t.after(async () => {
      let failure;
      for (const next of cleanups.get(t).reverse()) {
        try {
          await next();
        } catch (reason) {
          failure ??= reason;
        }
      }
      if (failure) throw failure;
    });
  }
  cleanups.get(t).push(work);
}
