import type { FrameDecoder } from "./decoder.ts";
import { ProtocolError } from "./errors.ts";
import { StreamBuffer } from "./stream-buffer.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACE = 0x7d;
const CLOSE_BRACKET = 0x5d;

/** Deepest nesting where nothing else is said. */
export const MAX_JSON_DEPTH = 32;

/**
 * Finds JSON objects that stand one after the other, with any white space or none between them.
 *
 * It follows strings, escapes and brackets only, each byte looked at once; whether the bytes between are JSON is
 * for the parser of the yielded value to say. The outermost object is depth 1.
 */
export class JsonObjectDecoder implements FrameDecoder {
  /** Longest value in bytes. May change between two values. */
  maxValueBytes: number;
  readonly #maxDepth: number;
  readonly #input = new StreamBuffer();
  /** How many unread bytes have been looked at. */
  #searched = 0;
  /** What closes each level, the innermost last. */
  readonly #closers: number[] = [];
  #place: "plain" | "string" | "escape" = "plain";

  constructor(options: { maxValueBytes: number; maxDepth?: number }) {
    this.maxValueBytes = options.maxValueBytes;
    this.#maxDepth = options.maxDepth ?? MAX_JSON_DEPTH;
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
   * @throws {ProtocolError} `bad_json` where a value does not start with `{` or brackets do not match, `too_deep`,
   *   `too_long`, each at the offending byte
   */
  next(): Uint8Array | undefined {
    const input = this.#input;
    const closers = this.#closers;
    const { bytes } = input;
    let { start } = input;
    let place = this.#place;
    for (let at = start + this.#searched; at < bytes.length; at++) {
      const byte = bytes[at] as number;
      if (closers.length === 0) {
        if (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) {
          start = at + 1;
          continue;
        }
        if (byte !== OPEN_BRACE) throw new ProtocolError("bad_json", "a JSON value must start with {");
      }
      // A value over the limit must not be found by luck of a large chunk.
      if (at - start >= this.maxValueBytes) {
        throw new ProtocolError("too_long", `a JSON value is longer than ${this.maxValueBytes} bytes`);
      }
      if (place === "escape") {
        place = "string";
      } else if (byte === QUOTE) {
        place = place === "plain" ? "string" : "plain";
      } else if (place === "string") {
        if (byte === BACKSLASH) place = "escape";
      } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
        // What closes stands two further in ASCII.
        if (closers.push(byte + 2) > this.#maxDepth) {
          throw new ProtocolError("too_deep", `a JSON value is nested deeper than ${this.#maxDepth}`);
        }
      } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
        if (closers.pop() !== byte) {
          throw new ProtocolError("bad_json", "brackets of a JSON value do not match");
        }
        if (closers.length === 0) {
          this.#searched = 0;
          this.#place = "plain";
          input.start = start;
          return input.take(at + 1 - start);
        }
      }
    }
    this.#place = place;
    this.#searched = bytes.length - start;
    input.start = start;
    input.keep();
    return undefined;
  }
}
