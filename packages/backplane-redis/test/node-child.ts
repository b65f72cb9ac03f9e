// A node of its own process, to be killed or stopped: joins rooms, then says something in each now and then.
//
//   node --conditions=source node-child.ts '{"url", "prefix", "leaseMs", "rooms"}'
import { openNode, type Person, person, say } from "./hubs.ts";

const { rooms, ...options } = JSON.parse(process.argv[2] as string) as {
  rooms: string[];
  url: string;
  prefix: string;
  leaseMs: number;
};
const node = await openNode(options);
const people: Person[] = [];
for (const room of rooms) {
  const someone = person(node, `child in ${room}`);
  await node.hub.join(someone.session, room, "");
  people.push(someone);
}
let n = 0;
setInterval(() => {
  n++;
  // Alone in its room, or back only soon: then there is nobody to tell.
  for (const someone of people) if (someone.session.room !== undefined) say(someone, String(n));
}, 10);
console.log("joined");
