import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { openPostgresAccounts } from "../src/index.ts";
import { Cluster, hasPostgres, START_MS } from "./postgres-cluster.ts";

describe.skipIf(!hasPostgres)("a PostgreSQL that goes away", () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = new Cluster();
    await cluster.start();
    return () => cluster.remove();
  }, START_MS);

  test("by a crash under registrations loses none that was acknowledged, and is used again when it is back", async () => {
    const accounts = await openPostgresAccounts({ url: cluster.url(await cluster.database()) });
    const acknowledged: string[] = [];
    for (let round = 0; round < 2; round++) {
      let [failed, back] = [0, 0];
      let crash: Promise<void> | undefined;
      const registerUntilBack = async (prefix: string): Promise<void> => {
        for (let i = 0; back < 3; i++) {
          const name = `${prefix}-${i}`;
          const ok = await accounts.register(name, "secret").then(
            () => true,
            () => false,
          );
          if (ok) acknowledged.push(name);
          else failed++;
          if (ok && failed > 0) back++;
          if (i === 4 + round) crash ??= cluster.crash().then(() => cluster.start());
        }
      };
      await Promise.all(["a", "b", "c"].map((writer) => registerUntilBack(`${round}-${writer}`)));
      await crash;
      expect(failed).toBeGreaterThan(0);
      const found = await Promise.all(acknowledged.map((name) => accounts.find(name)));
      expect(acknowledged.filter((_, i) => found[i] === undefined)).toEqual([]);
    }
    expect(acknowledged.length).toBeGreaterThan(2 * 3 * 4);
    await accounts.close();
  });

  test("in order is reported by an idle connection, and the next call after its return is answered", async () => {
    let report: (problem: string, error: unknown) => void = () => {};
    const reported = new Promise((resolve) => {
      report = (problem, error) => resolve(`${problem}: ${error}`);
    });
    const accounts = await openPostgresAccounts({ url: cluster.url(await cluster.database()), report });
    await cluster.stop();
    expect(await reported).toBe(
      "an idle connection to the accounts database was lost: " +
        "PostgresError: PostgreSQL: terminating connection due to administrator command",
    );
    await expect(accounts.check()).rejects.toMatchObject({ code: "ENOENT" });
    await cluster.start();
    await accounts.check();
    await accounts.close();
  });

  test("without a word is given up after the time for a query, and its connection with it", async () => {
    const network = await unpluggable(`${cluster.directory}/.s.PGSQL.5432`);
    const database = await cluster.database();
    const url = cluster.url(database).replace(/@.*/, `@127.0.0.1:${network.port}/${database}`);
    const accounts = await openPostgresAccounts({ url, queryTimeoutMs: 250, connectTimeoutMs: 250 });
    await accounts.find("ann");

    network.unplug();
    await expect(accounts.find("ann")).rejects.toThrow("PostgreSQL: Query read timeout");
    await expect(accounts.find("ann")).rejects.toThrow(
      "PostgreSQL: Connection terminated due to connection timeout",
    );
    await expect(accounts.check()).rejects.toThrow(/^PostgreSQL: /);

    network.plugIn();
    expect(await accounts.find("ann")).toBeUndefined();
    await accounts.close();
  });
});

/** A way to a socket on which everything can stop, with all connections still open. */
async function unpluggable(path: string): Promise<{ port: number; unplug(): void; plugIn(): void }> {
  const sockets = new Set<Socket>();
  let state: "plugged" | "unplugged" = "plugged";
  const server = createServer((near) => {
    sockets.add(near.on("error", () => {}));
    // What comes while nothing passes is lost for good.
    if (state === "unplugged") return;
    const far = connect(path).on("error", () => {});
    sockets.add(far);
    near.on("data", (bytes) => state === "plugged" && far.write(bytes));
    far.on("data", (bytes) => state === "plugged" && near.write(bytes));
    near.on("close", () => far.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as { port: number };
  return {
    port,
    unplug() {
      state = "unplugged";
    },
    plugIn() {
      state = "plugged";
    },
  };
}
