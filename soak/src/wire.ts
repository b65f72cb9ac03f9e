import { once } from "node:events";
import { createConnection, type Socket } from "node:net";

const WAIT_MS = 10_000;

/** One bare TCP client. What it is sent is text of one byte a character. */
export class Wire {
  readonly socket: Socket;
  /** Resolves when the connection is gone, however. */
  readonly closed: Promise<void>;
  isClosed = false;
  private received = "";
  private look: (() => void) | undefined;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on("error", () => {});
    socket.on("data", (chunk: Buffer) => {
      this.received += chunk.toString("latin1");
      this.look?.();
    });
    this.closed = new Promise((resolve) => {
      socket.once("close", () => {
        this.isClosed = true;
        this.look?.();
        resolve();
      });
    });
  }

  /**
   * @param from the address that it comes from, one of 127.0.0.0/8. Where it does not matter none is asked for: among
   *   many closed connections the kernel needs a millisecond to find an address a port before it knows the peer.
   */
  static async connect(port: number, from?: string): Promise<Wire> {
    const socket = createConnection({
      port,
      host: "127.0.0.1",
      noDelay: true,
      ...(from !== undefined && { localAddress: from }),
    });
    const wire = new Wire(socket);
    await Promise.race([once(socket, "connect"), wire.closed]);
    return wire;
  }

  send(bytes: string | Uint8Array): void {
    this.socket.write(bytes);
  }

  /** Waits for what matches, and forgets it and what was before it; `undefined` where none comes within 10 s. */
  async hear(pattern: RegExp): Promise<string | undefined> {
    const until = performance.now() + WAIT_MS;
    for (;;) {
      const found = pattern.exec(this.received);
      if (found !== null) {
        this.received = this.received.slice(found.index + found[0].length);
        return found[0];
      }
      const left = until - performance.now();
      if (this.isClosed || left <= 0) return undefined;
      await new Promise<void>((resolve) => {
        const late = setTimeout(resolve, left);
        this.look = () => {
          clearTimeout(late);
          resolve();
        };
      });
    }
  }

  /** Asks, and waits for the answer. */
  ask(bytes: string | Uint8Array, pattern: RegExp): Promise<string | undefined> {
    this.send(bytes);
    return this.hear(pattern);
  }

  drop(): void {
    this.socket.destroy();
  }
}

/** A frame of the comma protocol. */
export function commaFrame(data: string | Uint8Array): Uint8Array {
  const body = typeof data === "string" ? Buffer.from(data) : data;
  const frame = Buffer.alloc(5 + body.length);
  frame.writeUInt32BE(body.length);
  frame.set(body, 5);
  return frame;
}

/** Waits so many milliseconds. */
export function after(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
