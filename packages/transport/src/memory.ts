import type { CloseReason, Link, LinkHandlers } from "./link.ts";
import { Outbox } from "./outbox.ts";

/**
 * Two ends of a link within one process, for tests: what is written at one end in a tick comes out at the other in
 * one piece, or cut by `cut`.
 */
export function memoryLinks(
  options: { remoteAddress?: string; cut?: (bytes: Uint8Array) => Iterable<Uint8Array> } = {},
): [Link, Link] {
  const address = options.remoteAddress ?? "127.0.0.1";
  const a = new MemoryLink(address, options.cut);
  const b = new MemoryLink(address, options.cut);
  a.other = b;
  b.other = a;
  return [a, b];
}

class MemoryLink extends Outbox implements Link {
  readonly transport = "memory";
  readonly remoteAddress: string;
  readonly remotePort = 1;
  other!: MemoryLink;
  private handlers: LinkHandlers | undefined;
  private state: "open" | "ending" | "closed" = "open";
  private paused = false;
  /** What came in while nobody read. */
  private unread: Uint8Array[] = [];
  private otherEnded = false;
  private readonly cut: ((bytes: Uint8Array) => Iterable<Uint8Array>) | undefined;

  constructor(remoteAddress: string, cut: ((bytes: Uint8Array) => Iterable<Uint8Array>) | undefined) {
    super();
    this.remoteAddress = remoteAddress;
    this.cut = cut;
  }

  get queuedBytes(): number {
    return this.gathered + this.other.unread.reduce((sum, chunk) => sum + chunk.length, 0);
  }

  open(handlers: LinkHandlers): void {
    this.handlers = handlers;
    this.deliver();
  }

  write(chunk: Uint8Array): void {
    if (this.state === "open") this.gather(chunk);
  }

  copy(bytes: Uint8Array, start: number, end: number): void {
    if (this.state === "open") this.gatherCopy(bytes, start, end);
  }

  end(): void {
    if (this.state !== "open") return;
    this.state = "ending";
    this.schedule();
  }

  destroy(): void {
    this.close("destroyed");
    this.other.close("ended");
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
    this.deliver();
  }

  protected send(bytes: Uint8Array | undefined): void {
    if (this.state === "closed") return;
    if (bytes !== undefined) {
      this.other.unread.push(...(this.cut?.(bytes) ?? [bytes]));
      this.other.deliver();
      if (this.other.unread.length === 0) this.handlers?.drained();
    }
    if (this.state === "ending") {
      this.close("ended");
      this.other.otherEnded = true;
      this.other.deliver();
    }
  }

  private deliver(): void {
    if (this.handlers === undefined) return;
    while (!this.paused && this.state === "open") {
      const chunk = this.unread.shift();
      if (chunk === undefined) break;
      // A copy: the sender's memory may be shared with other links.
      this.handlers.data(chunk.slice());
      if (this.unread.length === 0) this.other.handlers?.drained();
    }
    if (this.otherEnded && this.unread.length === 0 && this.state === "open") this.handlers.ended();
  }

  private close(reason: CloseReason): void {
    if (this.state === "closed") return;
    this.state = "closed";
    this.drop();
    queueMicrotask(() => this.handlers?.closed(reason));
  }
}
