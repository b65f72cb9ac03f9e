import { createConnection, createServer, type Socket } from "node:net";
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
export function listenTcp(service: StreamService, options: ListenOptions): Promise<Listener> {
  const maxQueuedBytes = options.maxQueuedBytes ?? DEFAULT_MAX_QUEUED_BYTES;
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    service.accept(new TcpLink(socket, maxQueuedBytes));
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host: options.host ?? "127.0.0.1", port: options.port, backlog: BACKLOG }, () => {
      server.off("error", reject);
      const ticking = setInterval(() => service.tick(), TICK_INTERVAL_MS);
      resolve({
        port: (server.address() as { port: number }).port,
        close() {
          clearInterval(ticking);
          server.close();
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
    signal?.addEventListener("abort", abort, { once: true });
    socket.once("error", reject);
    socket.once("connect", () => {
      signal?.removeEventListener("abort", abort);
      socket.off("error", reject);
      resolve(new TcpLink(socket, options.maxQueuedBytes ?? DEFAULT_MAX_QUEUED_BYTES));
    });
  });
}

class TcpLink implements Link {
  readonly transport = "tcp";
  readonly remoteAddress: string;
  readonly remotePort: number;
  private readonly socket: Socket;
  private readonly maxQueuedBytes: number;
  private readonly outbox: Outbox;
  private handlers: LinkHandlers | undefined;
  /** `ending`: to be ended with the next flush. `ended`: our last byte was handed over. */
  private state: "open" | "ending" | "ended" | "closed" = "open";
  private reason: CloseReason = "ended";

  constructor(socket: Socket, maxQueuedBytes: number) {
    this.socket = socket;
    this.maxQueuedBytes = maxQueuedBytes;
    // Gone before we looked: then there is no address any more, and `close` follows.
    this.remoteAddress = socket.remoteAddress ?? "";
    this.remotePort = socket.remotePort ?? 0;
    this.outbox = new Outbox((bytes) => this.send(bytes));
    // A reset by the peer is one of the ways to go: `close` follows it.
    socket.on("error", () => {
      this.reason = "error";
    });
  }

  get queuedBytes(): number {
    return this.outbox.bytes + this.socket.writableLength;
  }

  open(handlers: LinkHandlers): void {
    this.handlers = handlers;
    const { socket } = this;
    socket.on("data", (chunk) => {
      if (this.state === "open") handlers.data(chunk);
    });
    socket.on("end", () => {
      if (this.state === "open") handlers.ended();
    });
    socket.on("drain", () => {
      if (this.state === "open") handlers.drained();
    });
    socket.on("close", () => {
      this.state = "closed";
      this.outbox.clear();
      handlers.closed(this.reason);
    });
  }

  write(chunk: Uint8Array): void {
    if (this.state === "open") this.outbox.write(chunk);
  }

  end(): void {
    if (this.state !== "open") return;
    this.state = "ending";
    this.outbox.schedule();
  }

  destroy(): void {
    this.reason = "destroyed";
    this.socket.destroy();
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  private send(bytes: Uint8Array | undefined): void {
    const { socket } = this;
    if (this.state === "closed" || socket.destroyed) return;
    if (bytes !== undefined) {
      const room = socket.write(bytes);
      if (socket.writableLength > this.maxQueuedBytes) {
        this.reason = "slow_reader";
        socket.destroy();
        return;
      }
      if (room && this.state === "open") this.handlers?.drained();
    }
    if (this.state === "ending") {
      this.state = "ended";
      socket.end();
      // Reading on keeps the kernel from answering unread bytes with a reset that would overtake our last words.
      socket.resume();
      const lingering = setTimeout(() => socket.destroy(), LINGER_MS);
      socket.once("close", () => clearTimeout(lingering));
    }
  }
}
