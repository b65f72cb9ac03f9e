import type { Scenario } from "../scenario.ts";
import { type Protocol, Server } from "../server.ts";
import { after, Wire } from "../wire.ts";

const LIMIT_MS = 3_000;
const EVERY_MS = 500;

/** A frame that never ends, byte by byte; and a login that never comes. */
const DRIPS: readonly (readonly [Protocol, string | Uint8Array])[] = [
  ["colon-relay", "0:aaaaaaaaaaaaaaaaaaaaaaaaaaaa"],
  ["comma-command", Uint8Array.from({ length: 40 }, (_, i) => (i === 3 ? 100 : i < 5 ? 0 : 97))],
  ["varint-state", Uint8Array.from({ length: 40 }, (_, i) => (i === 0 ? 100 : 97))],
  ["json-packet", `{"action":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa`],
];

/** Peers that send a byte each half second. */
export const drips: Scenario = {
  name: "drips",
  title: `a byte each ${EVERY_MS} ms to every protocol, with limits of ${LIMIT_MS} ms a phase: closed at the limit`,
  promises: [1],
  unit: "rounds",
  amount: 20,
  step: 1,
  short: 1,
  async start() {
    const server = await Server.start({
      "limits.frameTimeoutMs": LIMIT_MS,
      "limits.loginTimeoutMs": LIMIT_MS,
    });
    let worstMs = 0;
    return {
      async step() {
        const late = await Promise.all(DRIPS.map(([protocol, bytes]) => drip(server.port(protocol), bytes)));
        worstMs = Math.max(worstMs, ...late.map((ms) => Math.abs(ms - LIMIT_MS)));
      },
      async finish() {
        await server.stop();
        return [{ name: "furthest from the limit", value: worstMs, unit: "ms", most: 500 }];
      },
      abort: () => server.stop(),
    };
  },
};

/** After how many milliseconds it was closed. */
async function drip(port: number, bytes: string | Uint8Array): Promise<number> {
  const wire = await Wire.connect(port);
  const from = performance.now();
  const closed = wire.closed.then(() => performance.now() - from);
  for (let i = 0; i < bytes.length && !wire.isClosed; i++) {
    wire.send(bytes.slice(i, i + 1));
    await Promise.race([after(EVERY_MS), closed]);
  }
  wire.socket.destroySoon();
  return closed;
}
