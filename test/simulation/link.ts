import type { CloseReason, Link, LinkHandlers } from "@wireyard/transport";
import { Pipe } from "./pipe.ts";
import type { Random } from "./random.ts";
import type { Process, Scheduler } from "./scheduler.ts";

/** A client's end of a simulated link. */
export interface FarEnd {
  /** @param writtenAt the step in which the server wrote it */
  data(chunk: Uint8Array, writtenAt: number): void;
  closed(): void;
}

const END = Symbol("end");

/**
 * The server's side of a link to a client, with latency both ways and cut anywhere. What is written in one instant
 * leaves together, as on a socket; a client that does not read is cut when too much waits for it.
 */
export class SimulatedLink implements Link {
  readonly transport = "memory";
  readonly remoteAddress: string;
  readonly remotePort = 1;
  private readonly scheduler: Scheduler;
  private readonly random: Random;
  private readonly process: Process;
  private readonly far: FarEnd;
  private readonly maxQueuedBytes: number;
  private readonly up: Pipe<Uint8Array | typeof END>;
  private readonly down: Pipe<{ chunk: Uint8Array; writtenAt: number } | typeof END>;
  private handlers: LinkHandlers | undefined;
  private state: "open" | "ending" | "closed" = "open";
  private paused = false;
  private unread: (Uint8Array | typeof END)[] = [];
  private gathered: Uint8Array[] = [];
  private queued = 0;

  constructor(options: {
    scheduler: Scheduler;
    random: Random;
    process: Process;
    remoteAddress: string;
    maxQueuedBytes: number;
    far: FarEnd;
  }) {
    this.scheduler = options.scheduler;
    this.random = options.random;
    this.process = options.process;
    this.remoteAddress = options.remoteAddress;
    this.maxQueuedBytes = options.maxQueuedBytes;
    this.far = options.far;
    const { scheduler, process } = options;
    const latency = (): number => this.random.below(3);
    this.up = new Pipe({ scheduler, latency, process, deliver: (chunk) => this.arrived(chunk) });
    this.down = new Pipe({ scheduler, latency, process: null, deliver: (chunk) => this.read(chunk) });
  }

  // The client's side.

  send(bytes: Uint8Array): void {
    for (const piece of this.pieces(bytes)) this.up.push(piece);
  }

  hangUp(): void {
    this.down.close();
    this.up.push(END);
  }

  stopReading(): void {
    this.down.hold();
  }

  startReading(): void {
    this.down.release();
  }

  // The server's side.

  get queuedBytes(): number {
    return this.queued;
  }

  open(handlers: LinkHandlers): void {
    this.handlers = handlers;
  }

  write(chunk: Uint8Array): void {
    if (this.state !== "open") return;
    this.queued += chunk.length;
    if (this.queued > this.maxQueuedBytes) {
      this.close("slow_reader");
      return;
    }
    if (this.gathered.push(chunk) === 1) this.scheduler.after(0, () => this.flush(), this.process);
  }

  copy(bytes: Uint8Array, start: number, end: number): void {
    this.write(bytes.slice(start, end));
  }

  end(): void {
    if (this.state !== "open") return;
    this.state = "ending";
    this.scheduler.after(
      0,
      () => {
        this.flush();
        this.close("ended");
      },
      this.process,
    );
  }

  destroy(): void {
    this.close("destroyed");
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
    while (!this.paused && this.state === "open") {
      const chunk = this.unread.shift();
      if (chunk === undefined) return;
      this.handle(chunk);
    }
  }

  /** The node's machine is gone: so says the client's system. */
  break(): void {
    this.state = "closed";
    this.up.close();
    this.down.push(END);
  }

  private arrived(chunk: Uint8Array | typeof END): void {
    if (this.paused) this.unread.push(chunk);
    else this.handle(chunk);
  }

  private handle(chunk: Uint8Array | typeof END): void {
    if (this.state !== "open") return;
    if (chunk === END) this.close("ended");
    else this.handlers?.data(chunk);
  }

  private read(item: { chunk: Uint8Array; writtenAt: number } | typeof END): void {
    if (item === END) {
      this.far.closed();
      return;
    }
    this.queued -= item.chunk.length;
    this.far.data(item.chunk, item.writtenAt);
    this.scheduler.after(0, () => this.handlers?.drained(), this.process);
  }

  private flush(): void {
    if (this.state === "closed") return;
    const bytes = Buffer.concat(this.gathered.splice(0));
    const writtenAt = this.scheduler.steps;
    for (const chunk of this.pieces(bytes)) this.down.push({ chunk, writtenAt });
  }

  private close(reason: CloseReason): void {
    if (this.state === "closed") return;
    this.state = "closed";
    this.up.close();
    this.down.push(END);
    this.scheduler.after(0, () => this.handlers?.closed(reason), this.process);
  }

  /** Mostly whole, sometimes in two, once in a while byte by byte. */
  private pieces(bytes: Uint8Array): Uint8Array[] {
    if (bytes.length < 2 || this.random.chance(0.8)) return bytes.length === 0 ? [] : [bytes];
    if (bytes.length > 16 || this.random.chance(0.8)) {
      const at = this.random.between(1, bytes.length - 1);
      return [bytes.subarray(0, at), bytes.subarray(at)];
    }
    return Array.from(bytes, (byte) => Uint8Array.of(byte));
  }
}
