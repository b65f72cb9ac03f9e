import { createServer } from "node:net";
import { inspect } from "node:util";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { openPostgresAccounts } from "../src/index.ts";
import { temporaryFile } from "./files.ts";
import { Cluster, freePort, hasPostgres, PASSWORD, START_MS } from "./postgres-cluster.ts";

describe("a server that is not there", () => {
  test("is tried again as often as was asked for, each time with a report, and is named in the error", async () => {
    const port = await freePort();
    const reports: string[] = [];
    const opening = openPostgresAccounts({
      url: `postgres://ann:hunter2@127.0.0.1:${port}/db`,
      startupRetries: 2,
      report: (problem, error) => reports.push(`${problem}: ${error}`),
    });
    await expect(opening).rejects.toThrow(
      `cannot open the accounts database db at 127.0.0.1:${port}: nothing listens there; start PostgreSQL, ` +
        `or name another host or port (PostgreSQL: connect ECONNREFUSED 127.0.0.1:${port})`,
    );
    expect(reports).toEqual(
      Array(2).fill(
        "the accounts database does not answer yet; it is tried again: " +
          `PostgresError: PostgreSQL: connect ECONNREFUSED 127.0.0.1:${port}`,
      ),
    );
  });

  test("is waited for no longer once the signal says so", async () => {
    const stopped = new AbortController();
    const opening = openPostgresAccounts({
      url: `postgres://127.0.0.1:${await freePort()}/db`,
      startupRetries: 1_000,
      signal: stopped.signal,
      report: () => stopped.abort(),
    });
    await expect(opening).rejects.toThrow("nothing listens there");
  });

  test("has its socket's directory told", async () => {
    const directory = temporaryFile("nothing");
    const opening = openPostgresAccounts({ url: `postgres:///db?host=${directory}`, startupRetries: 0 });
    await expect(opening).rejects.toThrow(
      `the accounts database db at ${directory}: there is no socket in that directory`,
    );
  });

  test("is given up after the time for a connection, where it takes one and never answers", async () => {
    const silent = createServer((socket) => socket.on("error", () => {}));
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const { port } = silent.address() as { port: number };
    const opening = openPostgresAccounts({
      url: `postgres://127.0.0.1:${port}/db`,
      startupRetries: 0,
      connectTimeoutMs: 50,
    });
    await expect(opening).rejects.toThrow("it does not answer; look at host and port");
    silent.close();
  });
});

describe.skipIf(!hasPostgres)("a PostgreSQL", () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = new Cluster();
    await cluster.start();
    return () => cluster.remove();
  }, START_MS);

  /** What is said of a database that cannot be used; it is never tried twice. */
  async function refusal(url: string): Promise<string> {
    const report = (problem: string) => expect.unreachable(problem);
    const error = await openPostgresAccounts({ url, report }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(Error);
    const everything = inspect(error, { depth: null, showHidden: true });
    for (const form of [PASSWORD, encodeURIComponent(PASSWORD)]) expect(everything).not.toContain(form);
    return (error as Error).message;
  }

  test("that refuses says why, at once and without the password", async () => {
    expect(await refusal(cluster.url("missing"))).toContain(
      `cannot open the accounts database missing at ${cluster.directory}: there is no such database`,
    );
    expect(await refusal(cluster.url("postgres").replace("wireyard:", "nobody:"))).toContain(
      "the password is wrong, or there is no such user",
    );
    expect(await refusal(cluster.url("postgres").replace(/:[^:]*@/, "@"))).toContain(
      "it asks for a password, and the URL has none",
    );
  });

  test("in which this user may make no tables is refused", async () => {
    const database = await cluster.database();
    await cluster.query(database, "CREATE ROLE guest LOGIN PASSWORD 'guest'");
    expect(await refusal(cluster.url(database).replace(/wireyard:[^:]*@/, "guest:guest@"))).toContain(
      "this user may not make tables in it; make it the owner of the database",
    );
  });

  test("with another program's accounts is refused, and they stay as they were", async () => {
    const database = await cluster.database();
    await cluster.query(database, "CREATE TABLE accounts (id int)");
    expect(await refusal(cluster.url(database))).toContain("give the accounts a database of their own");
    expect(await cluster.query(database, "SELECT * FROM accounts")).toEqual([]);
  });

  test("with tables of a newer version is refused", async () => {
    const database = await cluster.database();
    await (await openPostgresAccounts({ url: cluster.url(database) })).close();
    await cluster.query(
      database,
      "INSERT INTO kysely_migration VALUES ('999_later', '2999-01-01T00:00:00.000Z')",
    );
    expect(await refusal(cluster.url(database))).toContain("a newer version");
  });

  test("that cannot hold every name is refused", async () => {
    const database = await cluster.database(
      "ENCODING 'LATIN1' LOCALE_PROVIDER libc LOCALE 'C' TEMPLATE template0",
    );
    expect(await refusal(cluster.url(database))).toContain(
      "its encoding is LATIN1; make it with: CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0",
    );
  });

  test("that only starts after us is waited for", async () => {
    const late = new Cluster();
    onTestFinished(() => late.remove());
    await late.start();
    const database = await late.database();
    await late.stop();
    let starting: Promise<void> | undefined;
    const accounts = await openPostgresAccounts({
      url: late.url(database),
      report: () => {
        starting ??= late.start();
      },
    });
    await starting;
    await accounts.register("ann", "secret");
    await accounts.close();
  });
});
