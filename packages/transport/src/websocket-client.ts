import { encodeText } from "@wireyard/framing";
import type { CloseReason, Link, LinkHandlers } from "./link.ts";

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
    signal?.addEventListener("abort", abort);
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
      resolve(linkOf(socket, url));
    });
  });
}

/** Closes a socket as fast as its environment allows. */
function close(socket: ClientSocket): void {
  socket.terminate?.();
  socket.close();
}

/**
 * The link of an open socket. No `Outbox`: a client has one link, which shares no bytes with others. And no class:
 * bundlers shorten the names of variables best, and every page that has a client loads this.
 */
function linkOf(socket: ClientSocket, url: URL): Link {
  let handlers: LinkHandlers | undefined;
  /** `ended`: to be closed behind what was written. */
  let state: "open" | "ended" | "closed" = "open";
  let paused = false;
  /** What was written in this tick. */
  let chunks: Uint8Array[] = [];
  let chunkBytes = 0;
  /** What came in while nobody read. */
  const held: Uint8Array[] = [];
  let heldBytes = 0;
  /** Whether the other side has closed, behind what is held. */
  let otherEnded = false;
  let looking: ReturnType<typeof setTimeout> | undefined;
  let lingering: ReturnType<typeof setTimeout> | undefined;

  /** Sends what was written in this tick, as one message. */
  function send(): void {
    if (state === "closed") return;
    const message = join(chunks, chunkBytes);
    chunks = [];
    chunkBytes = 0;
    if (!otherEnded && message.length > 0) socket.send(message);
    if (socket.bufferedAmount > MAX_QUEUED_BYTES) cut("slow_reader");
    else if (state === "open") look();
    else if (otherEnded) closed("ended");
    else socket.close(NORMAL_CLOSURE);
  }

  function deliver(): void {
    while (handlers !== undefined && !paused && state === "open") {
      const chunk = held.shift();
      if (chunk !== undefined) {
        heldBytes -= chunk.length;
        handlers.data(chunk);
      } else {
        if (otherEnded) handlers.ended();
        return;
      }
    }
  }

  /** While reading is paused somebody may wait for what was sent to leave. */
  function look(): void {
    if (!paused || state !== "open") return;
    looking ??= setTimeout(() => {
      looking = undefined;
      if (link.queuedBytes > 0) look();
      else if (paused) handlers?.drained();
    }, LOOK_EVERY_MS);
  }

  function cut(reason: CloseReason): void {
    close(socket);
    closed(reason);
  }

  function closed(reason: CloseReason): void {
    if (state === "closed") return;
    state = "closed";
    clearTimeout(looking);
    clearTimeout(lingering);
    held.length = 0;
    queueMicrotask(() => handlers?.closed(reason));
  }

  socket.addEventListener("message", ({ data }) => {
    if (state !== "open") return;
    const bytes = bytesOf(data);
    held.push(bytes);
    heldBytes += bytes.length;
    deliver();
    if (heldBytes > MAX_HELD_BYTES) cut("slow_reader");
  });
  // What came before is still read, as behind the end of any stream.
  socket.addEventListener("close", ({ wasClean }) => {
    otherEnded = true;
    if (state !== "open") closed("ended");
    else if (wasClean) deliver();
    else closed("error");
  });

  const link: Link = {
    transport: "websocket",
    remoteAddress: hostOf(url),
    remotePort: Number(url.port) || (url.protocol === "wss:" ? 443 : 80),
    get queuedBytes() {
      return chunkBytes + socket.bufferedAmount;
    },
    open(opened) {
      handlers = opened;
      deliver();
    },
    write(chunk) {
      if (state !== "open") return;
      chunkBytes += chunk.length;
      if (chunks.push(chunk) === 1) queueMicrotask(send);
    },
    copy(bytes, start, end) {
      link.write(bytes.slice(start, end));
    },
    end() {
      if (state !== "open") return;
      state = "ended";
      queueMicrotask(send);
      lingering = setTimeout(() => cut("ended"), LINGER_MS);
    },
    destroy: () => cut("destroyed"),
    pause() {
      paused = true;
      look();
    },
    resume() {
      paused = false;
      deliver();
    },
  };
  return link;
}

/** The host of a URL. An IPv6 address stands in brackets there, and without them everywhere else. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/[[\]]/g, "");
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
