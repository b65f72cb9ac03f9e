import { RefusedError, UsageError } from "@wireyard/session";
import { expect, test } from "vitest";
import { HashQueue } from "../src/hash-queue.ts";
import { openSqliteAccounts } from "../src/index.ts";

/** A job that runs until it is told to end. */
function job(name: string, log: string[]) {
  let end = () => {};
  let fail = () => {};
  const done = new Promise<string>((resolve, reject) => {
    end = () => resolve(name);
    fail = () => reject(new Error(name));
  });
  const run = () => {
    log.push(name);
    return done;
  };
  return { run, end, fail };
}

/** Lets everything run on that waits for nothing but settled promises. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

test("jobs run so many at once, in the order they came, and a failing one frees its place", async () => {
  const log: string[] = [];
  const queue = new HashQueue({ hashesAtOnce: 2, hashesWaiting: 64 });
  const jobs = ["a", "b", "c", "d", "e"].map((name) => job(name, log));
  const results = Promise.allSettled(jobs.map(({ run }) => queue.run(run)));
  await settle();
  expect(log).toEqual(["a", "b"]);
  jobs[1]?.fail();
  await settle();
  expect(log).toEqual(["a", "b", "c"]);
  for (const { end } of jobs) end();
  const values = (await results).map((result) => (result.status === "fulfilled" ? result.value : "failed"));
  expect(values).toEqual(["a", "failed", "c", "d", "e"]);
  expect(log).toEqual(["a", "b", "c", "d", "e"]);
});

test("a place that was handed on is not taken by somebody who comes at the same time", async () => {
  const log: string[] = [];
  const queue = new HashQueue({ hashesAtOnce: 1 });
  const [a, b, c] = [job("a", log), job("b", log), job("c", log)];
  const first = queue.run(a.run);
  const second = queue.run(b.run);
  a.end();
  await first;
  const third = queue.run(c.run);
  await settle();
  expect(log).toEqual(["a", "b"]);
  b.end();
  c.end();
  expect(await Promise.all([second, third])).toEqual(["b", "c"]);
});

test("what would wait too long is refused at once, and never run", async () => {
  const log: string[] = [];
  const queue = new HashQueue({ hashesAtOnce: 1, hashesWaiting: 2 });
  const jobs = ["a", "b", "c", "d"].map((name) => job(name, log));
  const [a, b, c, d] = jobs.map(({ run }) => queue.run(run));
  const refused = await d?.catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(RefusedError);
  expect(refused).toMatchObject({ code: "timeout" });
  for (const { end } of jobs) end();
  expect(await Promise.all([a, b, c])).toEqual(["a", "b", "c"]);
  expect(log).toEqual(["a", "b", "c"]);
  expect(await queue.run(async () => "later")).toBe("later");
});

test("registrations, logins and new passwords share one queue: 2 run, 64 wait, the next is refused", async () => {
  const accounts = await openSqliteAccounts({ file: ":memory:" });
  const calls: Promise<unknown>[] = [];
  for (let i = 0; i < 22; i++) {
    calls.push(accounts.register(`user${i}`, "secret"));
    calls.push(accounts.authenticate("nobody", "secret"));
    calls.push(accounts.setPassword("nobody", "secret"));
  }
  const beyond = await Promise.allSettled([
    accounts.register("ann", "secret"),
    accounts.authenticate("user0", "secret"),
    accounts.setPassword("user0", "secret"),
  ]);
  for (const outcome of beyond) {
    expect(outcome).toMatchObject({ status: "rejected", reason: { code: "timeout" } });
  }
  expect((await Promise.allSettled(calls)).map(({ status }) => status)).toEqual(Array(66).fill("fulfilled"));
  expect(await accounts.find("ann")).toBeUndefined();
  await accounts.close();
});

test("limits that make no sense are a usage error", async () => {
  for (const options of [{ hashesAtOnce: 0 }, { hashesAtOnce: Number.NaN }, { hashesWaiting: -1 }]) {
    await expect(openSqliteAccounts({ file: ":memory:", ...options })).rejects.toBeInstanceOf(UsageError);
  }
});
