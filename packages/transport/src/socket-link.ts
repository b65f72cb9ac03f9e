import type { Socket } from "node:net";
import { type DirectHandlers, DirectSocket, detached } from "./direct.ts";
import type { CloseReason, Link, LinkHandlers } from "./link.ts";
import { afterTick, isTickFull, Outbox } from "./outbox.ts";

/** Default cap of what may be queued for one reader, in bytes. */
export const DEFAULT_MAX_QUEUED_BYTES = 1_048_576;
/** How long a link that we ended may take to go, so that its last words are read before a reset can drop them. */
const LINGER_MS = 2_000;

export interface SocketLinkOptions {
  transport: Link["transport"];
  maxQueuedBytes: number;
  /** Whether to read and write on the socket's handle itself: see `direct.ts`. */
  direct: boolean;
  /** The listener's sockets, which this one leaves when it is gone. */
  open?: Set<Socket>;
}

/** The link of a socket, for listeners that all sockets share: a closure each would cost a hundred bytes each. */
type LinkedSocket = Socket & { wireyardLink?: SocketLink };

function onError(this: LinkedSocket): void {
  // A reset by the peer is one of the ways to go: `close` follows it.
  this.wireyardLink?.failed();
}

function onEnd(this: LinkedSocket): void {
  this.wireyardLink?.ended();
}

function onClose(this: LinkedSocket): void {
  this.wireyardLink?.closed();
}

/** A link over a socket: of TCP, of TLS or, with frames around the bytes, of WebSocket. */
export class SocketLink extends Outbox implements Link, DirectHandlers {
  // What every write and every read looks at lies together, in front.
  /** `ending`: to be ended when all is handed over. `ended`: it was. `cut`: destroyed, to be closed soon. */
  protected state: "open" | "ending" | "ended" | "cut" | "closed" = "open";
  private direct: DirectSocket | undefined;
  protected handlers: LinkHandlers | undefined;
  private paused = false;
  private readonly maxQueuedBytes: number;
  readonly transport: Link["transport"];
  readonly remoteAddress: string;
  readonly remotePort: number;
  private readonly socket: Socket;
  private readonly siblings: Set<Socket> | undefined;
  private readonly wantsDirect: boolean;
  private reason: CloseReason = "ended";

  constructor(socket: LinkedSocket, options: SocketLinkOptions) {
    super();
    this.transport = options.transport;
    this.socket = socket;
    this.siblings = options.open;
    this.maxQueuedBytes = options.maxQueuedBytes;
    this.wantsDirect = options.direct;
    // Gone before we looked: then there is no address any more, and `close` follows.
    this.remoteAddress = socket.remoteAddress ?? "";
    this.remotePort = socket.remotePort ?? 0;
    socket.wireyardLink = this;
    socket.on("error", onError);
    socket.on("close", onClose);
  }

  get queuedBytes(): number {
    return this.gathered + this.handedOver();
  }

  open(handlers: LinkHandlers): void {
    this.handlers = handlers;
    const { socket } = this;
    if (this.wantsDirect) this.direct = new DirectSocket(socket, this);
    else {
      socket.on("data", (chunk) => this.data(chunk));
      socket.on("drain", () => this.drained());
    }
    socket.on("end", onEnd);
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
    // Reading on keeps the kernel from answering unread bytes with a reset that would overtake our last words.
    this.resume();
    const lingering = setTimeout(() => this.socket.destroy(), LINGER_MS);
    this.socket.once("close", () => clearTimeout(lingering));
  }

  destroy(): void {
    this.cut("destroyed");
  }

  protected cut(reason: CloseReason): void {
    if (this.state === "closed") return;
    this.state = "cut";
    this.reason = reason;
    this.drop();
    this.socket.destroy();
  }

  pause(): void {
    this.paused = true;
    this.stopReading();
  }

  resume(): void {
    this.paused = false;
    this.readOn();
  }

  private stopReading(): void {
    if (this.direct === undefined) this.socket.pause();
    else this.direct.pause();
  }

  private readOn(): void {
    if (this.direct === undefined) this.socket.resume();
    else this.direct.resume();
  }

  /** Bytes that the kernel has not taken. */
  private handedOver(): number {
    return this.direct === undefined ? this.socket.writableLength : this.direct.queuedBytes;
  }

  /** From the socket: bytes came in. */
  data(chunk: Uint8Array): void {
    if (this.state !== "open") return;
    this.handlers?.data(chunk);
    if (isTickFull()) this.yield();
  }

  /** What came in makes much to write: one loud peer in a large room must not hold up everybody else. */
  private yield(): void {
    if (this.paused) return;
    this.stopReading();
    afterTick(() => {
      if (!this.paused) this.readOn();
    });
  }

  /** From the socket: the other side has ended its sending. */
  ended(): void {
    if (this.state === "open") this.handlers?.ended();
  }

  /** From the socket: something failed, and it will close. */
  failed(): void {
    this.cut("error");
  }

  /** From the socket: it is gone. */
  closed(): void {
    this.state = "closed";
    this.siblings?.delete(this.socket);
    this.drop();
    this.handlers?.closed(this.reason);
  }

  /** From the outbox: what was written in this tick. */
  protected send(bytes: Uint8Array | undefined): void {
    if (this.state !== "open" && this.state !== "ending") return;
    if (bytes !== undefined) {
      this.hand(bytes);
      if (this.handedOver() > this.maxQueuedBytes) {
        this.cut("slow_reader");
        return;
      }
    }
    if (this.handedOver() === 0) this.drained();
    else if (this.direct === undefined) this.finish();
  }

  /** Hands bytes over to the kernel, or to the stream before it. */
  protected hand(bytes: Uint8Array): void {
    const { direct, socket } = this;
    if (direct !== undefined) direct.write(bytes);
    else socket.write(socket.writableLength > 0 ? detached(bytes) : bytes);
  }

  /** What a carrier says of its own behind the last bytes. */
  protected sayGoodbye(): void {}

  /** From the socket: all that was handed over has left. */
  drained(): void {
    if (this.paused && this.state === "open") this.handlers?.drained();
    if (this.state === "ending") this.finish();
  }

  /** Ends the sending where that was asked for. The stream itself sends what it holds before the end. */
  private finish(): void {
    if (this.state !== "ending" || this.gathered > 0) return;
    this.state = "ended";
    this.sayGoodbye();
    this.socket.end();
  }
}
