import { setImmediate } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { Engine, NO_ENGINE, until } from "./engine.ts";
import { closeNode, openNode, type Person, person, say, type TestNode } from "./hubs.ts";

/** `WIREYARD_FIGURES=1` runs the full numbers that are promised, without it a tenth of them. */
const SHARE = process.env.WIREYARD_FIGURES === undefined ? 10 : 1;

describe.skipIf(NO_ENGINE)("three hubs on one engine", () => {
  let engine: Engine;
  let nodes: [TestNode, TestNode, TestNode];
  let made = 0;
  beforeAll(async () => {
    engine = await Engine.start();
  });
  afterAll(() => engine.stop());
  beforeEach(async () => {
    const options = { url: engine.url, prefix: `traffic${++made}`, leaseMs: 2_000 };
    nodes = [await openNode(options), await openNode(options), await openNode(options)];
  });
  afterEach(async () => {
    for (const node of nodes) await closeNode(node);
  });

  test("300 clients in 50 rooms across the nodes get every message once, each sender's in its order", {
    timeout: 180_000,
  }, async () => {
    const messages = 200_000 / SHARE;
    const people: Person[] = [];
    const heard: Map<string, number>[] = [];
    let received = 0;
    let wrong = 0;
    for (let i = 0; i < 300; i++) {
      const last = new Map<string, number>();
      heard.push(last);
      const hears = (text: string): void => {
        received++;
        const [from, n] = text.split(" ") as [string, string];
        if ((last.get(from) ?? 0) + 1 !== Number(n)) wrong++;
        last.set(from, Number(n));
      };
      const someone = person(nodes[i % 3] as TestNode, `p${i}`, hears);
      people.push(someone);
      await someone.node.hub.join(someone.session, `room ${i % 50}`, "");
    }
    await until(() => people.every(({ present }) => present.size === 6));
    for (let i = 0; i < messages; i++) {
      const from = people[i % 300] as Person;
      say(from, `${from.name} ${Math.floor(i / 300) + 1}`);
      if (i % 500 === 499) {
        // As many on their way as a server would have, not all of them.
        await until(() => received > (i - 5_000) * 6);
        await setImmediate();
      }
    }
    await until(() => received >= messages * 6);
    expect({ received, wrong }).toEqual({ received: messages * 6, wrong: 0 });
    expect(nodes.map(({ backplane }) => backplane.counters.missed + backplane.counters.unsent)).toEqual([
      0, 0, 0,
    ]);
  });

  test("ordered messages of two senders on two nodes have one order at all receivers", {
    timeout: 60_000,
  }, async () => {
    const each = 20_000 / SHARE;
    const orders: string[][] = [];
    const people = [0, 1, 2, 0, 1, 2].map((at, i) => {
      const order: string[] = [];
      orders.push(order);
      return person(nodes[at] as TestNode, `p${i}`, (text) => order.push(text));
    });
    for (const { node, session } of people) await node.hub.join(session, "lobby", "");
    const [one, two] = people as [Person, Person];
    await until(() => people.every(({ present }) => present.size === 6));
    for (let i = 0; i < each; i++) {
      say(one, `one ${i}`, { ordered: true });
      say(two, `two ${i}`, { ordered: true });
      if (i % 200 === 199) await until(() => (orders[0] as string[]).length > 2 * i - 2_000);
    }
    await until(() => orders.every((order) => order.length >= 2 * each));
    const [first, ...others] = orders as [string[], ...string[][]];
    let differ = 0;
    for (const order of others) for (const [i, text] of order.entries()) if (text !== first[i]) differ++;
    expect(differ).toBe(0);
    expect(first.filter((text) => text.startsWith("one"))).toEqual(
      Array.from({ length: each }, (_, i) => `one ${i}`),
    );
  });

  test("a message that is not ordered does not overtake the sender's ordered ones", async () => {
    const [a, b] = [person(nodes[0], "a"), person(nodes[1], "b")];
    for (const { node, session } of [a, b]) await node.hub.join(session, "lobby", "");
    await until(() => a.present.size === 2);
    nodes[0].hub.defineGroup(a.session, "us", [a.session.id, b.session.id]);
    for (const { seen } of [a, b]) seen.length = 0;
    say(a, "1", { ordered: true });
    say(a, "2");
    nodes[0].hub.postToGroup(a.session, "us", new TextEncoder().encode("3"), "stream");
    say(a, "4", { ordered: true });
    await until(() => a.seen.length === 4 && b.seen.length === 4);
    const inOrder = ["message a 1", "message a 2", "message a 3", "message a 4"];
    expect([a.seen, b.seen]).toEqual([inOrder, inOrder]);
  });

  test("a group has members on other nodes, wherever their rooms are", async () => {
    const [a, b, c] = [person(nodes[0], "a"), person(nodes[1], "b"), person(nodes[2], "c")];
    const { hub } = nodes[0];
    hub.defineGroup(a.session, "us", [b.session.id, c.session.id, a.session.id, 77, 2 ** 31 - 2]);
    hub.postToGroup(a.session, "us", new TextEncoder().encode("hi"), "stream");
    await until(() => [a, b, c].every(({ seen }) => seen.length === 1));
    expect([a.seen, b.seen, c.seen]).toEqual([["message a hi"], ["message a hi"], ["message a hi"]]);
  });

  test("a command reaches the sessions of a user on every node", async () => {
    const [a, b, c] = [person(nodes[0], "a"), person(nodes[1], "b"), person(nodes[2], "c")];
    const name = `user${made}`;
    await nodes[0].hub.register(a.session, name, "pw");
    for (const { node, session } of [a, b, c]) await node.hub.login(session, name, "pw");
    await until(async () =>
      (await engine.ask("PUBSUB", "NUMSUB", `{traffic${made}}:user:${name}`)).endsWith(":3\r\n"),
    );
    await nodes[0].hub.sendToUser(a.session, name, [new TextEncoder().encode("text")]);
    await until(() => [a, b, c].every(({ seen }) => seen.length === 1));
    expect(c.seen).toEqual([`command ${name} text`]);
  });

  test("every node lists the sessions of the whole hub", async () => {
    const [a, b] = [person(nodes[0], "a"), person(nodes[1], "b")];
    await until(async () => {
      const all = await nodes[2].hub.nodes();
      const ids = all.flatMap(({ sessions }) => sessions.map(({ id }) => id));
      return ids.length === 2 && ids.includes(a.session.id) && ids.includes(b.session.id);
    });
    expect((await nodes[2].hub.nodes()).map(({ self }) => self)).toEqual([true, false, false]);
    nodes[0].hub.close(a.session);
    await until(async () => (await nodes[2].hub.nodes()).flatMap(({ sessions }) => sessions).length === 1);
  });

  test("rolling restart: who comes back on another node is there once, and nothing is missed", async () => {
    const watcher = person(nodes[2], "watcher");
    await nodes[2].hub.join(watcher.session, "lobby", "");
    for (const at of [0, 1] as const) {
      const someone = person(nodes[at], `p${at}`);
      await nodes[at].hub.join(someone.session, "lobby", "");
      await until(() => watcher.present.has(`p${at}`));
      await closeNode(nodes[at]);
      await until(() => !watcher.present.has(`p${at}`));
      nodes[at] = await openNode({ url: engine.url, prefix: `traffic${made}`, leaseMs: 2_000 });
      const again = person(nodes[at], `p${at}`);
      await nodes[at].hub.join(again.session, "lobby", "");
    }
    await until(() => watcher.present.size === 3);
    expect(await nodes[2].hub.rooms()).toEqual([{ name: "lobby", members: 3, private: false }]);
    expect(watcher.master).toBe("watcher");
    expect(nodes[2].backplane.counters.missed).toBe(0);
  });
});
