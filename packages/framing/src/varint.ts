import type { FrameDecoder } from "./decoder.ts";
import { ProtocolError } from "./errors.ts";
import { StreamBuffer } from "./stream-buffer.ts";

/** Most bytes of a VarInt. */
export const MAX_VARINT_BYTES = 5;

/**
 * Reads a VarInt at `offset`: seven bits per byte, least significant group first, 32-bit two's complement.
 *
 * @returns value (-2^31 to 2^31-1) and size in bytes, or `undefined` while bytes are missing
 * @throws {ProtocolError} `varint_too_long` where the fifth byte says that a sixth follows
 */
export function readVarInt(bytes: Uint8Array, offset: number): { value: number; size: number } | undefined {
  let value = 0;
  for (let size = 0; size < MAX_VARINT_BYTES; size++) {
    const byte = bytes[offset + size];
    if (byte === undefined) return undefined;
    value |= (byte & 0x7f) << (7 * size);
    if (byte < 0x80) return { value, size: size + 1 };
  }
  throw new ProtocolError("varint_too_long", `a VarInt has more than ${MAX_VARINT_BYTES} bytes`);
}

/** Size in bytes of `value` (32-bit, signed) as a VarInt: 1 to 5. */
export function varIntSize(value: number): number {
  const bits = 32 - Math.clz32(value);
  return bits === 0 ? 1 : Math.ceil(bits / 7);
}

/** Writes `value` (32-bit, signed) as a VarInt at `offset`; returns the offset behind it. */
export function writeVarInt(target: Uint8Array, offset: number, value: number): number {
  let rest = value >>> 0;
  let at = offset;
  while (rest > 0x7f) {
    target[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  target[at++] = rest;
  return at;
}

/** Decodes frames of a VarInt length and that many bytes of payload. */
export class VarIntFrameDecoder implements FrameDecoder {
  /** Longest payload in bytes. May change between two frames. */
  maxFrameBytes: number;
  readonly #input = new StreamBuffer();

  constructor(options: { maxFrameBytes: number }) {
    this.maxFrameBytes = options.maxFrameBytes;
  }

  get partial(): boolean {
    return this.#input.length > 0;
  }

  feed(chunk: Uint8Array): void {
    this.#input.push(chunk);
  }

  keep(): void {
    this.#input.keep();
  }

  /**
   * @throws {ProtocolError} `varint_too_long`; `bad_length` where it is negative; `too_long` where it is over
   *   `maxFrameBytes`, each as soon as the length is read
   */
  next(): Uint8Array | undefined {
    const input = this.#input;
    const { bytes, start } = input;
    // Nearly every length fits one byte: that case costs no object.
    let length = bytes[start] ?? 0x80;
    let header = 1;
    if (length > 0x7f) {
      const read = readVarInt(bytes, start);
      if (read === undefined) {
        input.keep();
        return undefined;
      }
      length = read.value;
      header = read.size;
    }
    if (length < 0) throw new ProtocolError("bad_length", `a frame declares ${length} bytes`);
    if (length > this.maxFrameBytes) {
      throw new ProtocolError("too_long", `a frame of ${length} bytes is over ${this.maxFrameBytes}`);
    }
    if (bytes.length - start < header + length) {
      input.keep();
      return undefined;
    }
    input.start = start + header + length;
    return input.view(start + header, length);
  }
}

/** Encodes one frame: VarInt length and payload. */
export function encodeVarIntFrame(payload: Uint8Array): Uint8Array {
  const frame = new Uint8Array(varIntSize(payload.length) + payload.length);
  frame.set(payload, writeVarInt(frame, 0, payload.length));
  return frame;
}
