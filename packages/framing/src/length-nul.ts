import type { FrameDecoder } from "./decoder.ts";
import { ProtocolError } from "./errors.ts";
import { StreamBuffer } from "./stream-buffer.ts";

const HEADER_BYTES = 5;

/** Decodes frames of an unsigned 32-bit big-endian length, a zero byte, and that many bytes of payload. */
export class LengthNulDecoder implements FrameDecoder {
  /** Longest payload in bytes. May change between two frames. */
  maxFrameBytes: number;
  private readonly input = new StreamBuffer();

  constructor(options: { maxFrameBytes: number }) {
    this.maxFrameBytes = options.maxFrameBytes;
  }

  get partial(): boolean {
    return this.input.length > 0;
  }

  feed(chunk: Uint8Array): void {
    this.input.push(chunk);
  }

  keep(): void {
    this.input.keep();
  }

  /**
   * @throws {ProtocolError} `too_long` once the four length bytes declare more than `maxFrameBytes`,
   *   `bad_separator` where the fifth byte is not zero
   */
  next(): Uint8Array | undefined {
    const input = this.input;
    const { bytes, start } = input;
    const held = bytes.length - start;
    if (held >= 4) {
      const length =
        ((bytes[start] as number) * 0x1000000 +
          (((bytes[start + 1] as number) << 16) |
            ((bytes[start + 2] as number) << 8) |
            (bytes[start + 3] as number))) >>>
        0;
      if (length > this.maxFrameBytes) {
        throw new ProtocolError("too_long", `a frame of ${length} bytes is over ${this.maxFrameBytes}`);
      }
      if (held >= HEADER_BYTES) {
        const separator = bytes[start + 4] as number;
        if (separator !== 0) {
          const hex = separator.toString(16).padStart(2, "0");
          throw new ProtocolError("bad_separator", `the byte after the length is ${hex}, not 00`);
        }
        if (held >= HEADER_BYTES + length) {
          input.start = start + HEADER_BYTES + length;
          return input.view(start + HEADER_BYTES, length);
        }
      }
    }
    input.keep();
    return undefined;
  }
}

/** Encodes one frame: length, zero byte, payload. */
export function encodeLengthNul(payload: Uint8Array): Uint8Array {
  const frame = new Uint8Array(HEADER_BYTES + payload.length);
  writeLengthNulHeader(frame, 0, payload.length);
  frame.set(payload, HEADER_BYTES);
  return frame;
}

/** Writes the five header bytes for a payload of `length` bytes at `offset`; returns the offset behind them. */
export function writeLengthNulHeader(target: Uint8Array, offset: number, length: number): number {
  target[offset] = length >>> 24;
  target[offset + 1] = length >>> 16;
  target[offset + 2] = length >>> 8;
  target[offset + 3] = length;
  target[offset + 4] = 0;
  return offset + HEADER_BYTES;
}
