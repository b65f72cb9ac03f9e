import { allocateBytes, decodeText, encodeText } from "@wireyard/framing";
import type { Field, Packet } from "./packet.ts";

const QUOTE = 0x22;
const MINUS = 0x2d;
const DIGIT_0 = 0x30;
const DIGIT_9 = 0x39;
const BACKSLASH = 0x5c;
const NULL = encodeText("null");
/** Below this, copying byte by byte is faster than making a view to copy from. */
const SMALL_BYTES = 64;

/**
 * A packet as servers have it: a view of the bytes it came in or goes out as. What nobody asks for is not decoded.
 *
 * The memory of one that came in is lent until its handler's first `await`; `keep` copies it. All it holds is private
 * to the last, since its token is a secret: a packet that is logged shows nothing.
 */
export class PacketView implements Packet {
  #bytes: Uint8Array;
  #start: number;
  #end: number;
  // Where its fields stand in `bytes`; negative where absent.
  #actionStart: number;
  #actionEnd: number;
  #dataStart: number;
  #dataEnd: number;
  #createdStart: number;
  #createdEnd: number;
  #tokenStart: number;
  #tokenEnd: number;
  #parsed = false;
  #data: unknown;

  /**
   * @param bytes verified JSON from `start` to `end`
   * @param found where each of `FIELDS` starts and ends in `bytes`; -1 where absent
   */
  constructor(bytes: Uint8Array, start: number, end: number, found: Int32Array) {
    this.#bytes = bytes;
    this.#start = start;
    this.#end = end;
    this.#actionStart = found[0] as number;
    this.#actionEnd = found[1] as number;
    this.#dataStart = found[2] as number;
    this.#dataEnd = found[3] as number;
    this.#createdStart = found[4] as number;
    this.#createdEnd = found[5] as number;
    this.#tokenStart = found[6] as number;
    this.#tokenEnd = found[7] as number;
  }

  get action(): string {
    return this.#string(this.#actionStart, this.#actionEnd) ?? "";
  }

  get data(): unknown {
    if (!this.#parsed) {
      this.#data = this.#dataStart < 0 ? undefined : JSON.parse(this.#text(this.#dataStart, this.#dataEnd));
      this.#parsed = true;
    }
    return this.#data;
  }

  /** A view: copy it to keep it. */
  get dataBytes(): Uint8Array {
    return this.#view(this.#dataStart, this.#dataEnd);
  }

  get created(): number {
    // Verified to be in the grammar of JSON, so this reads nothing else.
    return this.#isNumber(this.#createdStart)
      ? Number(this.#text(this.#createdStart, this.#createdEnd))
      : Number.NaN;
  }

  get token(): string | null {
    return this.#string(this.#tokenStart, this.#tokenEnd) ?? null;
  }

  get missing(): Field | undefined {
    if (this.#actionStart < 0 || this.#bytes[this.#actionStart] !== QUOTE) return "action";
    if (this.#dataStart < 0) return "data";
    if (!this.#isNumber(this.#createdStart)) return "packet-created";
    return this.#tokenStart < 0 ? "token" : undefined;
  }

  /** Where it ends in the bytes it views. */
  get end(): number {
    return this.#end;
  }

  /** Bytes of its action as JSON, the quotes included. */
  get actionLength(): number {
    return this.#actionEnd - this.#actionStart;
  }

  /** Whether its action is spelled like `json`, a name in quotes: compared without a string. */
  isAction(json: Uint8Array): boolean {
    const bytes = this.#bytes;
    const start = this.#actionStart;
    if (start < 0 || this.#actionEnd - start !== json.length) return false;
    for (let i = 0; i < json.length; i++) {
      if (bytes[start + i] !== json[i]) return false;
    }
    return true;
  }

  /** Whether its token is the ASCII text `own`, in a time that does not tell how much of it is. [JSON-2.4] */
  hasToken(own: Uint8Array): boolean {
    const bytes = this.#bytes;
    const start = this.#tokenStart;
    if (start < 0 || bytes[start] !== QUOTE) return false;
    let differ = (this.#tokenEnd - start - 2) ^ own.length;
    // Where the token is shorter, this reads on behind it: the lengths differ already.
    for (let i = 0; i < own.length; i++) differ |= (bytes[start + 1 + i] ?? 0) ^ (own[i] as number);
    if (differ === 0) return true;
    // Escapes are another spelling of the same text.
    return this.#view(start, this.#tokenEnd).includes(BACKSLASH) && isSame(encodeText(this.token ?? ""), own);
  }

  /** Done for a packet whose handler returns a promise. */
  keep(): void {
    const by = this.#start;
    this.#bytes = new Uint8Array(this.#view(by, this.#end));
    this.#start = 0;
    this.#end -= by;
    // What is absent stays negative.
    this.#actionStart -= by;
    this.#actionEnd -= by;
    this.#dataStart -= by;
    this.#dataEnd -= by;
    this.#createdStart -= by;
    this.#createdEnd -= by;
    this.#tokenStart -= by;
    this.#tokenEnd -= by;
  }

  /** Writes the JSON of its data, or `null`, between `head` and `tail`: that of another packet. */
  writeData(head: Uint8Array, tail: Uint8Array): Uint8Array {
    const absent = this.#dataStart < 0;
    const source = absent ? NULL : this.#bytes;
    const start = absent ? 0 : this.#dataStart;
    const length = absent ? NULL.length : this.#dataEnd - start;
    const bytes = allocateBytes(head.length + length + tail.length);
    bytes.set(head);
    if (length > SMALL_BYTES) bytes.set(source.subarray(start, start + length), head.length);
    else for (let i = 0; i < length; i++) bytes[head.length + i] = source[start + i] as number;
    bytes.set(tail, head.length + length);
    return bytes;
  }

  /** The JSON of its action and of its time of creation, `undefined` where it does not say. Views. */
  get stamp(): { readonly action: Uint8Array; readonly created: Uint8Array | undefined } {
    const created = this.#isNumber(this.#createdStart)
      ? this.#view(this.#createdStart, this.#createdEnd)
      : undefined;
    return { action: this.#view(this.#actionStart, this.#actionEnd), created };
  }

  #isNumber(at: number): boolean {
    if (at < 0) return false;
    const byte = this.#bytes[at] as number;
    return byte === MINUS || (byte >= DIGIT_0 && byte <= DIGIT_9);
  }

  #string(start: number, end: number): string | undefined {
    if (start < 0 || this.#bytes[start] !== QUOTE) return undefined;
    return JSON.parse(this.#text(start, end)) as string;
  }

  #text(start: number, end: number): string {
    return decodeText(this.#view(start, end)) as string;
  }

  #view(start: number, end: number): Uint8Array {
    const { buffer, byteOffset } = this.#bytes;
    return start < 0 ? new Uint8Array(0) : new Uint8Array(buffer, byteOffset + start, end - start);
  }
}

function isSame(bytes: Uint8Array, secret: Uint8Array): boolean {
  let differ = bytes.length ^ secret.length;
  for (let i = 0; i < secret.length; i++) differ |= (bytes[i] ?? 0) ^ (secret[i] as number);
  return differ === 0;
}
