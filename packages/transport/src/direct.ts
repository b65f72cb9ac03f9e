/**
 * Reads and writes on a socket's handle itself, past the stream machinery of `net.Socket`, which keeps the socket's
 * life: connecting, ending, errors, closing. Node does not document the handle. So it is used only where everything
 * needed is found and a self-test over a real socket has passed; otherwise, or where `direct: false` says so, links
 * use the documented streams. See docs/decisions/003-direct-sockets.md.
 */
import { createConnection, createServer, type Socket } from "node:net";

interface Handle {
  reading: boolean;
  /** Ours: what reads and writes here. */
  direct?: DirectSocket;
  onread: (this: Handle, buffer: ArrayBuffer | undefined) => unknown;
  readonly writeQueueSize: number;
  useUserBuffer(buffer: Uint8Array): void;
  readStart(): number;
  readStop(): number;
  writeBuffer(request: WriteRequest, bytes: Uint8Array): number;
}

interface WriteRequest {
  oncomplete?: (status: number) => void;
  /** Keeps the bytes alive while the kernel has not taken them. */
  buffer?: Uint8Array;
}

interface Binding {
  readonly WriteWrap: new () => WriteRequest;
  readonly streamBaseState: Int32Array;
  readonly kReadBytesOrError: number;
  readonly kLastWriteWasAsync: number;
}

export interface DirectHandlers {
  /** Bytes came in. Lent for the call: all sockets read into the same memory. */
  data(chunk: Uint8Array): void;
  /** All that was written has left. */
  drained(): void;
  /** Writing failed, with libuv's code. */
  failed(status: number): void;
}

const READ_BYTES = 65_536;
/** What is longer has memory of its own already. */
const SHARED_BYTES = 16_384;

/** One memory for all reads: what a read gives is worked off, or copied, before the next. */
const memory = new ArrayBuffer(READ_BYTES);
const shared = new Uint8Array(memory);
/** What a read gives at the end of the stream. */
const UV_EOF = -4_095;
const binding = findBinding();
/** Used again as long as writes are done at once: libuv keeps a request only for a write that is not. */
let request: WriteRequest | undefined;

/** Direct reading and writing on one socket. */
export class DirectSocket {
  /** Bytes handed over that the kernel has not taken. */
  queuedBytes = 0;
  readonly handlers: DirectHandlers;
  /** What reads on the handle for the stream: it is told of the end and of errors. */
  readonly streamOnread: Handle["onread"];
  private readonly handle: Handle;
  private readonly socket: Socket;
  /** What was written while an earlier write was on its way. */
  private waiting: Uint8Array[] | undefined;

  constructor(socket: Socket, handlers: DirectHandlers) {
    const handle = handleOf(socket) as Handle;
    this.socket = socket;
    this.handle = handle;
    this.handlers = handlers;
    this.streamOnread = handle.onread;
    handle.direct = this;
    handle.useUserBuffer(shared);
    handle.onread = onread;
    // Flowing, so that the end is told without anybody reading the stream.
    socket.resume();
  }

  write(bytes: Uint8Array): void {
    if (this.queuedBytes > 0) {
      this.waiting ??= [];
      this.waiting.push(detached(bytes));
      this.queuedBytes += bytes.length;
      return;
    }
    const { WriteWrap, streamBaseState, kLastWriteWasAsync } = binding as Binding;
    request ??= new WriteWrap();
    const status = this.handle.writeBuffer(request, bytes);
    if (status !== 0) {
      this.handlers.failed(status);
      return;
    }
    if (streamBaseState[kLastWriteWasAsync] === 0) return;
    this.queuedBytes = this.handle.writeQueueSize;
    request.buffer = bytes;
    request.oncomplete = (result) => this.completed(result);
    request = undefined;
  }

  pause(): void {
    if (this.socket.destroyed || !this.handle.reading) return;
    this.handle.reading = false;
    this.handle.readStop();
  }

  resume(): void {
    if (this.socket.destroyed || this.handle.reading) return;
    this.handle.reading = true;
    this.handle.readStart();
  }

  private completed(status: number): void {
    if (this.socket.destroyed) return;
    if (status < 0) {
      this.handlers.failed(status);
      return;
    }
    const { waiting } = this;
    this.waiting = undefined;
    this.queuedBytes = 0;
    if (waiting !== undefined)
      this.write(waiting.length === 1 ? (waiting[0] as Uint8Array) : joined(waiting));
    if (this.queuedBytes === 0) this.handlers.drained();
  }
}

