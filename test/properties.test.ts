import { createConnection } from "node:net";
import { colonRelay } from "@wireyard/colon-relay/server";
import { commaCommand } from "@wireyard/comma-command/server";
import { jsonPacket } from "@wireyard/json-packet/server";
import { createHub, type Hub, memoryAccounts } from "@wireyard/session";
import { listenTcp, type StreamService } from "@wireyard/transport";
import { varintState } from "@wireyard/varint-state/server";
import fc from "fast-check";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { Random } from "../soak/src/random.ts";
import type { Protocol } from "../soak/src/server.ts";
import { broken, TRAFFIC } from "../soak/src/traffic.ts";

const SERVERS: Readonly<Record<Protocol, (hub: Hub) => StreamService>> = {
  "colon-relay": (hub) => colonRelay(hub),
  "comma-command": (hub) => commaCommand(hub),
  "varint-state": (hub) => varintState(hub),
  "json-packet": (hub) => jsonPacket(hub),
};

/** Ids, tokens and times, which are others each time. */
const OTHER_EACH_TIME = /[0-9a-f]{8}-[0-9a-f-]{27}|"packet-created":[\d.]+|\d{5,10}/g;

/** Valid messages of a protocol, the last one perhaps broken in any byte, as the bytes of one connection. */
function traffic(protocol: Protocol): fc.Arbitrary<Uint8Array> {
  const { greeting, input } = TRAFFIC[protocol];
  const whole = fc.nat().map((seed) => input(new Random(seed)));
  const last = fc.nat().map((seed) => broken(new Random(seed), input(new Random(seed + 1))));
  return fc
    .tuple(fc.boolean(), fc.array(whole, { maxLength: 12 }), fc.option(last))
    .map(([isGreeted, inputs, end]) =>
      Buffer.concat(
        [isGreeted ? greeting(new Random(1)) : "", ...inputs, end ?? ""].map((part) => Buffer.from(part)),
      ),
    );
}

/** All that a server answers to one client, who says this and no more. */
async function answers(port: number, chunks: readonly Uint8Array[]): Promise<string> {
  const socket = createConnection({ port, host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
  let heard = "";
  socket.on("data", (chunk: Buffer) => {
    heard += chunk.toString("latin1");
  });
  // A server that has closed resets what comes late.
  socket.on("error", () => {});
  socket.on("end", () => socket.end());
  for (const chunk of chunks) await new Promise<void>((resolve) => socket.write(chunk, () => resolve()));
  socket.end();
  await new Promise<void>((resolve) => socket.once("close", () => resolve()));
  return heard.replace(OTHER_EACH_TIME, "#");
}

/** The bytes in pieces. */
function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const sorted = places.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b);
  return [0, ...sorted].map((from, i) => bytes.subarray(from, sorted[i] ?? bytes.length));
}

describe.each(Object.keys(SERVERS) as Protocol[])("a %s server", (protocol) => {
  test("answers whatever comes the same however it is cut, faults nothing of its own, and forgets who is gone", async () => {
    const faults: string[] = [];
    const hub = createHub({
      accounts: memoryAccounts({ iterations: 1 }),
      limits: { connectionRatePerIp: 1e6 },
      report: (problem, error) => faults.push(`${problem}: ${error}`),
    });
    const listener = await listenTcp(SERVERS[protocol](hub), { port: 0 });
    onTestFinished(() => listener.close());
    await fc.assert(
      fc.asyncProperty(traffic(protocol), fc.array(fc.nat(), { maxLength: 6 }), async (bytes, places) => {
        const whole = await answers(listener.port, [bytes]);
        expect(await answers(listener.port, cut(bytes, places))).toEqual(whole);
        expect(faults).toEqual([]);
      }),
      { seed: 6, numRuns: 300 },
    );
    // The last one's end may yet be on its way through the loop.
    await vi.waitFor(() => expect(hub.sessionCount).toBe(0), 10_000);
  });
});
