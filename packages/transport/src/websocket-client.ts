import { encodeText } from "@wireyard/framing";
import type { CloseReason, Link, LinkHandlers } from "./link.ts";
import { soon } from "./soon.ts";

/** What is used of a WebSocket: that of browsers and of Node, and the class of the package `ws`. */
export interface ClientSocket {
  binaryType: string;
  readonly bufferedAmount: number;
  send(bytes: Uint8Array<ArrayBuffer>): void;
  close(code?: number): void;
  /** There in `ws` alone: others cannot close at once. */
  terminate?(): void;
  addEventListener(type: string, listener: (event: SocketEvent) => void): void;
}

/** What the events of a WebSocket tell, each its part. */
interface SocketEvent {
  readonly data?: unknown;
  readonly wasClean?: boolean;
  /** Of an `error`, where the environment says why: browsers do not. */
  readonly error?: unknown;
}

/** Bytes that may be queued for a server that does not read. */
const MAX_QUEUED_BYTES = 1_048_576;
/** Bytes that may be held while nobody reads: a WebSocket cannot be told to wait. */
const MAX_HELD_BYTES = 4_194_304;
/** How often it is looked whether what was sent has left, while somebody waits for that: no event tells. */
const LOOK_EVERY_MS = 20;
/** How long a link that we ended may take to go. */
const LINGER_MS = 2_000;
const NORMAL_CLOSURE = 1000;

/**
 * Opens a WebSocket, and makes a link of it: its messages are the stream's bytes.
 *
 * @throws {Error} where it cannot connect; the signal's reason where it aborts
 */
export function openWebSocket(
  url: URL,
  make: () => ClientSocket,
  signal: AbortSignal | undefined,
): Promise<Link> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const socket = make();
    socket.binaryType = "arraybuffer";
    let cause: unknown;
    const abort = (): void => {
      reject(signal?.reason);
      close(socket);
    };
    signal?.addEventListener("abort", abort, { once: true });
    socket.addEventListener("error", ({ error }) => {
      cause = error;
    });
    // An error is followed by a close.
    socket.addEventListener("close", () => {
      signal?.removeEventListener("abort", abort);
      reject(new Error(`no WebSocket could be opened to ${url.href}`, { cause }));
    });
    socket.addEventListener("open", () => {
      signal?.removeEventListener("abort", abort);
      if (!signal?.aborted) resolve(new ClientWebSocketLink(socket, url));
    });
  });
}

/** Closes a socket as fast as its environment allows. */
function close(socket: ClientSocket): void {
  socket.terminate?.();
  socket.close();
}

/**
 * No `Outbox`: a client has one link, which shares no bytes with others. What is private is so to the last (`#`), here
 * and in all that browsers get: bundlers shorten such names alone.
 */
class ClientWebSocketLink implements Link {
  readonly transport = "websocket";
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly #socket: ClientSocket;
  #handlers: LinkHandlers | undefined;
  /** `ended`: to be closed behind what was written. */
  #state: "open" | "ended" | "closed" = "open";
  #paused = false;
  /** What was written in this tick. */
  #chunks: Uint8Array[] = [];
  #chunkBytes = 0;
  #scheduled = false;
  /** What came in while nobody read. */
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  /** Whether the other side has closed, behind what is held. */
  #otherEnded = false;
  #looking: ReturnType<typeof setInterval> | undefined;
  #lingering: ReturnType<typeof setTimeout> | undefined;

