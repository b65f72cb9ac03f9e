/**
 * Reads the frames of RFC 6455: bytes in, bytes out, no socket. A message means nothing but its bytes, so its end is
 * not waited for: payload is handed on as it comes, and nothing of it is held.
 */
import { Utf8Check } from "./utf8.ts";
import {
  BINARY,
  CLOSE,
  CLOSE_CODES,
  CONTINUATION,
  MAX_CONTROL_BYTES,
  PING,
  PONG,
  TEXT,
} from "./websocket-frames.ts";

/** What a reader of frames tells. */
export interface FrameSink {
  /** Payload of binary and text messages, unmasked within the chunk that was read. Lent for the call. */
  payload(bytes: Uint8Array): void;
  ping(payload: Uint8Array): void;
  /** The peer will send no more; without a code it gave none. Nothing is read behind it. */
  closing(code: number | undefined): void;
  /** The frames break a rule: the code and words to close with. Nothing is read behind it. */
  broken(code: number, text: string): void;
}

const FINAL = 0x80;
const RESERVED = 0x70;
const MASKED = 0x80;
const NOTHING = new Uint8Array(0);

/** Reads the frames of a client, cut anywhere. */
export class FrameReader {
  private readonly sink: FrameSink;
  private part: "flags" | "length" | "long-length" | "mask" | "payload" | "done" = "flags";
  private opcode = 0;
  private isFinal = true;
  /** The kind of the message begun; `CONTINUATION` between two. */
  private message = CONTINUATION;
  /** Bytes of this header part that are missing. */
  private missing = 0;
  /** Payload bytes of this frame that are missing. */
  private left = 0;
  /** The mask, turned so that its first byte is for the next byte of payload. */
  private mask = 0;
  /** The payload of a control frame, as far as it came. */
  private control: Uint8Array = NOTHING;
  private utf8: Utf8Check | undefined = undefined;
  private failure: { code: number; text: string } | undefined = undefined;

  constructor(sink: FrameSink) {
    this.sink = sink;
  }

  /** Reads a chunk, whose memory is written to: payload is unmasked there, and moved together. */
  read(chunk: Uint8Array): void {
    let ready = 0;
    let at = 0;
    while (at < chunk.length && this.part !== "done") {
      if (this.part !== "payload") {
        this.readHeader(chunk[at++] as number);
      } else if (this.opcode >= CLOSE) {
        at = this.readControl(chunk, at);
      } else {
        const end = Math.min(chunk.length, at + this.left);
        this.mask = unmask(chunk, at, end, ready, this.mask);
        this.left -= end - at;
        if (!this.isText(chunk, ready, ready + end - at)) break;
        ready += end - at;
        at = end;
      }
      if (this.part === "payload" && this.left === 0 && !this.endFrame(chunk, ready)) return;
    }
    if (ready > 0) this.sink.payload(chunk.subarray(0, ready));
    if (this.failure !== undefined) this.sink.broken(this.failure.code, this.failure.text);
    this.failure = undefined;
  }

  private readHeader(byte: number): void {
    switch (this.part) {
      case "flags":
        this.readFlags(byte);
        return;
      case "length":
        this.readLength(byte);
        return;
      case "long-length":
        if (this.missing === 8 && byte > 0x7f) {
          this.fail(CLOSE_CODES.wrongFrames, "a length has 63 bits");
          return;
        }
        this.left = this.left * 256 + byte;
        if (--this.missing > 0) return;
        if (this.left > Number.MAX_SAFE_INTEGER)
          this.fail(CLOSE_CODES.tooLong, "a frame has less than 2^53 bytes");
        else this.expectMask();
        return;
      case "mask":
        this.mask = (this.mask << 8) | byte;
        if (--this.missing > 0) return;
        this.part = "payload";
        if (this.opcode >= CLOSE) this.control = this.left === 0 ? NOTHING : new Uint8Array(this.left);
    }
  }

  private readFlags(byte: number): void {
    const opcode = byte & 0x0f;
    const isFinal = byte >= FINAL;
    if ((byte & RESERVED) !== 0)
      this.fail(CLOSE_CODES.wrongFrames, "reserved bits are 0: no extension is on");
    else if (opcode > PONG || (opcode > BINARY && opcode < CLOSE))
      this.fail(CLOSE_CODES.wrongFrames, "opcodes are 0, 1, 2, 8, 9 and 10");
    else if (opcode >= CLOSE && !isFinal)
      this.fail(CLOSE_CODES.wrongFrames, "a control frame is not fragmented");
    else if (opcode === CONTINUATION && this.message === CONTINUATION)
      this.fail(CLOSE_CODES.wrongFrames, "a continuation follows the beginning of a message");
    else if ((opcode === TEXT || opcode === BINARY) && this.message !== CONTINUATION)
      this.fail(CLOSE_CODES.wrongFrames, "a message ends before the next begins");
    else {
      this.opcode = opcode;
      this.isFinal = isFinal;
      if (opcode === TEXT || opcode === BINARY) this.message = opcode;
      this.part = "length";
    }
  }

