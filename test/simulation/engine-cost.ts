// What joins, messages, lists and leaves cost the engine: the figures of docs/scaling.md.
//
//   node --conditions=source test/simulation/engine-cost.ts      from the root, with redis-server installed

import { redisBackplane } from "@wireyard/backplane-redis";
import { Engine } from "../../packages/backplane-redis/test/engine.ts";

const MEMBERS = 20_000;
const ROOMS = MEMBERS / 2;
const POSTS = 50_000;
const LISTS = 20;
const AT_ONCE = 200;

const engine = await Engine.start();
const nodes = Array.from({ length: 10 }, () => redisBackplane({ url: engine.url }).open(() => {}));
for (const node of nodes) await node.check();
const body = new Uint8Array(64);
const member = (i: number): { id: number; name: string } => ({ id: 100_000 + i, name: `user ${i}` });
const nodeOf = (i: number): Node => nodes[i % nodes.length] as Node;
const one = nodeOf(0);

await measure("a join", MEMBERS, (i) => nodeOf(i % 2).join(member(i), `room ${i >> 1}`, ""));
await measure("a message to another node", POSTS, (i) => {
  const room = i % ROOMS;
  return one.post(`room ${room}`, { from: member(2 * room), toSender: true, channel: "stream", body }, false);
});
await measure(`a list of ${ROOMS} rooms`, LISTS, () => one.rooms(""), 1);
await measure("a leave", MEMBERS, (i) => nodeOf(i % 2).leave(member(i)));
// One room with a member on each node.
for (let i = 0; i < nodes.length; i++) await nodeOf(i).join(member(i), "lobby", "");
await measure("a message to nine other nodes", POSTS, () => {
  return one.post("lobby", { from: member(0), toSender: true, channel: "stream", body }, false);
});
for (const node of nodes) await node.close();
await engine.stop();

type Node = ReturnType<ReturnType<typeof redisBackplane>["open"]>;

async function measure(
  what: string,
  count: number,
  run: (i: number) => unknown,
  atOnce = AT_ONCE,
): Promise<void> {
  const [engineBefore, nodesBefore] = [await engineMicroseconds(), process.cpuUsage()];
  for (let i = 0; i < count; i += atOnce)
    await Promise.all(Array.from({ length: atOnce }, (_, k) => run(i + k)));
  const { user, system } = process.cpuUsage(nodesBefore);
  const inEngine = ((await engineMicroseconds()) - engineBefore) / count;
  console.log(
    `${what}: ${inEngine.toFixed(0)} µs in the engine, ${((user + system) / count).toFixed(0)} µs in the nodes`,
  );
}

/** CPU time of the engine since its start. */
async function engineMicroseconds(): Promise<number> {
  const info = await engine.ask("INFO", "cpu");
  return [...info.matchAll(/used_cpu_(?:user|sys):([\d.]+)/g)].reduce(
    (sum, [, seconds]) => sum + 1e6 * Number(seconds),
    0,
  );
}
