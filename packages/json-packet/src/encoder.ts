import { allocateBytes, decodeText, encodeText } from "@wireyard/framing";
import type { ServerMessage } from "./messages.ts";
import { jsonOf, lineOf, type Packet, rawJsonOf, unfit } from "./packet.ts";
import { PacketView } from "./packet-view.ts";

/**
 * Makes a packet of now, as `createPacket` does; `read` is what reads it back.
 *
 * @throws {TypeError} as `createPacket`
 */
export function packetOfNow<P>(name: string, data: unknown, read: (bytes: Uint8Array) => P): P {
  const json = rawJsonOf(data) ?? encodeText(jsonOf(name, data));
  const tail = encodeText(`,"packet-created":${secondsOf(Date.now())},"token":null}`);
  try {
    // What goes out passes the same check as what comes in.
    return read(join(packetHead(name), json, tail));
  } catch (error) {
    throw unfit(name, error);
  }
}

/** Milliseconds as seconds with a fraction, always: for the original, the time is a float. */
function secondsOf(ms: number): string {
  return (ms / 1_000).toFixed(3);
}

/** What a packet called `name` starts with, up to its data: for `PacketEncoder.answer`. */
export function packetHead(name: string): Uint8Array {
  return encodeText(`{"action":${JSON.stringify(name)},"data":`);
}

const HEAD = encodeText('{"action":');
const BEFORE_DATA = encodeText(',"data":');
const BEFORE_CREATED = encodeText(',"packet-created":');

/** Writes packets for one sender, each with its token and ended by a line feed. [JSON-2.6] */
export class PacketEncoder {
  readonly #token: Uint8Array;
  readonly #sender: string | null;
  #last: { readonly packet: Packet; readonly bytes: Uint8Array } | undefined;
  #nowMs = 0;
  #now: Uint8Array = new Uint8Array(0);

  constructor(token: string | null) {
    this.#sender = token;
    this.#token = encodeText(`,"token":${JSON.stringify(token)}}\n`);
  }

  /**
   * Encodes a packet as this sender's: action, data and time of creation byte for byte, the token its own. The
   * same bytes for the same packet in a row, so that links share them.
   */
  encode(packet: Packet): Uint8Array {
    if (this.#last?.packet === packet) return this.#last.bytes;
    // The other kind is a client's, which somebody hands on.
    const bytes = packet instanceof PacketView ? this.#encodeView(packet) : lineOf(packet, this.#sender);
    this.#last = { packet, bytes };
    return bytes;
  }

  #encodeView(packet: PacketView): Uint8Array {
    const { action, created } = packet.stamp;
    const head = join(HEAD, action, BEFORE_DATA);
    const tail = created === undefined ? this.#tail() : join(BEFORE_CREATED, created, this.#token);
    return packet.writeData(head, tail);
  }

  /** Encodes what a server says by itself, as a packet of now. */
  message({ action, data }: ServerMessage): Uint8Array {
    const body = encodeText(`{"action":"${action}","data":${JSON.stringify(data)}`);
    const tail = this.#tail();
    const bytes = allocateBytes(body.length + tail.length);
    bytes.set(body);
    bytes.set(tail, body.length);
    return bytes;
  }

  /** Encodes the data of a packet that came in, byte for byte, as a packet of now that starts with `head`. */
  answer(head: Uint8Array, packet: PacketView): Uint8Array {
    return packet.writeData(head, this.#tail());
  }

  /** What stands behind the data of a packet of now: the same bytes for a millisecond. */
  #tail(): Uint8Array {
    const ms = Date.now();
    if (ms !== this.#nowMs) {
      this.#nowMs = ms;
      this.#now = join(BEFORE_CREATED, encodeText(secondsOf(ms)), this.#token);
    }
    return this.#now;
  }
}

function join(a: Uint8Array, b: Uint8Array, c: Uint8Array): Uint8Array {
  const bytes = allocateBytes(a.length + b.length + c.length);
  bytes.set(a);
  bytes.set(b, a.length);
  bytes.set(c, a.length + b.length);
  return bytes;
}

/** Any text as one that JSON can carry: half a surrogate pair, which a cut may leave, becomes U+FFFD. */
export function wellFormed(text: string): string {
  return decodeText(encodeText(text)) as string;
}