  constructor(socket: ClientSocket, url: URL) {
    this.#socket = socket;
    this.remoteAddress = hostOf(url);
    this.remotePort = Number(url.port) || (url.protocol === "wss:" ? 443 : 80);
    socket.addEventListener("message", ({ data }) => this.#data(bytesOf(data)));
    socket.addEventListener("close", ({ wasClean }) => this.#gone(wasClean === true));
  }

  get queuedBytes(): number {
    return this.#chunkBytes + this.#socket.bufferedAmount;
  }

  open(handlers: LinkHandlers): void {
    this.#handlers = handlers;
    this.#deliver();
  }

  write(chunk: Uint8Array): void {
    if (this.#state !== "open") return;
    this.#chunks.push(chunk);
    this.#chunkBytes += chunk.length;
    this.#schedule();
  }

  copy(bytes: Uint8Array, start: number, end: number): void {
    this.write(bytes.slice(start, end));
  }

  end(): void {
    if (this.#state !== "open") return;
    this.#state = "ended";
    this.#schedule();
    this.#lingering = setTimeout(() => this.#cut("ended"), LINGER_MS);
  }

  destroy(): void {
    this.#cut("destroyed");
  }

  pause(): void {
    this.#paused = true;
    this.#look();
  }

  resume(): void {
    this.#paused = false;
    this.#deliver();
  }

  #schedule(): void {
    if (!this.#scheduled) soon(() => this.#send());
    this.#scheduled = true;
  }

  /** Sends what was written in this tick, as one message. */
  #send(): void {
    this.#scheduled = false;
    const socket = this.#socket;
    const state = this.#state;
    if (state === "closed") return;
    const message = join(this.#chunks, this.#chunkBytes);
    this.#chunks = [];
    this.#chunkBytes = 0;
    if (!this.#otherEnded && message.length > 0) socket.send(message);
    if (socket.bufferedAmount > MAX_QUEUED_BYTES) this.#cut("slow_reader");
    else if (state === "open") this.#look();
    else if (this.#otherEnded) this.#closed("ended");
    else socket.close(NORMAL_CLOSURE);
  }

  #data(bytes: Uint8Array): void {
    if (this.#state !== "open") return;
    this.#held.push(bytes);
    this.#heldBytes += bytes.length;
    this.#deliver();
    if (this.#heldBytes > MAX_HELD_BYTES) this.#cut("slow_reader");
  }

  #deliver(): void {
    if (this.#handlers === undefined) return;
    while (!this.#paused && this.#state === "open") {
      const chunk = this.#held.shift();
      if (chunk === undefined) break;
      this.#heldBytes -= chunk.length;
      this.#handlers.data(chunk);
    }
    if (this.#otherEnded && this.#held.length === 0 && this.#state === "open") this.#handlers.ended();
  }

  /** From the socket: it is closed. What came before is still read, as behind the end of any stream. */
  #gone(wasClean: boolean): void {
    this.#otherEnded = true;
    if (this.#state !== "open") this.#closed("ended");
    else if (wasClean) this.#deliver();
    else this.#closed("error");
  }

  /** While reading is paused somebody may wait for what was sent to leave. */
  #look(): void {
    if (!this.#paused || this.#looking !== undefined) return;
    this.#looking = setInterval(() => {
      if (this.#paused && this.queuedBytes > 0) return;
      clearInterval(this.#looking);
      this.#looking = undefined;
      if (this.#paused && this.#state === "open") this.#handlers?.drained();
    }, LOOK_EVERY_MS);
  }

  #cut(reason: CloseReason): void {
    if (this.#state === "closed") return;
    close(this.#socket);
    this.#closed(reason);
  }

  #closed(reason: CloseReason): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    clearInterval(this.#looking);
    clearTimeout(this.#lingering);
    this.#held = [];
    queueMicrotask(() => this.#handlers?.closed(reason));
  }
}

/** The host of a URL. An IPv6 address stands in brackets there, and without them everywhere else. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[(.*)\]$/, "$1");
}

function join(chunks: readonly Uint8Array[], length: number): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    joined.set(chunk, at);
    at += chunk.length;
  }
  return joined;
}

/** A message of text means its UTF-8. */
function bytesOf(data: unknown): Uint8Array {
  return typeof data === "string" ? encodeText(data) : new Uint8Array(data as ArrayBuffer);
}
