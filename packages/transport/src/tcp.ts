import { createConnection, createServer, type Socket } from "node:net";
import { canBeDirect, type DirectHandlers, DirectSocket, directWorks } from "./direct.ts";
import {
  type CloseReason,
  type Link,
  type LinkHandlers,
  type Listener,
  type ListenOptions,
  type StreamService,
  TICK_INTERVAL_MS,
} from "./link.ts";
import { Outbox } from "./outbox.ts";

/** Default cap of what may be queued for one reader, in bytes. */
export const DEFAULT_MAX_QUEUED_BYTES = 1_048_576;
/** How long a link that we ended may take to go, so that its last words are read before a reset can drop them. */
const LINGER_MS = 2_000;
const BACKLOG = 4_096;

/**
 * Serves links over TCP.
 *
 * @throws {Error} with Node's `code`, such as `EADDRINUSE`, where the port cannot be had
 */
export async function listenTcp(service: StreamService, options: ListenOptions): Promise<Listener> {
  const maxQueuedBytes = options.maxQueuedBytes ?? DEFAULT_MAX_QUEUED_BYTES;
  const direct = (options.direct ?? true) && (await directWorks());
  const open = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    open.add(socket);
    service.accept(new TcpLink(socket, { maxQueuedBytes, direct: direct && canBeDirect(socket), open }));
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host: options.host ?? "127.0.0.1", port: options.port, backlog: BACKLOG }, () => {
      server.off("error", reject);
      const ticking = setInterval(() => service.tick(), TICK_INTERVAL_MS);
      // Told by Node when it has stopped accepting and the last link is gone.
      const ended = new Promise<void>((told) => server.once("close", told));
      // Until then deadlines run out.
      ended.then(() => clearInterval(ticking));
      resolve({
        port: (server.address() as { port: number }).port,
        close: () => void server.close(),
        async gone(ms) {
          let cut = 0;
          const late = setTimeout(() => {
            cut = open.size;
            for (const socket of open) socket.destroy();
          }, ms);
          await ended;
          clearTimeout(late);
          return cut;
        },
      });
    });
  });
}

/**
 * Connects a link over TCP.
 *
 * @throws {Error} with Node's `code`, such as `ECONNREFUSED`; the signal's reason where it aborts
 */
export function connectTcp(options: {
  host: string;
  port: number;
  maxQueuedBytes?: number;
  signal?: AbortSignal;
}): Promise<Link> {
  return new Promise((resolve, reject) => {
    const { host, port, signal } = options;
    signal?.throwIfAborted();
    const socket = createConnection({ host, port, allowHalfOpen: true, noDelay: true });
    const abort = (): void => {
      socket.destroy();
      reject(signal?.reason);
    };
    const refuse = (error: Error): void => {
      signal?.removeEventListener("abort", abort);
      reject(error);
    };
    signal?.addEventListener("abort", abort, { once: true });
    socket.once("error", refuse);
    socket.once("connect", () => {
      signal?.removeEventListener("abort", abort);
      socket.off("error", refuse);
      const maxQueuedBytes = options.maxQueuedBytes ?? DEFAULT_MAX_QUEUED_BYTES;
      resolve(new TcpLink(socket, { maxQueuedBytes, direct: false }));
    });
  });
}

/** The link of a socket, for listeners that all sockets share: a closure each would cost a hundred bytes each. */
type LinkedSocket = Socket & { wireyardLink?: TcpLink };

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

class TcpLink extends Outbox implements Link, DirectHandlers {
  readonly transport = "tcp";
  readonly remoteAddress: string;
  readonly remotePort: number;
  private readonly socket: Socket;
  private readonly siblings: Set<Socket> | undefined;
  private readonly maxQueuedBytes: number;
  private handlers: LinkHandlers | undefined;
  private direct: DirectSocket | undefined;
  private readonly wantsDirect: boolean;
  private paused = false;
  /** `ending`: to be ended when all is handed over. `ended`: it was. `cut`: destroyed, to be closed soon. */
  private state: "open" | "ending" | "ended" | "cut" | "closed" = "open";
  private reason: CloseReason = "ended";

  /** @param options.open the listener's sockets, which this one leaves when it is gone */
  constructor(
    socket: LinkedSocket,
    options: { maxQueuedBytes: number; direct: boolean; open?: Set<Socket> },
  ) {
    super();
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

  private cut(reason: CloseReason): void {
    if (this.state === "closed") return;
    this.state = "cut";
    this.reason = reason;
    this.drop();
    this.socket.destroy();
  }

  pause(): void {
    this.paused = true;
    if (this.direct === undefined) this.socket.pause();
    else this.direct.pause();
  }

  resume(): void {
    this.paused = false;
    if (this.direct === undefined) this.socket.resume();
    else this.direct.resume();
  }

  /** Bytes that the kernel has not taken. */
  private handedOver(): number {
    return this.direct === undefined ? this.socket.writableLength : this.direct.queuedBytes;
  }

  /** From the socket: bytes came in. */
  data(chunk: Uint8Array): void {
    if (this.state === "open") this.handlers?.data(chunk);
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
      if (this.direct === undefined) this.socket.write(bytes);
      else this.direct.write(bytes);
      if (this.handedOver() > this.maxQueuedBytes) {
        this.cut("slow_reader");
        return;
      }
    }
    if (this.handedOver() === 0) this.drained();
    else if (this.direct === undefined) this.finish();
  }

  /** From the socket: all that was handed over has left. */
  drained(): void {
    if (this.paused && this.state === "open") this.handlers?.drained();
    if (this.state === "ending") this.finish();
  }

  /** Ends the sending where that was asked for. The stream itself sends what it holds before the end. */
  private finish(): void {
    if (this.state !== "ending" || this.gathered > 0) return;
    this.state = "ended";
    this.socket.end();
  }
}
