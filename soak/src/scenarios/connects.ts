import type { Scenario } from "../scenario.ts";
import { type Protocol, Server } from "../server.ts";
import { after, commaFrame, Wire } from "../wire.ts";

const PROTOCOLS: readonly Protocol[] = ["colon-relay", "comma-command", "varint-state", "json-packet"];
const AT_ONCE = 32;
/** Connections before the first measurement: what is made once is made by then. */
const WARM = 4_000;
const STATUS = Uint8Array.of(7, 0, 0, 1, 0x61, 0, 0, 1, 1, 0);

/** What a client of each protocol says first, and how it is answered. */
const FIRST: Readonly<Record<Protocol, readonly [string | Uint8Array, RegExp]>> = {
  "colon-relay": ["0:ann:pw\n2:lobby\n", /^4:/m],
  "comma-command": [commaFrame("whoami"), /not_logged_in/],
  "varint-state": [STATUS, /\}/],
  "json-packet": ['{"action":"handShake","data":null,"packet-created":1,"token":null}', /\n/],
};

/** Clients that come, are answered and go, in all the ways to go. */
export const connects: Scenario = {
  name: "connects",
  title: "clients of every protocol that come, log in, and end, reset or drop the connection half-way",
  promises: [16],
  unit: "connects",
  amount: 1_000_000,
  step: 4_000,
  short: 400,
  async start() {
    const server = await Server.start();
    const port = (number: number): Protocol => PROTOCOLS[number % PROTOCOLS.length] as Protocol;
    let unanswered = 0;
    const many = async (from: number, count: number): Promise<void> => {
      let next = from;
      const worker = async (): Promise<void> => {
        while (next < from + count) {
          const number = next++;
          if (!(await visit(server.port(port(number)), port(number), number))) unanswered++;
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, worker));
    };
    await many(0, WARM);
    await quiet(server);
    const before = { ...(await server.probe()), descriptors: server.descriptors() };
    unanswered = 0;
    return {
      step: many,
      async finish() {
        await quiet(server);
        const { heapBytes } = await server.probe();
        const descriptors = server.descriptors() - before.descriptors;
        const growth = (heapBytes / before.heapBytes - 1) * 100;
        await server.stop();
        const { complaints } = server;
        return [
          { name: "heap growth", value: growth, unit: "%", most: 5 },
          { name: "descriptors left", value: descriptors, unit: "", most: 0 },
          { name: "unanswered", value: unanswered, unit: "", most: 0 },
          { name: "errors in the log", value: complaints.length, unit: "", most: 0, details: complaints },
        ];
      },
      abort: () => server.stop(),
    };
  },
};

async function visit(port: number, protocol: Protocol, number: number): Promise<boolean> {
  const wire = await Wire.connect(port, `127.0.${number % 4}.${1 + (number % 200)}`);
  const [bytes, answer] = FIRST[protocol];
  if (number % 5 === 4) {
    // In the middle of what it says.
    wire.send(bytes.slice(0, 3));
    wire.socket.resetAndDestroy();
    return true;
  }
  const answered = (await wire.ask(bytes, answer)) !== undefined;
  if (number % 2 === 0) wire.socket.resetAndDestroy();
  else wire.socket.end();
  await wire.closed;
  return answered;
}

/** Waits until the last connection is gone. */
async function quiet(server: Server): Promise<void> {
  let before = Infinity;
  for (let i = 0; i < 20; i++) {
    const now = server.descriptors();
    if (now >= before && i > 4) return;
    before = now;
    await after(250);
  }
}
