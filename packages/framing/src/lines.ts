import type { FrameDecoder } from "./decoder.ts";
import { ProtocolError } from "./errors.ts";
import { StreamBuffer } from "./stream-buffer.ts";

const LF = 0x0a;
const CR = 0x0d;

/** Decodes lines ended by `\n`; one `\r` before it is dropped. Yields the bytes of each line without its end. */
export class LineDecoder implements FrameDecoder {
  /** Longest line in bytes, its end not counted. May change between two frames. */
  maxLineBytes: number;
  readonly #input = new StreamBuffer();
  /** How many unread bytes are known to hold no `\n`. */
  #searched = 0;

  constructor(options: { maxLineBytes: number }) {
    this.maxLineBytes = options.maxLineBytes;
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

  /** @throws {ProtocolError} `too_long` as soon as a line is known to pass `maxLineBytes` */
  next(): Uint8Array | undefined {
    const input = this.#input;
    const { bytes, start } = input;
    const end = bytes.indexOf(LF, start + this.#searched);
    const length = (end < 0 ? bytes.length : end) - start;
    const line = length > 0 && bytes[start + length - 1] === CR ? length - 1 : length;
    if (line > this.maxLineBytes) {
      throw new ProtocolError("too_long", `a line is longer than ${this.maxLineBytes} bytes`);
    }
    if (end < 0) {
      this.#searched = length;
      input.keep();
      return undefined;
    }
    this.#searched = 0;
    input.start = end + 1;
    return input.view(start, line);
  }
}

/** Encodes one line: `payload` and `\n`. The payload must hold no `\n` and not end in `\r`. */
export function encodeLine(payload: Uint8Array): Uint8Array {
  const line = new Uint8Array(payload.length + 1);
  line.set(payload);
  line[payload.length] = LF;
  return line;
}
