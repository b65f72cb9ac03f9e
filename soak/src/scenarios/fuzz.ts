import { Pulse } from "../pulse.ts";
import { Random } from "../random.ts";
import type { Scenario } from "../scenario.ts";
import { type Protocol, Server } from "../server.ts";
import { broken, TRAFFIC } from "../traffic.ts";
import { Wire } from "../wire.ts";

/** Connections that are fuzzed at the same time. */
const AT_ONCE = 16;
/** After its last byte a connection has so long to be closed. */
const CLOSE_MS = 8_000;

/** Generated inputs against one protocol of a server that another client uses meanwhile. */
export function fuzz(protocol: Protocol): Scenario {
  const { burst } = TRAFFIC[protocol];
  return {
    name: `fuzz-${protocol}`,
    title: `generated inputs to the ${protocol}, cut anywhere, in connections of ${burst} and a broken one`,
    promises: [2],
    unit: "inputs",
    amount: 10_000_000,
    // The server is asked after each step, which collects its heap: about once a second.
    step: AT_ONCE * burst * 100,
    short: AT_ONCE * burst,
    async start({ seed }) {
      const server = await Server.start({
        "protocols.colon-relay.auth": "open",
        "limits.frameTimeoutMs": 2_000,
      });
      const pulse = await Pulse.start(server.port("colon-relay"));
      const hung: string[] = [];
      await server.probe();
      let lagMs = 0;
      let next = 0;
      return {
        async step(done, count) {
          next = Math.floor(done / burst);
          const last = next + Math.ceil(count / burst);
          const worker = async (): Promise<void> => {
            while (next < last && server.isRunning) {
              const number = next++;
              if (!(await talk(server.port(protocol), protocol, seed, number)))
                hung.push(`--from ${number * burst}`);
            }
          };
          await Promise.all(Array.from({ length: AT_ONCE }, worker));
          if (server.isRunning) lagMs = Math.max(lagMs, (await server.probe()).lagMs);
        },
        async finish() {
          const exits = server.isRunning ? 0 : 1;
          const { lost, p99Ms } = await pulse.stop();
          await server.stop();
          // The one that ended it is among those that were at work.
          const last =
            exits === 0 ? [] : [`--from ${Math.max(0, next - AT_ONCE) * burst}`, ...server.output.slice(-5)];
          const { complaints } = server;
          return [
            { name: "exits", value: exits, unit: "", most: 0, details: last },
            { name: "errors in the log", value: complaints.length, unit: "", most: 0, details: complaints },
            { name: "connections that hung", value: hung.length, unit: "", most: 0, details: hung },
            { name: "event loop late at most", value: lagMs, unit: "ms", most: 100 },
            { name: "another client's p99", value: p99Ms, unit: "ms" },
            { name: "another client's messages lost", value: lost, unit: "", most: 0 },
          ];
        },
        abort: () => Promise.all([pulse.stop(), server.stop()]),
      };
    },
  };
}

/** One connection's inputs, known by seed and number. Tells whether it was closed in time. */
async function talk(port: number, protocol: Protocol, seed: number, number: number): Promise<boolean> {
  const wire = await Wire.connect(port);
  for (const chunk of burstOf(protocol, seed, number)) {
    if (wire.isClosed) break;
    await new Promise<void>((resolve) => wire.socket.write(chunk, () => resolve()));
  }
  wire.socket.end();
  // What it is sent may be long; what matters is that it comes to its end.
  wire.socket.removeAllListeners("data");
  wire.socket.resume();
  let late: NodeJS.Timeout | undefined;
  const inTime = await Promise.race([
    wire.closed.then(() => true),
    new Promise<boolean>((resolve) => {
      late = setTimeout(() => resolve(false), CLOSE_MS);
    }),
  ]);
  clearTimeout(late);
  wire.drop();
  return inTime;
}

/** The chunks of one connection. */
export function burstOf(protocol: Protocol, seed: number, number: number): Uint8Array[] {
  const random = Random.at(seed, number);
  const { burst, greeting, input } = TRAFFIC[protocol];
  const inputs = Array.from({ length: burst - 1 }, () => input(random));
  const bytes = Buffer.concat([greeting(random), ...inputs, broken(random, input(random))]);
  const cuts = Array.from({ length: random.below(4) }, () => random.below(bytes.length + 1)).sort(
    (a, b) => a - b,
  );
  return [0, ...cuts].map((from, i) => bytes.subarray(from, cuts[i] ?? bytes.length));
}