/** One function for all handles, which call it with themselves as `this`. */
function onread(this: Handle, buffer: ArrayBuffer | undefined): unknown {
  const { streamBaseState, kReadBytesOrError } = binding as Binding;
  const direct = this.direct as DirectSocket;
  const read = streamBaseState[kReadBytesOrError] as number;
  if (read > 0) {
    direct.handlers.data(new Uint8Array(memory, 0, read));
    return undefined;
  }
  if (read === 0) return undefined;
  const result = direct.streamOnread.call(this, buffer);
  // The stream has just closed the handle: whoever would write yet in this tick has to know.
  if (read !== UV_EOF) direct.handlers.failed(read);
  return result;
}

let tested: Promise<boolean> | undefined;

/** Whether direct sockets can be used here: everything is found, and a transfer over loopback was right. Tested once. */
export function directWorks(): Promise<boolean> {
  tested ??= binding === undefined ? Promise.resolve(false) : selfTest();
  return tested;
}

/** Whether this socket has a handle of the form that direct sockets need. */
export function canBeDirect(socket: Socket): boolean {
  return binding !== undefined && handleOf(socket) !== undefined;
}

const SELF_TEST_MS = 1_000;
/** More than the kernel buffers, so that a write has to wait for its reader. */
const SELF_TEST_BYTES = 8_388_608;

async function selfTest(): Promise<boolean> {
  const server = createServer({ allowHalfOpen: true });
  let client: Socket | undefined;
  let accepted: Socket | undefined;
  const late = AbortSignal.timeout(SELF_TEST_MS);
  try {
    return await new Promise<boolean>((resolve) => {
      const fail = (): void => resolve(false);
      late.addEventListener("abort", fail);
      server.on("error", fail);
      server.on("connection", (socket) => {
        accepted = socket;
        socket.on("error", fail);
        if (!canBeDirect(socket)) {
          fail();
          return;
        }
        const direct = new DirectSocket(socket, {
          data(chunk) {
            // First what fits at once, then what does not, then something behind it.
            direct.write(chunk.slice());
            direct.write(new Uint8Array(SELF_TEST_BYTES).fill(2));
            direct.write(Uint8Array.of(3));
            direct.pause();
            direct.resume();
          },
          drained: () => socket.end(),
          failed: fail,
        });
      });
      server.listen(0, "127.0.0.1", () => {
        client = createConnection({ port: (server.address() as { port: number }).port, host: "127.0.0.1" });
        let bytes = 0;
        let sum = 0;
        client.on("error", fail);
        client.on("data", (chunk: Uint8Array) => {
          bytes += chunk.length;
          for (const byte of chunk) sum += byte;
        });
        client.on("end", () => resolve(bytes === SELF_TEST_BYTES + 2 && sum === 2 * SELF_TEST_BYTES + 4));
        client.write(Uint8Array.of(1));
      });
    });
  } catch {
    // Whatever is different here, the streams are not.
    return false;
  } finally {
    client?.destroy();
    accepted?.destroy();
    server.close();
  }
}

function handleOf(socket: Socket): Handle | undefined {
  const { _handle: handle } = socket as { _handle?: Partial<Handle> | null };
  const complete =
    typeof handle?.onread === "function" &&
    typeof handle.useUserBuffer === "function" &&
    typeof handle.readStart === "function" &&
    typeof handle.readStop === "function" &&
    typeof handle.writeBuffer === "function" &&
    typeof handle.reading === "boolean";
  return complete ? (handle as Handle) : undefined;
}

function findBinding(): Binding | undefined {
  try {
    const { binding: load } = process as unknown as { binding(name: string): Partial<Binding> };
    const found = load.call(process, "stream_wrap");
    const complete =
      typeof found.WriteWrap === "function" &&
      found.streamBaseState instanceof Int32Array &&
      typeof found.kReadBytesOrError === "number" &&
      typeof found.kLastWriteWasAsync === "number";
    return complete ? (found as Binding) : undefined;
  } catch {
    return undefined;
  }
}

/** Bytes that may wait for long: small ones on their own, because the memory they share would wait with them. */
export function detached(bytes: Uint8Array): Uint8Array {
  return bytes.length > SHARED_BYTES ? bytes : bytes.slice();
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