  private readLength(byte: number): void {
    const length = byte & 0x7f;
    if (byte < MASKED) this.fail(CLOSE_CODES.wrongFrames, "frames of a client are masked");
    else if (this.opcode >= CLOSE && length > MAX_CONTROL_BYTES)
      this.fail(CLOSE_CODES.wrongFrames, "a control frame has 125 bytes at most");
    else if (length <= MAX_CONTROL_BYTES) {
      this.left = length;
      this.expectMask();
    } else {
      this.left = 0;
      this.missing = length === 126 ? 2 : 8;
      this.part = "long-length";
    }
  }

  private expectMask(): void {
    this.missing = 4;
    this.part = "mask";
  }

  private readControl(chunk: Uint8Array, at: number): number {
    const end = Math.min(chunk.length, at + this.left);
    this.mask = unmask(chunk, at, end, at, this.mask);
    this.control.set(chunk.subarray(at, end), this.control.length - this.left);
    this.left -= end - at;
    return end;
  }

  /** Whether a piece of a message is what it says it is. */
  private isText(chunk: Uint8Array, start: number, end: number): boolean {
    if (this.message !== TEXT) return true;
    this.utf8 ??= new Utf8Check();
    if (this.utf8.accepts(chunk, start, end)) return true;
    this.fail(CLOSE_CODES.notUtf8, "text is UTF-8; send other bytes as binary");
    return false;
  }

  /** A frame is complete. @returns whether to read on */
  private endFrame(chunk: Uint8Array, ready: number): boolean {
    this.part = "flags";
    if (this.opcode < CLOSE) {
      if (!this.isFinal) return true;
      this.message = CONTINUATION;
      if (this.utf8?.partial) this.fail(CLOSE_CODES.notUtf8, "text ends with a whole code point");
      return true;
    }
    const { control } = this;
    this.control = NOTHING;
    if (this.opcode === PING) this.sink.ping(control);
    if (this.opcode !== CLOSE || !this.isGoodClose(control)) return true;
    this.part = "done";
    if (ready > 0) this.sink.payload(chunk.subarray(0, ready));
    this.sink.closing(control.length === 0 ? undefined : closeCode(control));
    return false;
  }

  private isGoodClose(control: Uint8Array): boolean {
    const code = closeCode(control);
    const utf8 = new Utf8Check();
    if (control.length === 1 || (control.length > 1 && !mayBeSent(code)))
      this.fail(CLOSE_CODES.wrongFrames, "a close code is 1000 to 1003, 1007 to 1014 or 3000 to 4999");
    else if (!utf8.accepts(control, 2, control.length) || utf8.partial)
      this.fail(CLOSE_CODES.notUtf8, "the reason of a close is UTF-8");
    return this.part !== "done";
  }

  private fail(code: number, text: string): void {
    this.part = "done";
    this.failure = { code, text };
  }
}

function closeCode(control: Uint8Array): number {
  return ((control[0] as number) << 8) | (control[1] as number);
}

function mayBeSent(code: number): boolean {
  if (code >= 3000) return code <= 4999;
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014);
}

/**
 * Unmasks the bytes from `at` up to `end`, and moves them to `to`, which is not behind `at`.
 *
 * @returns the mask, turned for what follows
 */
function unmask(bytes: Uint8Array, at: number, end: number, to: number, mask: number): number {
  const a = mask >>> 24;
  const b = (mask >>> 16) & 0xff;
  const c = (mask >>> 8) & 0xff;
  const d = mask & 0xff;
  let from = at;
  let out = to;
  for (; from + 4 <= end; from += 4, out += 4) {
    bytes[out] = (bytes[from] as number) ^ a;
    bytes[out + 1] = (bytes[from + 1] as number) ^ b;
    bytes[out + 2] = (bytes[from + 2] as number) ^ c;
    bytes[out + 3] = (bytes[from + 3] as number) ^ d;
  }
  let turned = mask;
  for (; from < end; from++) {
    bytes[out++] = (bytes[from] as number) ^ (turned >>> 24);
    turned = (turned << 8) | (turned >>> 24);
  }
  return turned;
}
