import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import net from "node:net";
import { fileURLToPath } from "node:url";
import { nodeOfId } from "@wireyard/session";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Engine, NO_ENGINE, until } from "./engine.ts";
import { closeNode, isAway, openNode, type Person, person, say, type TestNode } from "./hubs.ts";
import { Wall } from "./wall.ts";

/** `WIREYARD_FIGURES=1` takes the default lease and 30 s, as promised, without it a tenth of them. */
const FULL = process.env.WIREYARD_FIGURES !== undefined;
const LEASE_MS = FULL ? 5_000 : 500;
const PARTITION_MS = FULL ? 30_000 : 3_000;
const GONE_MS = 2 * LEASE_MS;
const CONVERGED_MS = 5_000;
const CHILD = fileURLToPath(new URL("node-child.ts", import.meta.url));

describe.skipIf(NO_ENGINE)("when something fails", { timeout: 90_000 }, () => {
  let engine: Engine;
  let options: { url: string; prefix: string; leaseMs: number };
  let ends: (() => void | Promise<void>)[];
  beforeEach(async () => {
    engine = await Engine.start();
    options = { url: engine.url, prefix: "faults", leaseMs: LEASE_MS };
    ends = [];
  });
  afterEach(async () => {
    for (const end of ends.reverse()) await end();
    await engine.stop();
  });

  async function open(url = engine.url): Promise<TestNode> {
    const node = await openNode({ ...options, url });
    ends.push(() => closeNode(node));
    return node;
  }

  async function joined(node: TestNode, name: string, hears?: (text: string) => void): Promise<Person> {
    const someone = person(node, name, hears);
    await node.hub.join(someone.session, "lobby", "");
    return someone;
  }

  async function child(...rooms: string[]): Promise<ChildProcess> {
    const args = ["--conditions=source", CHILD, JSON.stringify({ ...options, rooms })];
    const process_ = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
    ends.push(() => {
      process_.kill("SIGKILL");
    });
    await once(process_.stdout as NodeJS.ReadableStream, "data");
    return process_;
  }

  test("a killed node's members have left in time, the master moves and counts are right", async () => {
    const killed = await child("lobby", "den");
    const [one, two] = [await open(), await open()];
    const [a, b] = [await joined(one, "a"), await joined(two, "b")];
    await until(() => [a, b].every(({ present }) => present.size === 3));
    expect([a.master, b.master]).toEqual(["child in lobby", "child in lobby"]);
    const from = performance.now();
    killed.kill("SIGKILL");
    await until(() => [a, b].every(({ present, master }) => present.size === 2 && master === "a"));
    expect(performance.now() - from).toBeLessThan(GONE_MS);
    await until(async () => (await one.hub.allRooms()).length === 1);
    expect(await two.hub.allRooms()).toEqual([{ name: "lobby", members: 2, private: false }]);
  });

  test("a stopped node's members leave, and come back when it goes on", async () => {
    const stopped = await child("lobby");
    const one = await open();
    let last = 0;
    let wrong = 0;
    const a = await joined(one, "a", (text) => {
      if (Number(text) <= last) wrong++;
      last = Number(text);
    });
    await until(() => last > 10);
    stopped.kill("SIGSTOP");
    await until(() => a.present.size === 1 && a.master === "a");
    expect(await one.hub.rooms()).toEqual([{ name: "lobby", members: 1, private: false }]);
    stopped.kill("SIGCONT");
    const from = performance.now();
    const before = last;
    await until(() => a.present.size === 2 && last > before + 10);
    expect(performance.now() - from).toBeLessThan(CONVERGED_MS);
    expect([wrong, a.master]).toEqual([0, "a"]);
  });

  test("a lease that has run out is not brought back by renewing it, and nobody is seen to move", async () => {
    const [one, two] = [await open(), await open()];
    const [a, b] = [await joined(one, "a"), await joined(two, "b")];
    await until(() => [a, b].every(({ present }) => present.size === 2));
    for (const { seen } of [a, b]) seen.length = 0;
    // What it says from now on is refused: it has to notice, and not go on as if nothing had been lost.
    await engine.ask("DEL", `{faults}:n:${nodeOfId(a.session.id)}`);
    await until(async () => one.backplane.counters.outages === 1 && !(await isAway(one)));
    say(a, "hi", { ordered: true });
    await until(() => [a, b].every(({ seen }) => seen.includes("message a hi")));
    expect([a.seen, b.seen]).toEqual([["message a hi"], ["message a hi"]]);
    expect(two.backplane.counters.outages).toBe(0);
  });

  test("a node behind a partition goes on for its own, and all are one again after it", async () => {
    const wall = await Wall.before(engine.port);
    ends.push(() => wall.close());
    const [inside, outside] = [await open(wall.url), await open()];
    const [atB, atC] = [listener(), listener()];
    const a = await joined(inside, "a");
    const b = await joined(inside, "b", atB.hear);
    const c = await joined(outside, "c", atC.hear);
    await until(() => [a, b, c].every(({ present }) => present.size === 3));
    let n = 0;
    const timer = setInterval(() => say(a, `a ${++n}`), 5);
    ends.push(() => clearInterval(timer));
    await until(() => n > 20);

    wall.up();
    const from = performance.now();
    await until(() => isAway(inside));
    expect(performance.now() - from).toBeLessThan(LEASE_MS);
    // Its own members hear each other, and what cannot be promised is refused.
    say(b, "b 1");
    await until(() => a.seen.includes("message b b 1"));
    expect(() => say(a, "x", { ordered: true })).toThrow(expect.objectContaining({ code: "unavailable" }));
    const d = person(inside, "d");
    await expect(inside.hub.join(d.session, "lobby", "")).rejects.toThrow(
      expect.objectContaining({ code: "unavailable" }),
    );
    await expect(inside.hub.rooms()).rejects.toThrow(expect.objectContaining({ code: "unavailable" }));
    await until(() => c.present.size === 1 && c.master === "c");
    await until(() => performance.now() - from > PARTITION_MS, PARTITION_MS * 2);

    wall.down();
    const healed = performance.now();
    await until(() => c.present.size === 3 && a.master === "c" && b.master === "c");
    await inside.hub.check();
    const said = n;
    await until(() => atC.last("a") > said);
    expect(performance.now() - healed).toBeLessThan(CONVERGED_MS);
    clearInterval(timer);
    await inside.hub.join(d.session, "lobby", "");
    expect(await outside.hub.rooms()).toEqual([{ name: "lobby", members: 4, private: false }]);
    // `person` throws where somebody is told twice to have come; what was lost is counted.
    expect([atB.wrong, atC.wrong]).toEqual([0, 0]);
    expect([...a.present].sort()).toEqual(["a", "b", "c", "d"]);
    expect(inside.backplane.counters).toMatchObject({ outages: 1, leasesLost: 1 });
    expect(inside.backplane.counters.unsent).toBeGreaterThan(0);
  });

  test("the sender of an ordered message hears of it where the connection breaks before it comes back", async () => {
    const wall = await Wall.before(engine.port);
    ends.push(() => wall.close());
    const [inside, outside] = [await open(wall.url), await open()];
    const heard: string[] = [];
    const a = await joined(inside, "a");
    const b = await joined(outside, "b", (text) => heard.push(text));
    await until(() => [a, b].every(({ present }) => present.size === 2));
    await say(a, "1", { ordered: true });
    expect([a.seen.at(-1), heard]).toEqual(["message a 1", ["1"]]);
    wall.up();
    const [ordered, behind] = [say(a, "2", { ordered: true }), say(a, "3")];
    const doubt = { code: "unavailable", message: "an ordered message may not have reached everybody" };
    await expect(ordered).rejects.toThrow(expect.objectContaining(doubt));
    await expect(behind).rejects.toThrow(expect.objectContaining(doubt));
    expect(inside.backplane.counters).toMatchObject({ inDoubt: 2, unsent: 0 });
    // One that was not sent is refused, and not in doubt.
    expect(() => say(a, "4", { ordered: true })).toThrow(expect.objectContaining({ code: "unavailable" }));
    wall.down();
    await until(async () => !(await isAway(inside)) && a.present.size === 2 && b.present.size === 2);
    await say(a, "5", { ordered: true });
    await until(() => heard.includes("5"));
    expect(a.seen.filter((words) => words.startsWith("message"))).toEqual(["message a 1", "message a 5"]);
    // Some may have come through late, but in their order, and before what was said later.
    expect(heard).toEqual([...new Set(heard)].sort());
    expect(inside.backplane.counters.inDoubt).toBe(2);
  });

  test("who left behind a partition has left, and who stayed has not been seen to move", async () => {
    const wall = await Wall.before(engine.port);
    ends.push(() => wall.close());
    // Back within its lease.
    options.leaseMs = 60_000;
    const [inside, outside] = [await open(wall.url), await open()];
    const [a, b, c] = [await joined(inside, "a"), await joined(inside, "b"), await joined(outside, "c")];
    await until(() => [a, b, c].every(({ present }) => present.size === 3));
    wall.up();
    await until(() => isAway(inside));
    for (const { seen } of [b, c]) seen.length = 0;
    inside.hub.close(a.session);
    await until(() => b.present.size === 2);
    wall.down();
    await until(async () => c.present.size === 2 && !(await isAway(inside)));
    expect([b.seen, c.seen]).toEqual([
      ["left lobby a", "master lobby b"],
      ["left lobby a", "master lobby b"],
    ]);
  });

  test("an engine that is killed and comes back empty is filled again, with the masters it had", async () => {
    const [one, two] = [await open(), await open()];
    const [a, b, c] = [await joined(one, "a"), await joined(two, "b"), await joined(one, "c")];
    await until(() => [a, b, c].every(({ present }) => present.size === 3));
    await engine.kill();
    await until(() => isAway(one));
    for (const { seen } of [a, b, c]) seen.length = 0;
    say(a, "still here");
    expect(c.seen).toEqual(["message a still here"]);
    await engine.run();
    const from = performance.now();
    await until(async () => !(await isAway(one)) && !(await isAway(two)));
    expect(await one.hub.rooms()).toEqual([{ name: "lobby", members: 3, private: false }]);
    expect(performance.now() - from).toBeLessThan(CONVERGED_MS);
    say(b, "again", { ordered: true });
    await until(() => [a, b, c].every(({ seen }) => seen.includes("message b again")));
    expect([a.seen, b.seen]).toEqual([["message a still here", "message b again"], ["message b again"]]);
    expect([a.master, b.master, c.master]).toEqual(["a", "a", "a"]);
  });

  test("a public room that somebody came to with a password is public still when the engine has lost it", async () => {
    const [one, two] = [await open(), await open()];
    const a = person(one, "a");
    await one.hub.join(a.session, "hall", "");
    const [b, c] = [person(one, "b"), person(two, "c")];
    await one.hub.join(b.session, "hall", "ignored");
    await two.hub.join(c.session, "hall", "ignored too");
    // Then all who are left came with one.
    await one.hub.leave(a.session);
    await until(() => [b, c].every(({ present }) => present.size === 2));
    await engine.kill();
    await until(async () => (await isAway(one)) && (await isAway(two)));
    await engine.run();
    await until(async () => !(await isAway(one)) && !(await isAway(two)));
    await until(() => [b, c].every(({ present }) => present.size === 2));
    expect(await one.hub.rooms()).toEqual([{ name: "hall", members: 2, private: false }]);
    await one.hub.join(a.session, "hall", "");
  });

  test("who logs in while a node is brought together with the others hears commands of theirs", async () => {
    // The others get half a lease, a second at the most, to bring back theirs.
    options.leaseMs = 2_000;
    const [one, two] = [await open(), await open()];
    const [a, b] = [person(one, "ann"), person(two, "bob")];
    for (const { session, name, node } of [a, b]) await node.hub.register(session, name, "secret");
    await one.hub.login(a.session, "ann", "secret");
    await engine.kill();
    await until(async () => (await isAway(one)) && (await isAway(two)));
    await engine.run();
    const channel = `{faults}:node:${nodeOfId(b.session.id)}`;
    await until(async () => (await engine.ask("PUBSUB", "NUMSUB", channel)).includes(":1\r\n"));
    await two.hub.login(b.session, "bob", "secret");
    expect(await isAway(two)).toBe(true);
    await until(async () => !(await isAway(one)) && !(await isAway(two)));
    await one.hub.sendToUser(a.session, "bob", [new TextEncoder().encode("hi")]);
    await until(() => b.seen.includes("command ann hi"));
  });

  test("who came while a node had another number is reached still", async () => {
    const [one, two] = [await open(), await open()];
    const [a, b] = [person(one, "a"), person(two, "b")];
    const number = nodeOfId(a.session.id);
    // Away for so long that another node has its number.
    await engine.ask("HSET", "{faults}:owners", String(number), "another");
    await engine.ask("DEL", `{faults}:n:${number}`);
    await until(async () => one.backplane.counters.outages === 1 && !(await isAway(one)));
    const late = person(one, "late");
    expect(nodeOfId(late.session.id)).not.toBe(number);
    two.hub.defineGroup(b.session, "both", [a.session.id, late.session.id]);
    two.hub.postToGroup(b.session, "both", new TextEncoder().encode("hi"), "stream");
    await until(() => [a, late].every(({ seen }) => seen.includes("message b hi")));
  });

  test("rooms that somebody moved through are not heard any more", async () => {
    const [one, two] = [await open(), await open()];
    const [a, b] = [await joined(one, "a"), person(two, "b")];
    await two.hub.join(b.session, "room 3", "");
    for (let i = 0; i < 10; i++) await one.hub.join(a.session, `room ${i}`, "");
    await until(async () => (await engine.ask("PUBSUB", "CHANNELS", "{faults}:room:*")).startsWith("*2\r\n"));
    await one.hub.join(a.session, "room 3", "");
    await until(() => a.present.size === 2 && b.present.size === 2);
  });

  test("an engine that stands still longer than every lease finds everybody there", async () => {
    const [one, two] = [await open(), await open()];
    const [a, b] = [await joined(one, "a"), await joined(two, "b")];
    await until(() => [a, b].every(({ present }) => present.size === 2));
    engine.signal("SIGSTOP");
    ends.push(() => engine.signal("SIGCONT"));
    await until(async () => (await isAway(one)) && (await isAway(two)));
    const from = performance.now();
    await until(() => performance.now() - from > 2 * LEASE_MS);
    for (const { seen } of [a, b]) seen.length = 0;
    engine.signal("SIGCONT");
    const healed = performance.now();
    await until(async () => !(await isAway(one)) && !(await isAway(two)));
    expect(performance.now() - healed).toBeLessThan(CONVERGED_MS);
    say(a, "hi", { ordered: true });
    await until(() => b.seen.includes("message a hi"));
    expect([a.seen, b.seen]).toEqual([["message a hi"], ["message a hi"]]);
  });

  test("when sentinels have made a replica the master, all are one again there", async () => {
    const replica = await Engine.start(undefined, ["--replicaof", "127.0.0.1", String(engine.port)]);
    ends.push(() => replica.stop());
    await until(async () => (await engine.ask("INFO", "replication")).includes("state=online"));
    const sentinel = await Engine.startSentinel(engine);
    ends.push(() => sentinel.stop());
    await until(async () =>
      (await sentinel.ask("SENTINEL", "REPLICAS", "main")).includes(String(replica.port)),
    );
    // One of them takes connections, and answers nothing.
    const hanging = net.createServer((socket) => void socket.on("error", () => {})).listen(0, "127.0.0.1");
    await once(hanging, "listening");
    ends.push(() => void hanging.close());
    const ports = [(hanging.address() as net.AddressInfo).port, sentinel.port];
    const sentinels = { name: "main", addresses: ports.map((port) => ({ host: "127.0.0.1", port })) };
    const { url: _, ...rest } = options;
    // Finding the new master takes some rounds of asking, and who is there first waits one lease for the other.
    rest.leaseMs = 2_000;
    const nodes = [await openNode({ ...rest, sentinels }), await openNode({ ...rest, sentinels })] as const;
    for (const node of nodes) ends.push(() => closeNode(node));
    const [a, b] = [await joined(nodes[0], "a"), await joined(nodes[1], "b")];
    await until(() => [a, b].every(({ present }) => present.size === 2));
    for (const { seen } of [a, b]) seen.length = 0;
    await engine.kill();
    await until(async () => (await isAway(nodes[0])) && (await isAway(nodes[1])));
    await until(async () => !(await isAway(nodes[0])) && !(await isAway(nodes[1])), 30_000);
    say(b, "hi", { ordered: true });
    await until(() => a.seen.includes("message b hi"));
    expect([a.seen, b.seen]).toEqual([["message b hi"], ["message b hi"]]);
    expect(await nodes[0].hub.rooms()).toEqual([{ name: "lobby", members: 2, private: false }]);
  });

  test("a node that cannot keep up is cut off by the engine, and counts what it missed", async () => {
    await engine.ask("CONFIG", "SET", "client-output-buffer-limit", "pubsub 1mb 1mb 0");
    const wall = await Wall.before(engine.port);
    ends.push(() => wall.close());
    options.leaseMs = 60_000;
    const [slow, other] = [await open(wall.url), await open()];
    let heard = 0;
    const [a, b] = [await joined(slow, "a", () => heard++), await joined(other, "b")];
    await until(() => [a, b].every(({ present }) => present.size === 2));
    wall.up();
    const body = "x".repeat(60_000);
    for (let i = 0; i < 300; i++) {
      say(b, body);
      if (i % 50 === 49) await other.hub.check();
    }
    wall.down();
    await until(async () => slow.backplane.counters.outages > 0 && !(await isAway(slow)));
    await until(() => heard + slow.backplane.counters.missed >= 300);
    expect(heard + slow.backplane.counters.missed).toBe(300);
    expect(a.present.size).toBe(2);
  });
});

/** Hears `NAME n`: of each name the numbers may have gaps, but must rise. */
function listener(): { hear(text: string): void; last(name: string): number; wrong: number } {
  const last = new Map<string, number>();
  const listening = {
    wrong: 0,
    last: (name: string) => last.get(name) ?? 0,
    hear(text: string) {
      const [name, n] = text.split(" ") as [string, string];
      if (Number(n) <= listening.last(name)) listening.wrong++;
      last.set(name, Number(n));
    },
  };
  return listening;
}
