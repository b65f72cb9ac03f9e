import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Connection } from "../src/connection.ts";
import { noCounts } from "../src/counters.ts";
import { Lease } from "../src/lease.ts";
import { settingsOf } from "../src/options.ts";

const LEASE_MS = 3_000;
const TICK_MS = 500;

/** An engine that answers when it is told to. */
class SlowEngine {
  readonly buckets = 1;
  replies = 0;
  readonly failures: string[] = [];
  readonly asked: { readonly script: string; answer(reply: unknown): void }[] = [];
  pings: () => Promise<void> = async () => {};

  run(_bucket: number, script: string): Promise<unknown> {
    if (script === "register") return Promise.resolve(["1.1", 0]);
    return new Promise((answer) => this.asked.push({ script, answer }));
  }

  ping(): Promise<void> {
    return this.pings();
  }

  fail(error: Error): void {
    this.failures.push(error.message);
  }

  count(script: string): number {
    return this.asked.filter((one) => one.script === script).length;
  }
}

async function started(): Promise<{ engine: SlowEngine; counters: ReturnType<typeof noCounts> }> {
  const engine = new SlowEngine();
  const counters = noCounts();
  const settings = settingsOf({ url: "redis://127.0.0.1", leaseMs: LEASE_MS });
  const lease = await Lease.take(engine as unknown as Connection, settings, counters, 1, "owner");
  lease?.start(async () => {});
  return { engine, counters };
}

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

test("an engine that answers anything is at work on the renewal too", async () => {
  const { engine } = await started();
  for (let tick = 0; tick < 12; tick++) {
    engine.replies++;
    await vi.advanceTimersByTimeAsync(TICK_MS);
  }
  expect([engine.count("renew"), engine.failures]).toEqual([1, []]);
  await vi.advanceTimersByTimeAsync(3 * TICK_MS);
  expect(engine.failures).toEqual(["the engine has not answered for 1500 ms"]);
});

test("subscribers that do not answer are gone, whatever else is answered", async () => {
  const { engine } = await started();
  engine.pings = () => new Promise(() => {});
  for (let tick = 0; tick < 5; tick++) {
    engine.replies++;
    engine.asked.pop()?.answer([[], []]);
    await vi.advanceTimersByTimeAsync(TICK_MS);
  }
  expect(engine.failures[0]).toBe("the engine has not answered for 1500 ms");
});

test("the lease is renewed while a dead node is swept, however long that takes", async () => {
  const { engine, counters } = await started();
  const renewal = (): void => {
    for (const one of engine.asked) if (one.script === "renew") one.answer([["7", "2.2"], []]);
  };
  for (let tick = 0; tick < 20; tick++) {
    await vi.advanceTimersByTimeAsync(TICK_MS);
    renewal();
  }
  // One sweep at a time, from the first lease's end on.
  expect([engine.count("sweep"), engine.count("renew"), counters.nodesSwept]).toEqual([1, 10, 0]);
  engine.asked.find(({ script }) => script === "sweep")?.answer(0);
  await vi.advanceTimersByTimeAsync(0);
  expect([counters.nodesSwept, engine.failures]).toEqual([1, []]);
});
