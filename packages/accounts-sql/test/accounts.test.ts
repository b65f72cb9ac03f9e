import { performance } from "node:perf_hooks";
import { UsageError } from "@wireyard/session";
import { expect, test } from "vitest";
import { openSqliteAccounts } from "../src/index.ts";
import { openSqliteFile } from "../src/sqlite-file.ts";
import { temporaryFile } from "./files.ts";

test("a login takes the same time for an unknown user and for a wrong password", async () => {
  const accounts = await openSqliteAccounts({ file: ":memory:" });
  await accounts.register("ann", "secret");
  const times: Record<string, number[]> = { ann: [], nobody: [] };
  for (let i = 0; i < 15; i++) {
    // In turns, so that whatever else the machine does hits both.
    for (const name of ["ann", "nobody"]) {
      const start = performance.now();
      expect(await accounts.authenticate(name, "wrong")).toBeUndefined();
      times[name]?.push(performance.now() - start);
    }
  }
  const [known, unknown] = [median(times.ann), median(times.nobody)];
  expect(Math.abs(known - unknown) / Math.max(known, unknown)).toBeLessThan(0.35);
  await accounts.close();
});

test("an account that is removed during a login does not log in", async () => {
  const accounts = await openSqliteAccounts({ file: ":memory:" });
  await accounts.register("ann", "secret");
  const outcomes = await Promise.all([accounts.authenticate("ann", "secret"), accounts.remove("ann")]);
  expect(outcomes).toEqual([undefined, true]);
  await accounts.close();
});

test("what is stored is the name, its key, the hash and the time in milliseconds, never the password", async () => {
  const file = temporaryFile();
  const accounts = await openSqliteAccounts({ file });
  const before = Date.now();
  await accounts.register("Ann", "secret");
  await accounts.close();
  const database = openSqliteFile(file, 0);
  const rows = database.prepare("SELECT * FROM accounts").all();
  database.close();
  expect(rows).toHaveLength(1);
  expect(rows[0]).toMatchObject({
    name: "Ann",
    key: "ann",
    hash: expect.stringMatching(/^\$argon2id\$v=19\$/),
  });
  expect(rows[0]?.created_at).toBeGreaterThanOrEqual(before);
  expect(rows[0]?.created_at).toBeLessThanOrEqual(Date.now());
  expect(JSON.stringify(rows)).not.toContain("secret");
});

test("a stored hash that is none is an error, never a login", async () => {
  const file = temporaryFile();
  const accounts = await openSqliteAccounts({ file });
  await accounts.register("ann", "secret");
  const database = openSqliteFile(file, 0);
  database.exec("UPDATE accounts SET hash = 'secret'");
  database.close();
  await expect(accounts.authenticate("ann", "secret")).rejects.toThrow(
    "a stored password is no argon2id PHC string",
  );
  await accounts.close();
});

test("a page of a negative or broken size is a usage error", async () => {
  const accounts = await openSqliteAccounts({ file: ":memory:" });
  for (const limit of [-1, 0.5, Number.NaN]) {
    await expect(accounts.list({ limit })).rejects.toBeInstanceOf(UsageError);
  }
  expect(await accounts.list({ limit: 0 })).toEqual([]);
  await accounts.close();
});

test("after close every call rejects, also one whose password was being hashed, and close may come twice", async () => {
  const accounts = await openSqliteAccounts({ file: ":memory:" });
  const registration = accounts.register("ann", "secret").catch(() => "rejected");
  await accounts.close();
  expect(await registration).toBe("rejected");
  await expect(accounts.check()).rejects.toThrow();
  await expect(accounts.find("ann")).rejects.toThrow();
  await accounts.close();
});

function median(times: number[] = []): number {
  return [...times].sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0;
}
