import { performance } from "node:perf_hooks";
import { type AccountStore, RefusedError } from "@wireyard/session";
import { accountStoreCases } from "@wireyard/session/testing";
import { beforeAll, describe, expect, test } from "vitest";
import { openPostgresAccounts } from "../src/index.ts";
import { Cluster, hasPostgres, START_MS } from "./postgres-cluster.ts";

describe.skipIf(!hasPostgres)("accounts in PostgreSQL", () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = new Cluster();
    await cluster.start();
    return () => cluster.remove();
  }, START_MS);
  const open = async (database: string): Promise<AccountStore> =>
    openPostgresAccounts({ url: cluster.url(database), startupRetries: 0 });

  // English sorts `a-b` behind `ab`: the store's order must be its own.
  for (const { name, run } of accountStoreCases(async () => open(await cluster.database()))) test(name, run);

  test("stores that make one database at the same time all open it, and its tables are made once", async () => {
    for (let round = 0; round < 3; round++) {
      const database = await cluster.database();
      const stores = await Promise.all(Array.from({ length: 5 }, () => open(database)));
      await Promise.all(stores.map((store) => store.check()));
      expect(await cluster.query(database, "SELECT name FROM kysely_migration")).toEqual([
        { name: "001_accounts" },
      ]);
      for (const store of stores) await store.close();
    }
  });

  test("while another server is at the tables, a store waits for it", async () => {
    const database = await cluster.database();
    await (await open(database)).close();
    await cluster.query(database, "DROP TABLE accounts; DELETE FROM kysely_migration");
    const other = await cluster.session(database);
    await other.query("SELECT pg_advisory_lock(3853314791062309107)");
    const opening = open(database);
    const waiting = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted";
    while ((await other.query(waiting)).rows.length === 0);
    expect((await other.query("SELECT to_regclass('accounts') AS made")).rows).toEqual([{ made: null }]);
    await other.end();
    const store = await opening;
    await store.check();
    await store.close();
  });

  test("of registrations of one name by two servers at the same time exactly one is ok", async () => {
    const database = await cluster.database();
    const stores = await Promise.all([open(database), open(database)]);
    for (let i = 0; i < 10; i++) {
      const outcomes = await Promise.allSettled(
        stores.map((store, n) => store.register(`user${i}`, `pw${n}`)),
      );
      const won = outcomes.findIndex(({ status }) => status === "fulfilled");
      expect(outcomes[1 - won]).toMatchObject({ status: "rejected", reason: { code: "name_taken" } });
      expect(await stores[1 - won]?.authenticate(`user${i}`, `pw${won}`)).toEqual({
        name: `user${i}`,
        key: `user${i}`,
      });
    }
    for (const store of stores) await store.close();
  });

  test("a login takes the same time for an unknown user and for a wrong password", async () => {
    const store = await open(await cluster.database());
    await store.register("ann", "secret");
    const times: Record<string, number[]> = { ann: [], nobody: [] };
    for (let i = 0; i < 15; i++) {
      for (const name of ["ann", "nobody"]) {
        const start = performance.now();
        expect(await store.authenticate(name, "wrong")).toBeUndefined();
        times[name]?.push(performance.now() - start);
      }
    }
    const [known, unknown] = [times.ann, times.nobody].map((all) => all?.sort((a, b) => a - b)[7] ?? 0);
    expect(Math.abs((known ?? 0) - (unknown ?? 0)) / Math.max(known ?? 0, unknown ?? 0)).toBeLessThan(0.35);
    await store.close();
  });

  test("a name with a NUL is an unknown user", async () => {
    const store = await open(await cluster.database());
    expect(await store.find("ann\0")).toBeUndefined();
    expect(await store.authenticate("ann\0", "secret")).toBeUndefined();
    await store.close();
  });

  test("a commit is synced before it is acknowledged, also where the database would not", async () => {
    const database = await cluster.database();
    await (await open(database)).close();
    await cluster.query("postgres", `ALTER DATABASE ${database} SET synchronous_commit = off`);
    await cluster.query(
      database,
      `CREATE TABLE seen (value text);
       CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS
         $$ BEGIN INSERT INTO seen VALUES (current_setting('synchronous_commit')); RETURN NULL; END $$;
       CREATE TRIGGER see AFTER INSERT ON accounts EXECUTE FUNCTION see()`,
    );
    const store = await open(database);
    await store.register("ann", "secret");
    expect(await cluster.query(database, "SELECT value FROM seen")).toEqual([{ value: "on" }]);
    await store.close();
  });

  test("a statement that takes too long is ended by the server, and nothing of it stays", async () => {
    const database = await cluster.database();
    const store = await openPostgresAccounts({ url: cluster.url(database), statementTimeoutMs: 50 });
    const other = await cluster.session(database);
    await other.query("BEGIN; LOCK TABLE accounts");
    await expect(store.register("ann", "secret")).rejects.toMatchObject({ code: "57014" });
    await other.end();
    expect(await store.find("ann")).toBeUndefined();
    await store.close();
  });

  test("of the queries that wait for a connection, one too many is refused, and the others are answered", async () => {
    const database = await cluster.database();
    const store = await openPostgresAccounts({ url: cluster.url(database), poolSize: 1, queriesWaiting: 1 });
    const other = await cluster.session(database);
    await store.find("ann");
    await other.query("BEGIN; LOCK TABLE accounts");
    const finds = Promise.allSettled(["a", "b", "c"].map((name) => store.find(name)));
    await expect(store.find("d")).rejects.toEqual(
      new RefusedError("timeout", "too many queries wait for the accounts database, try again later"),
    );
    await other.end();
    expect((await finds).map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "rejected"]);
    await store.close();
  });

  test("after close every call rejects, and close may come twice", async () => {
    const store = await open(await cluster.database());
    const registration = store.register("ann", "secret").catch(() => "rejected");
    await store.close();
    expect(await registration).toBe("rejected");
    await expect(store.check()).rejects.toThrow();
    await store.close();
  });
});
