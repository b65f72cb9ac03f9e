import { createSocket } from "node:dgram";
import { connect, type Socket } from "node:net";
import { onTestFinished } from "vitest";

/** A bare TCP client that gathers what it is sent. It does not outlive its test. */
export class Client {
  readonly socket: Socket;
  /** Resolves when the server has ended the connection. */
  readonly ended: Promise<void>;
  private received = Buffer.alloc(0);
  private waiting: (() => void)[] = [];

  constructor(port: number) {
    this.socket = connect({ port, host: "127.0.0.1" });
    this.socket.on("data", (chunk) => {
      this.received = Buffer.concat([this.received, chunk]);
      for (const look of this.waiting.splice(0)) look();
    });
    this.socket.on("error", () => {});
    this.ended = new Promise((resolve) => this.socket.on("close", () => resolve()));
    onTestFinished(() => void this.socket.destroy());
  }

  send(bytes: string | Uint8Array): void {
    this.socket.write(bytes);
  }

  /** Waits until what has come in matches; gives it and forgets it. */
  async receive(pattern: RegExp): Promise<string> {
    for (;;) {
      const text = this.received.toString("latin1");
      if (pattern.test(text)) {
        this.received = Buffer.alloc(0);
        return text;
      }
      await new Promise<void>((resolve, reject) => {
        this.waiting.push(resolve);
        void this.ended.then(() => reject(new Error(`closed, with ${JSON.stringify(text)} received`)));
      });
    }
  }
}

/** Handshake and Request of the VarInt protocol. */
export const STATUS_REQUEST = Uint8Array.of(7, 0, 0, 1, 0x61, 0, 0, 1, 1, 0);

/** A frame of the comma protocol. */
export function frame(data: string): Uint8Array {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(Buffer.byteLength(data));
  return Buffer.concat([head, Buffer.from(data)]);
}

/** Sends one datagram and waits for one back. */
export function exchange(port: number, datagram: string): Promise<string> {
  const socket = createSocket("udp4");
  onTestFinished(() => void socket.close());
  return new Promise((resolve) => {
    socket.on("message", (bytes) => resolve(bytes.toString()));
    socket.send(datagram, port, "127.0.0.1");
  });
}
