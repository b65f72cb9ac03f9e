import { Pulse } from "../pulse.ts";
import type { Scenario } from "../scenario.ts";
import { Server } from "../server.ts";
import { after, Wire } from "../wire.ts";

const STUCK = 50;
const MIB = 1_048_576;
const LINE = `3:0:${"x".repeat(16_000)}\n`;
const ROOM_BYTES = 40 * MIB;
const BYTES_PER_SECOND = 20e6;

/** Members of a busy room that do not read, beside one that does. */
export const readers: Scenario = {
  name: "readers",
  title: `${STUCK} members of a room at 20 MB/s who do not read: they are cut, and nobody else notices`,
  promises: [6, 7],
  unit: "rounds",
  amount: 50,
  step: 1,
  short: 1,
  async start() {
    const server = await Server.start();
    const port = server.port("colon-relay");
    // Once before, so that what the first round makes for good is there.
    await round(server, STUCK);
    const pulse = await Pulse.start(port);
    await after(1_000);
    const base = server.residentBytes();
    const worst = { rssMiB: 0, cutMs: 0, lost: 0, uncut: 0 };
    const producer = { aloneMs: 0, besideMs: 0 };
    return {
      async step() {
        producer.aloneMs += (await round(server, 0)).tookMs;
        const { peakBytes, cutMs, lost, uncut, tookMs } = await round(server, STUCK);
        producer.besideMs += tookMs;
        worst.rssMiB = Math.max(worst.rssMiB, (peakBytes - base) / MIB);
        worst.cutMs = Math.max(worst.cutMs, cutMs);
        worst.lost += lost;
        worst.uncut += uncut;
      },
      async finish() {
        const { p99Ms, lost } = await pulse.stop();
        await server.stop();
        return [
          { name: "resident memory over base", value: worst.rssMiB, unit: "MiB", most: 64 },
          { name: "stuck readers that were not cut", value: worst.uncut, unit: "", most: 0 },
          // Promised from where its queue passes 1 MiB, which is later.
          {
            name: "the last was cut, from the flood's start, after",
            value: worst.cutMs,
            unit: "ms",
            most: 2_000,
          },
          {
            name: "the producer's time, to that without them",
            value: producer.besideMs / producer.aloneMs,
            unit: "×",
            most: 1.2,
          },
          { name: "messages that the reader missed", value: worst.lost, unit: "", most: 0 },
          { name: "another room's p99", value: p99Ms, unit: "ms", most: 50 },
          { name: "another room's messages lost", value: lost, unit: "", most: 0 },
        ];
      },
      abort: () => Promise.all([pulse.stop(), server.stop()]),
    };
  },
};

interface Round {
  peakBytes: number;
  cutMs: number;
  /** From the first message to the last that the reader heard. */
  tookMs: number;
  lost: number;
  uncut: number;
}

/** One room: filled, flooded until the stuck are cut, and left. */
async function round(server: Server, stuckMembers: number): Promise<Round> {
  const port = server.port("colon-relay");
  const join = async (name: string): Promise<Wire> => {
    const wire = await Wire.connect(port);
    await wire.ask(`0:${name}:pw\n2:busy\n`, /^4:\d+\n/m);
    return wire;
  };
  const before = server.descriptors();
  const reader = await join("reader");
  const producer = await join("producer");
  const stuck = await Promise.all(Array.from({ length: stuckMembers }, (_, i) => join(`stuck${i}`)));
  for (const wire of stuck) wire.socket.pause();
  let heard = 0;
  for (const wire of [reader, producer]) wire.socket.removeAllListeners("data");
  producer.socket.resume();
  let lineBytes = 0;
  const from = performance.now();
  let [peakBytes, cutMs, tookMs, sent] = [0, 0, 0, 0];
  reader.socket.on("data", (chunk: Buffer) => {
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      // Messages are long: what it is told of members who come and go is not.
      if (lineBytes + end - start > 1_000) heard++;
      lineBytes = 0;
      start = end + 1;
    }
    lineBytes += chunk.length - start;
    tookMs = performance.now() - from;
  });
  const isCut = (): boolean => server.descriptors() <= before + 2;
  while (sent < ROOM_BYTES) {
    const dueAt = from + (sent / BYTES_PER_SECOND) * 1_000;
    if (dueAt > performance.now()) await after(dueAt - performance.now());
    await new Promise<void>((resolve) => producer.socket.write(LINE.repeat(16), () => resolve()));
    sent += LINE.length * 16;
    peakBytes = Math.max(peakBytes, server.residentBytes());
    if (!isCut()) cutMs = performance.now() - from;
  }
  const due = sent / LINE.length;
  const until = performance.now() + 10_000;
  while (performance.now() < until && (heard < due || !isCut())) {
    await after(20);
    if (!isCut()) cutMs = performance.now() - from;
  }
  const uncut = Math.max(0, server.descriptors() - before - 2);
  for (const wire of [reader, producer, ...stuck]) wire.drop();
  return { peakBytes, cutMs, tookMs, lost: due - heard, uncut };
}
