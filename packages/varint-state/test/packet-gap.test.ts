import { once } from "node:events";
import { connect } from "node:net";
import { fromHex, toHex } from "@wireyard/framing/testing";
import { createHub, memoryAccounts } from "@wireyard/session";
import { type Link, type LinkHandlers, listenTcp } from "@wireyard/transport";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { MAX_WAITING, PacketGaps } from "../src/packet-gap.ts";
import { varintState } from "../src/server.ts";
import { echo, hex } from "./harness.ts";
import { HANDSHAKE, REQUEST } from "./vectors.ts";

/** A link that notes what is done to it, and when. */
class NotingLink implements Link {
  readonly transport = "memory";
  readonly remoteAddress = "192.0.2.1";
  readonly remotePort = 1;
  readonly queuedBytes = 0;
  readonly seen: string[] = [];
  handlers: LinkHandlers | undefined;
  private readonly startedAt = performance.now();

  open(handlers: LinkHandlers): void {
    this.handlers = handlers;
  }
  write(chunk: Uint8Array): void {
    this.note(toHex(chunk));
    this.handlers?.drained();
  }
  copy(bytes: Uint8Array, start: number, end: number): void {
    this.write(bytes.slice(start, end));
  }
  end(): void {
    this.note("end");
  }
  destroy(): void {
    this.note("destroy");
  }
  pause(): void {}
  resume(): void {}

  private note(what: string): void {
    this.seen.push(`${Math.round(performance.now() - this.startedAt)} ${what}`);
  }
}

const packet = (n: number): Uint8Array => Uint8Array.of(n);

// [VARINT-6.6]
describe("a gap of 10 ms", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  function make(gapMs = 10): { noting: NotingLink; link: Link; told: string[]; gaps: PacketGaps } {
    const gaps = new PacketGaps(gapMs, () => performance.now());
    const noting = new NotingLink();
    const link = gaps.over(noting);
    const told: string[] = [];
    link.open({
      data: (chunk) => told.push(toHex(chunk)),
      ended: () => told.push("ended"),
      drained: () => told.push("drained"),
      closed: (reason) => told.push(reason),
    });
    return { noting, link, told, gaps };
  }

  it("is left between the packets of a link, which keep their order", () => {
    const { noting, link } = make();
    for (const n of [1, 2, 3]) link.write(packet(n));
    vi.advanceTimersByTime(35);
    link.write(packet(4));
    vi.advanceTimersByTime(5);
    link.write(packet(5));
    vi.advanceTimersByTime(20);
    link.write(packet(6));
    expect(noting.seen).toEqual(["0 01", "10 02", "20 03", "35 04", "45 05", "60 06"]);
    vi.advanceTimersByTime(10);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("is each link's own, with one timer for all", () => {
    const { noting, link, gaps } = make();
    const other = new NotingLink();
    const second = gaps.over(other);
    link.write(packet(1));
    vi.advanceTimersByTime(5);
    second.write(packet(2));
    second.write(packet(4));
    link.write(packet(3));
    expect(vi.getTimerCount()).toBe(1);
    vi.advanceTimersByTime(20);
    expect(noting.seen).toEqual(["0 01", "10 03"]);
    expect(other.seen).toEqual(["5 02", "15 04"]);
  });

  it("lets a link that is to end send what waits, and takes nothing more", () => {
    const { noting, link, told } = make();
    link.write(packet(1));
    link.write(packet(2));
    link.end();
    link.write(packet(3));
    noting.handlers?.data(packet(4));
    noting.handlers?.ended();
    vi.advanceTimersByTime(50);
    expect(noting.seen).toEqual(["0 01", "10 02", "10 end"]);
    expect(told).not.toContain("04");
    expect(vi.getTimerCount()).toBe(0);
  });

  it("ends a link for which it would take longer than 2 s with what fits in them", () => {
    const { noting, link } = make(1_500);
    for (const n of [1, 2, 3]) link.write(packet(n));
    link.end();
    vi.advanceTimersByTime(10_000);
    expect(noting.seen).toEqual(["0 01", "1500 02", "1500 end"]);
  });

  it("counts what waits, tells when it has left, and cuts where too much waits", () => {
    const { noting, link, told } = make();
    for (let n = 0; n <= 64; n++) link.write(packet(n));
    expect(link.queuedBytes).toBe(262_144);
    expect(told).toEqual(["drained"]);
    vi.advanceTimersByTime(650);
    expect(link.queuedBytes).toBe(0);
    expect(told).toEqual(["drained", "drained"]);
    for (let n = 0; n <= MAX_WAITING; n++) link.write(packet(1));
    expect(noting.seen.at(-1)).not.toContain("destroy");
    link.write(packet(1));
    expect(noting.seen.at(-1)).toContain("destroy");
  });

  it("sends nothing on a link that has gone", () => {
    const { noting, link, told } = make();
    link.write(packet(1));
    link.write(packet(2));
    noting.handlers?.closed("error");
    vi.advanceTimersByTime(50);
    expect(noting.seen).toEqual(["0 01"]);
    expect(told.at(-1)).toBe("error");
  });
});

it("over TCP, packetGapMs gives one packet a read, at least that far apart [VARINT-6.6]", async () => {
  const service = varintState(createHub({ accounts: memoryAccounts() }), { packetGapMs: 30 });
  const listener = await listenTcp(service, { port: 0 });
  try {
    const socket = connect({ host: "127.0.0.1", port: listener.port, noDelay: true, allowHalfOpen: true });
    const reads: { at: number; packet: string }[] = [];
    socket.on("data", (chunk: Buffer) =>
      reads.push({ at: performance.now(), packet: chunk.toString("hex") }),
    );
    await once(socket, "connect");
    // A client that has said all it has to say is answered all the same.
    socket.end(fromHex(`${hex(HANDSHAKE, REQUEST)}${echo(1n)}${hex(HANDSHAKE)}${echo(2n)}${echo(3n)}`));
    await once(socket, "close");
    expect(reads.slice(1).map(({ packet }) => packet)).toEqual([echo(1n), echo(2n), echo(3n)]);
    for (let i = 1; i < reads.length; i++) {
      // They are told apart by the sender's clock; the reader's may be late for one and in time for the next.
      expect((reads[i]?.at ?? 0) - (reads[i - 1]?.at ?? 0)).toBeGreaterThan(20);
    }
    expect((reads.at(-1)?.at ?? 0) - (reads[0]?.at ?? 0)).toBeGreaterThan(80);
  } finally {
    listener.close();
  }
});
