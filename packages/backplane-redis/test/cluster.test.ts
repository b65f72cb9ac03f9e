import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { EngineAddress } from "../src/index.ts";
import { type Engine, NO_ENGINE, startCluster, startReplica, until } from "./engine.ts";
import { closeNode, isAway, openNode, type Person, person, say, type TestNode } from "./hubs.ts";

/** One in each bucket: names of one letter differ in theirs. */
const ROOMS = [..."abcdefghijklmnop"];
/** What a failover may take here, of which the engines' own time limits are some 3 s. */
const FAILOVER_MS = 45_000;

describe.skipIf(NO_ENGINE)("a cluster of which one master has a replica", { timeout: 120_000 }, () => {
  let cluster: Awaited<ReturnType<typeof startCluster>>;
  let replica: Engine;
  let nodes: TestNode[];
  let ends: (() => Promise<void>)[];
  beforeEach(async () => {
    nodes = [];
    ends = [];
    cluster = await startCluster();
    ends.push(() => cluster.stop());
    const [first] = cluster.engines as [Engine, Engine, Engine];
    replica = await startReplica(first, cluster.engines);
    ends.push(() => replica.stop());
  }, FAILOVER_MS);
  afterEach(async () => {
    for (const end of ends.reverse()) await end();
  }, FAILOVER_MS);

  /** The one that is to fail comes first: it is asked first where everything lies. */
  async function open(): Promise<TestNode> {
    const addresses: EngineAddress[] = cluster.engines.map(({ port }) => ({ host: "127.0.0.1", port }));
    const node = await openNode({ cluster: addresses, prefix: "failover", leaseMs: 10_000 });
    nodes.push(node);
    ends.push(() => closeNode(node));
    return node;
  }

  /** Somebody of each node in every room, the first node's first. */
  async function filled(): Promise<[Person, Person][]> {
    const [one, two] = [await open(), await open()];
    const pairs: [Person, Person][] = [];
    for (const room of ROOMS) {
      const pair: [Person, Person] = [person(one, `a in ${room}`), person(two, `b in ${room}`)];
      for (const { node, session } of pair) await node.hub.join(session, room, "");
      pairs.push(pair);
    }
    await until(() => pairs.flat().every(({ present }) => present.size === 2));
    for (const { seen } of pairs.flat()) seen.length = 0;
    return pairs;
  }

  async function converged(pairs: [Person, Person][]): Promise<void> {
    for (const node of nodes) await until(async () => !(await isAway(node)), FAILOVER_MS);
    // `person` throws where somebody is told twice to have come, or to have left without having been there.
    await until(() => pairs.flat().every(({ present }) => present.size === 2));
    for (const [a, b] of pairs) expect([a.master, b.master]).toEqual([a.name, a.name]);
    for (const { hub } of nodes) {
      const rooms = (await hub.allRooms()).map(({ name, members }) => `${name} ${members}`);
      expect(rooms.sort()).toEqual(ROOMS.map((name) => `${name} 2`));
    }
    for (const [a, b] of pairs)
      await Promise.all([say(a, "one", { ordered: true }), say(b, "two", { ordered: true })]);
    await until(() => pairs.flat().every(({ seen }) => messagesOf(seen).length === 2));
    for (const [a, b] of pairs) expect(messagesOf(a.seen)).toEqual(messagesOf(b.seen));
  }

  test("rooms of all buckets are one again when a master was killed, and its replica has taken over", async () => {
    const pairs = await filled();
    const [first] = cluster.engines as [Engine, Engine, Engine];
    await first.kill();
    for (const node of nodes) await until(() => isAway(node));
    await converged(pairs);
    expect(await replica.ask("ROLE")).toContain("master");
    expect(Number((await replica.ask("DBSIZE")).slice(1))).toBeGreaterThan(0);
    // It comes back as a replica, and nobody notices.
    await first.run();
    await until(async () => (await first.ask("INFO", "replication")).includes("master_link_status:up"));
    for (const node of nodes) expect(await isAway(node)).toBe(false);
  });

  test("the same when it hangs; and when it goes on, as a replica, nothing is torn", async () => {
    const pairs = await filled();
    const [first] = cluster.engines as [Engine, Engine, Engine];
    first.signal("SIGSTOP");
    for (const node of nodes) await until(() => isAway(node));
    await until(async () => (await replica.ask("ROLE")).includes("master"), FAILOVER_MS);
    await converged(pairs);
    first.signal("SIGCONT");
    await until(async () => (await first.ask("INFO", "replication")).includes("master_link_status:up"));
    for (const { seen } of pairs.flat()) seen.length = 0;
    await converged(pairs);
  });
});

function messagesOf(seen: readonly string[]): string[] {
  return seen.filter((words) => words.startsWith("message"));
}
