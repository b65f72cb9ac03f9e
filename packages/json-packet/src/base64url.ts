/** Base64 for URLs, without padding, as RFC 4648 section 5 has it: each text stands for one sequence of bytes, and back. */
import { encodeText } from "@wireyard/framing";

const DIGITS = encodeText("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");
const NONE = 0xff;
/** The value of each ASCII character. */
const VALUES = new Uint8Array(128).fill(NONE);
for (let i = 0; i < DIGITS.length; i++) VALUES[DIGITS[i] as number] = i;

/** Characters that this many bytes take. */
export function base64UrlLength(byteLength: number): number {
  return Math.ceil((byteLength * 4) / 3);
}

/** Writes bytes as text into `target` at `at`; returns where the text ends. */
export function writeBase64Url(bytes: Uint8Array, target: Uint8Array, at: number): number {
  let end = at;
  for (let i = 0; i < bytes.length; i += 3) {
    const left = bytes.length - i;
    const group =
      ((bytes[i] as number) << 16) |
      (left > 1 ? (bytes[i + 1] as number) << 8 : 0) |
      (left > 2 ? (bytes[i + 2] as number) : 0);
    target[end++] = DIGITS[group >> 18] as number;
    target[end++] = DIGITS[(group >> 12) & 63] as number;
    if (left > 1) target[end++] = DIGITS[(group >> 6) & 63] as number;
    if (left > 2) target[end++] = DIGITS[group & 63] as number;
  }
  return end;
}

export function encodeBase64Url(bytes: Uint8Array): string {
  const text = new Uint8Array(base64UrlLength(bytes.length));
  writeBase64Url(bytes, text, 0);
  return new TextDecoder().decode(text);
}

/** The bytes that a text stands for; `undefined` where it is not base64url, also where a bit that no byte takes is set. */
export function decodeBase64Url(text: string): Uint8Array<ArrayBuffer> | undefined {
  const spare = text.length % 4;
  if (spare === 1) return undefined;
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4));
  let bits = 0;
  let held = 0;
  let at = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    const value = code < 128 ? (VALUES[code] as number) : NONE;
    if (value === NONE) return undefined;
    held = ((held << 6) | value) & 0xffff;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes[at++] = held >> bits;
  }
  return (held & ((1 << bits) - 1)) === 0 ? bytes : undefined;
}
