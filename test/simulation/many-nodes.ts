// What many nodes ask of one engine, counted in the simulation: the figures of docs/scaling.md.
//
//   node --conditions=source test/simulation/many-nodes.ts [NODES] [CLIENTS_A_NODE]      from the root

import { Random } from "./random.ts";
import { enter } from "./run.ts";
import { Scheduler } from "./scheduler.ts";
import { World } from "./world.ts";

const [nodes = 100, clientsEach = 10] = process.argv.slice(2).map(Number);
const MEMBERS = 10;
const scheduler = new Scheduler();
const world = new World(scheduler, new Random(1), { sabotage: {}, logLines: 1 });
const restore = enter(world, scheduler, new Random(2));
let scripts = new Map<string, number>();
world.engine.trace = (what) => {
  if (what.type === "run") scripts.set(what.script, (scripts.get(what.script) ?? 0) + 1);
};

for (let i = 0; i < nodes; i++) world.addNode();
await count("nodes start", 5_000);
for (const node of world.nodes) for (let i = 0; i < clientsEach; i++) world.connectClient(node);
await count("clients log in", 1_000);
const clients = [...world.clients];
// The members of a room are on different nodes.
for (const [i, client] of clients.entries()) client.join(`room ${i % Math.ceil(clients.length / MEMBERS)}`);
await count("clients join", 5_000);
for (const client of clients) client.say("all", false);
await count("each sends a message", 2_000);
await count("a minute of rest", 60_000);
world.killEngine();
await count("the engine is away", 3_000);
world.startEngine();
await count("the engine is back, and empty", 5_000);
for (const client of clients) client.say("all", true);
await count("each sends an ordered message", 2_000);
restore();
if (world.checker.violation !== undefined) throw world.checker.violation;

/** Lets time pass, and tells what was asked of the engine. */
async function count(what: string, ms: number): Promise<void> {
  scripts = new Map();
  const [heardBefore, end] = [world.checker.messagesHeard, scheduler.now + ms];
  scheduler.after(ms, () => {}, null);
  while (scheduler.now < end) await scheduler.step();
  const heard = world.checker.messagesHeard - heardBefore;
  const all = [...scripts].map(([name, times]) => `${times} ${name}`).join(", ");
  console.log(
    `${what}, ${ms / 1_000} s: ${all || "nothing asked"}${heard > 0 ? `; ${heard} messages heard` : ""}`,
  );
}
