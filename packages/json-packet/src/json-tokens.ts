/** The small parts of JSON as bytes: white space, numbers, escapes. Each function returns where its part ends. */
import { decodeText, encodeText } from "@wireyard/framing";

const PLUS = 0x2b;
const MINUS = 0x2d;
const DOT = 0x2e;
const DIGIT_0 = 0x30;
const DIGIT_9 = 0x39;
const BACKSLASH = 0x5c;
const LETTER_E = 0x65;
const LETTER_U = 0x75;

/** What may stand behind a backslash, `u` aside. */
const ESCAPES = new Set(encodeText('"\\/bfnrt'));
/** An integer of so many digits is finite, whatever the digits. */
const SURELY_FINITE_DIGITS = 308;

/** Checks an escape; returns where it ends. A surrogate stands for nothing alone: only pairs are text. */
export function scanEscape(bytes: Uint8Array, at: number): number {
  const kind = bytes[at + 1] as number;
  if (kind !== LETTER_U) {
    if (!ESCAPES.has(kind)) fail(at, "an escape of JSON");
    return at + 2;
  }
  const unit = codeUnit(bytes, at + 2);
  if (unit < 0xd800 || unit > 0xdfff) return at + 6;
  if (unit < 0xdc00 && bytes[at + 6] === BACKSLASH && bytes[at + 7] === LETTER_U) {
    const low = codeUnit(bytes, at + 8);
    if (low >= 0xdc00 && low <= 0xdfff) return at + 12;
  }
  return fail(at, "a surrogate pair, not half of one");
}

function codeUnit(bytes: Uint8Array, at: number): number {
  let unit = 0;
  for (let i = at; i < at + 4; i++) {
    const digit = hexDigit(bytes[i] ?? 0);
    if (digit < 0) fail(i, "four hex digits");
    unit = unit * 16 + digit;
  }
  return unit;
}

function hexDigit(byte: number): number {
  if (byte >= DIGIT_0 && byte <= DIGIT_9) return byte - DIGIT_0;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x61 + 10 : -1;
}

export function scanNumber(bytes: Uint8Array, start: number): number {
  const first = bytes[start] === MINUS ? start + 1 : start;
  let at = bytes[first] === DIGIT_0 ? first + 1 : digits(bytes, first);
  let maybeInfinite = at - first > SURELY_FINITE_DIGITS;
  if (bytes[at] === DOT) at = digits(bytes, at + 1);
  if (((bytes[at] ?? 0) | 0x20) === LETTER_E) {
    maybeInfinite = true;
    at++;
    if (bytes[at] === PLUS || bytes[at] === MINUS) at++;
    at = digits(bytes, at);
  }
  // The grammar is checked: what is left to know is the value.
  if (maybeInfinite && !Number.isFinite(Number(decodeText(bytes.subarray(start, at))))) {
    fail(start, "a number within the range of a double");
  }
  return at;
}

/** Scans at least one digit; returns where they end. */
function digits(bytes: Uint8Array, start: number): number {
  let at = start;
  for (; at < bytes.length; at++) {
    const byte = bytes[at] as number;
    if (byte < DIGIT_0 || byte > DIGIT_9) break;
  }
  return at > start ? at : fail(start, "a digit");
}

export function skipWhiteSpace(bytes: Uint8Array, start: number): number {
  let at = start;
  while (at < bytes.length) {
    const byte = bytes[at] as number;
    if (byte > 0x20 || (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09)) break;
    at++;
  }
  return at;
}

/**
 * Why bytes are no packet. No `Error`, whose stack trace costs more than the scan: it is thrown for each packet that
 * came in pieces, too, and whoever tells a peer makes a `ProtocolError` of it.
 */
export class Flaw {
  readonly code: "bad_json" | "too_deep";
  readonly text: string;

  constructor(code: "bad_json" | "too_deep", text: string) {
    this.code = code;
    this.text = text;
  }
}

/** @throws {Flaw} which names the byte, and what would be right there */
export function fail(at: number, expected: string): never {
  throw new Flaw("bad_json", `byte ${at} of a packet should be ${expected}`);
}
