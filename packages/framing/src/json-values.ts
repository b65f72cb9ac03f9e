import type { FrameDecoder } from "./decoder.ts";
import { ProtocolError } from "./errors.ts";
import { StreamBuffer } from "./stream-buffer.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

/** Deepest nesting that `JsonObjectDecoder` can be asked to follow: one bit of an integer a level. */
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
  #depth = 0;
  /** One bit a level, the innermost lowest: 1 for an array, 0 for an object. */
  #arrays = 0;
  #place: "plain" | "string" | "escape" = "plain";

  /** @throws {RangeError} where `maxDepth` is over `MAX_JSON_DEPTH` */
  constructor(options: { maxValueBytes: number; maxDepth?: number }) {
    this.maxValueBytes = options.maxValueBytes;
    this.#maxDepth = options.maxDepth ?? MAX_JSON_DEPTH;
    if (!(this.#maxDepth >= 1 && this.#maxDepth <= MAX_JSON_DEPTH)) {
      throw new RangeError(`maxDepth is ${this.#maxDepth}; it must be 1 to ${MAX_JSON_DEPTH}`);
    }
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
    if (this.#depth === 0) skipWhiteSpace(input);
    const { bytes, start } = input;
    // A value over the limit must not be found by luck of a large chunk: look no further than the limit.
    const limit = start + this.maxValueBytes;
    const end = Math.min(bytes.length, limit);
    let at = start + this.#searched;
    let place = this.#place;
    for (; at < end; at++) {
      const byte = bytes[at];
      if (place === "string") {
        if (byte === QUOTE) place = "plain";
        else if (byte === BACKSLASH) place = "escape";
      } else if (place === "escape") {
        place = "string";
      } else if (byte === QUOTE && this.#depth > 0) {
        place = "string";
      } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
        this.#open(byte);
      } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
        if (this.#close(byte)) {
          this.#searched = 0;
          this.#place = "plain";
          return input.take(at + 1 - start);
        }
      } else if (this.#depth === 0) {
        throw notAnObject();
      }
    }
    if (bytes.length > limit) {
      throw new ProtocolError("too_long", `a JSON value is longer than ${this.maxValueBytes} bytes`);
    }
    this.#place = place;
    this.#searched = at - start;
    input.keep();
    return undefined;
  }

  #open(byte: number): void {
    if (this.#depth === 0 && byte !== OPEN_BRACE) throw notAnObject();
    if (this.#depth === this.#maxDepth) {
      throw new ProtocolError("too_deep", `a JSON value is nested deeper than ${this.#maxDepth}`);
    }
    this.#depth++;
    this.#arrays = (this.#arrays << 1) | (byte === OPEN_BRACKET ? 1 : 0);
  }

  /** Closes the innermost level; tells whether the value is complete. */
  #close(byte: number): boolean {
    if (this.#depth === 0) throw notAnObject();
    if ((this.#arrays & 1) !== (byte === CLOSE_BRACKET ? 1 : 0)) {
      throw new ProtocolError("bad_json", "brackets of a JSON value do not match");
    }
    this.#arrays >>>= 1;
    this.#depth--;
    return this.#depth === 0;
  }
}

function notAnObject(): ProtocolError {
  return new ProtocolError("bad_json", "a JSON value must start with {");
}

function skipWhiteSpace(input: StreamBuffer): void {
  const { bytes } = input;
  let at = input.start;
  while (at < bytes.length) {
    const byte = bytes[at];
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) break;
    at++;
  }
  input.start = at;
}
