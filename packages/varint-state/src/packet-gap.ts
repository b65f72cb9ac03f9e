import type { Link, LinkHandlers } from "@wireyard/transport";

/** A waiting packet counts so much: a peer's own requests wait at 256 KiB, which is 64 packets. */
const COUNTED_BYTES = 4_096;
/** With more packets than this waiting, the link is cut. */
export const MAX_WAITING = 256;
/** A link that is ended still sends what fits in this time. */
const LAST_WORDS_MS = 2_000;

/**
 * Leaves a pause between the packets of each link, for clients to whom one read is one packet. [VARINT-6.6]
 *
 * All links have the same pause, so they come to its end in the order in which they sent: one timer serves all. It
 * is a timer, and not a deadline of the hub's, because those are 50 ms coarse, and a pause may be 5.
 */
export class PacketGaps {
  private readonly gapMs: number;
  private readonly clock: () => number;
  /** Links that have sent and may not yet send again, first due first. */
  private readonly pausing = new Set<GapLink>();
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(gapMs: number, clock: () => number) {
    this.gapMs = gapMs;
    this.clock = clock;
  }

  /** A link over `link` to which each chunk is a packet, and which pauses between them. */
  over(link: Link): Link {
    return new GapLink(link, this);
  }

  isPausing(link: GapLink): boolean {
    return this.pausing.has(link);
  }

  pause(link: GapLink): void {
    link.dueAt = this.clock() + this.gapMs;
    this.pausing.add(link);
    // Others are due before it.
    if (this.pausing.size === 1) this.schedule(this.gapMs);
  }

  forget(link: GapLink): void {
    this.pausing.delete(link);
  }

  /** How many packets may still be sent by a link that is to end. */
  get lastWords(): number {
    return Math.floor(LAST_WORDS_MS / this.gapMs);
  }

  private schedule(ms: number): void {
    // Rounded up: a timer that is early by a part of a millisecond would find nothing due.
    this.timer ??= setTimeout(() => this.resume(), Math.ceil(ms));
  }

  private resume(): void {
    this.timer = undefined;
    const now = this.clock();
    for (const link of this.pausing) {
      if (link.dueAt > now) {
        this.schedule(link.dueAt - now);
        return;
      }
      this.pausing.delete(link);
      link.sendNext();
    }
  }
}

class GapLink implements Link {
  readonly transport: Link["transport"];
  readonly remoteAddress: string;
  readonly remotePort: number;
  dueAt = 0;
  private readonly link: Link;
  private readonly gaps: PacketGaps;
  private readonly waiting: Uint8Array[] = [];
  private state: "open" | "ending" | "closed" = "open";

  constructor(link: Link, gaps: PacketGaps) {
    this.link = link;
    this.gaps = gaps;
    this.transport = link.transport;
    this.remoteAddress = link.remoteAddress;
    this.remotePort = link.remotePort;
  }

  get queuedBytes(): number {
    return this.link.queuedBytes + this.waiting.length * COUNTED_BYTES;
  }

  open(handlers: LinkHandlers): void {
    this.link.open({
      data: (chunk) => {
        if (this.state === "open") handlers.data(chunk);
      },
      ended: () => {
        if (this.state === "open") handlers.ended();
      },
      drained: () => {
        if (this.waiting.length === 0) handlers.drained();
      },
      closed: (reason) => {
        this.drop();
        handlers.closed(reason);
      },
    });
  }

  write(chunk: Uint8Array): void {
    if (this.state !== "open") return;
    if (!this.gaps.isPausing(this)) this.send(chunk);
    else if (this.waiting.push(chunk) > MAX_WAITING) this.destroy();
  }

  copy(bytes: Uint8Array, start: number, end: number): void {
    this.write(bytes.slice(start, end));
  }

  end(): void {
    if (this.state !== "open") return;
    this.state = "ending";
    this.waiting.length = Math.min(this.waiting.length, this.gaps.lastWords);
    this.endWhenSent();
  }

  destroy(): void {
    this.drop();
    this.link.destroy();
  }

  pause(): void {
    this.link.pause();
  }

  resume(): void {
    this.link.resume();
  }

  /** The pause is over. */
  sendNext(): void {
    const next = this.waiting.shift();
    if (next === undefined) return;
    this.send(next);
    this.endWhenSent();
  }

  private send(chunk: Uint8Array): void {
    this.link.write(chunk);
    this.gaps.pause(this);
  }

  private endWhenSent(): void {
    if (this.state !== "ending" || this.waiting.length > 0) return;
    this.gaps.forget(this);
    this.link.end();
  }

  private drop(): void {
    this.state = "closed";
    this.waiting.length = 0;
    this.gaps.forget(this);
  }
}
