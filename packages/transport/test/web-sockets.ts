import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { type AddressInfo, createConnection, type Socket } from "node:net";
import type { Link, LinkHandlers, StreamService } from "../src/index.ts";
import { acceptWebSockets, type WebSocketOptions, type WebSockets } from "../src/websocket.ts";

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** One frame as a client sends it, right or wrong. */
export function frame(
  opcode: number,
  payload: string | Uint8Array = "",
  options: { fin?: boolean; reserved?: number; masked?: boolean; declared?: bigint } = {},
): Uint8Array {
  const { fin = true, reserved = 0, masked = true } = options;
  const plain = typeof payload === "string" ? bytes(payload) : payload;
  const declared = options.declared ?? BigInt(plain.length);
  const head = [(fin ? 0x80 : 0) | (reserved << 4) | opcode];
  const mask = masked ? 0x80 : 0;
  if (declared < 126n) head.push(mask | Number(declared));
  else if (declared < 65_536n) head.push(mask | 126, Number(declared >> 8n), Number(declared & 255n));
  else {
    head.push(mask | 127);
    for (let shift = 56n; shift >= 0n; shift -= 8n) head.push(Number((declared >> shift) & 255n));
  }
  const key = masked ? [0x37, 0xfa, 0x21, 0x3d] : [];
  const body = plain.map((byte, i) => byte ^ (key[i % 4] ?? 0));
  return Buffer.concat([Uint8Array.from([...head, ...key]), body]);
}

/** A Close frame as a client sends it. */
export function closeFrame(code: number, reason: string | Uint8Array = ""): Uint8Array {
  const text = typeof reason === "string" ? bytes(reason) : reason;
  return frame(8, Uint8Array.of(code >> 8, code & 255, ...text));
}

export interface Frame {
  opcode: number;
  payload: Buffer;
}

/** The whole frames that a server has sent. @throws {Error} where one is none that a server may send */
export function framesOf(sent: Buffer): Frame[] {
  const frames: Frame[] = [];
  for (let at = 0; at < sent.length; ) {
    const flags = sent.readUInt8(at);
    if ((flags & 0xf0) !== 0x80) throw new Error(`a frame begins with ${flags.toString(16)}`);
    let length = sent.readUInt8(at + 1);
    if (length > 126) throw new Error("masked, or too long");
    at += 2;
    if (length === 126) {
      length = sent.readUInt16BE(at);
      at += 2;
    }
    if (at + length > sent.length) throw new Error("the last frame is cut");
    frames.push({ opcode: flags & 15, payload: sent.subarray(at, at + length) });
    at += length;
  }
  return frames;
}

export const quiet: LinkHandlers = { data() {}, ended() {}, drained() {}, closed() {} };

/** Serves whatever is done with a link. */
export function serviceOf(accept: (link: Link) => void): StreamService {
  return { accept, tick() {} };
}

/** Gives back all that it hears. */
export const echo: StreamService = serviceOf((link) => {
  link.open({ ...quiet, data: (chunk) => link.write(chunk.slice()), ended: () => link.end() });
});

/** Serves quietly, and gives the next link. */
export function nextLink(): { service: StreamService; link: Promise<Link>; closed: Promise<string> } {
  let accepted: (link: Link) => void = () => {};
  let told: (reason: string) => void = () => {};
  const link = new Promise<Link>((resolve) => {
    accepted = resolve;
  });
  const closed = new Promise<string>((resolve) => {
    told = resolve;
  });
  const service = serviceOf((one) => {
    one.open({ ...quiet, closed: told });
    accepted(one);
  });
  return { service, link, closed };
}

export const UPGRADE = [
  "Host: here",
  "Connection: Upgrade",
  "Upgrade: websocket",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
];

export class WebPort {
  readonly server: Server;
  readonly sockets: WebSockets;
  private readonly clients: Socket[] = [];

  private constructor(server: Server, sockets: WebSockets) {
    this.server = server;
    this.sockets = sockets;
  }

  static async open(service: StreamService, options: Partial<WebSocketOptions> = {}): Promise<WebPort> {
    const server = createServer();
    const mounts = { "/ws/echo": service };
    const sockets = await acceptWebSockets(server, { mounts, allows: () => true, ...options });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new WebPort(server, sockets);
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** Sends a request and bytes behind it, and gives the answer's head; what follows is still to be read. */
  async request(
    headers: readonly string[] = UPGRADE,
    path = "/ws/echo",
    behind: Uint8Array = new Uint8Array(0),
  ): Promise<{ head: string; socket: Socket }> {
    const socket = createConnection({
      port: this.port,
      host: "127.0.0.1",
      allowHalfOpen: true,
      noDelay: true,
    });
    this.clients.push(socket);
    socket.on("error", () => {});
    socket.write(Buffer.concat([bytes(`GET ${path} HTTP/1.1\r\n${headers.join("\r\n")}\r\n\r\n`), behind]));
    let got = Buffer.alloc(0);
    while (!got.includes("\r\n\r\n")) {
      await once(socket, "readable");
      got = Buffer.concat([got, socket.read() ?? Buffer.alloc(0)]);
    }
    const end = got.indexOf("\r\n\r\n") + 4;
    if (end < got.length) socket.unshift(got.subarray(end));
    return { head: got.subarray(0, end).toString(), socket };
  }

  /** Sends frames, each chunk in a write of its own, and gives all that comes back until the server ends. */
  async converse(chunks: readonly Uint8Array[]): Promise<Frame[]> {
    const { socket } = await this.request();
    const received: Buffer[] = [];
    socket.on("data", (data: Buffer) => received.push(data));
    const ended = once(socket, "end");
    for (const chunk of chunks) await new Promise<void>((resolve) => socket.write(chunk, () => resolve()));
    await ended;
    socket.destroy();
    return framesOf(Buffer.concat(received));
  }

  close(): void {
    this.sockets.close();
    this.server.close();
    for (const client of this.clients) client.destroy();
  }
}
