import { HttpGuard, JsonObjectDecoder, ProtocolError } from "@wireyard/framing";
import { decodeFirst, decodePacket } from "./codec.ts";
import { skipWhiteSpace } from "./json-tokens.ts";
import type { PacketView } from "./packet-view.ts";

export interface JsonPacketConnectionOptions {
  /** Which side this is: a server reads what clients say, a client what servers say. */
  role: "server" | "client";
  /** Longest packet in bytes. */
  maxPacketBytes: number;
}

/** One side of a JSON packet connection: bytes in, packets out. No socket, timer or clock. */
export class JsonPacketConnection {
  private readonly values: JsonObjectDecoder;
  private guard: HttpGuard | undefined;
  private http: boolean | undefined;
  /** A chunk that begins where a packet does: read as far as its packets are whole, the rest is for `values`. */
  private chunk: Uint8Array | undefined;
  private at = 0;

  constructor(options: JsonPacketConnectionOptions) {
    this.values = new JsonObjectDecoder({ maxValueBytes: options.maxPacketBytes });
    if (options.role === "server") this.guard = new HttpGuard();
    else this.http = false;
  }

  /** Longest packet in bytes; it grows with the handshake. */
  set maxPacketBytes(bytes: number) {
    this.values.maxValueBytes = bytes;
  }

  get partial(): boolean {
    return this.chunk !== undefined || this.values.partial;
  }

  feed(chunk: Uint8Array): void {
    if (this.guard !== undefined) {
      this.http = this.guard.check(chunk);
      if (this.http === false) this.guard = undefined;
    }
    this.handOver();
    if (this.http === false && !this.values.partial) {
      // Plain, whatever subclass was fed: packets give views of it.
      this.chunk = new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length);
      this.at = 0;
    } else {
      this.values.feed(chunk);
    }
  }

  keep(): void {
    this.handOver();
    this.values.keep();
  }

  /**
   * The next packet, or `undefined` while its bytes are missing. It views what was fed.
   *
   * @throws {ProtocolError} `http` [JSON-1.9]; `too_long` [JSON-1.3]; `too_deep` [JSON-1.4]; `bad_json` [JSON-1.5]
   */
  next(): PacketView | undefined {
    if (this.http !== false) {
      if (this.http === true) throw new ProtocolError("http", "the peer speaks HTTP");
      this.values.keep();
      return undefined;
    }
    const whole = this.nextWhole();
    if (whole !== undefined) return whole;
    const value = this.values.next();
    return value === undefined ? undefined : decodePacket(value);
  }

  /**
   * The next packet of the chunk, if all of it is there and nothing is wrong with it: the usual case, at one pass in
   * place of two. What it does not give, in pieces or broken, the decoder judges, so that a cut changes nothing.
   */
  private nextWhole(): PacketView | undefined {
    const { chunk } = this;
    if (chunk === undefined) return undefined;
    const start = skipWhiteSpace(chunk, this.at);
    const first = start < chunk.length ? decodeFirst(chunk, start, this.values.maxValueBytes) : undefined;
    if (first === undefined) {
      this.at = start;
      this.handOver();
      return undefined;
    }
    this.at = first.end;
    return first;
  }

  /** Leaves what is unread of the chunk to the decoder. */
  private handOver(): void {
    const { chunk } = this;
    if (chunk === undefined) return;
    this.chunk = undefined;
    if (this.at < chunk.length) this.values.feed(chunk.subarray(this.at));
  }
}
