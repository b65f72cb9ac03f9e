/** The frames of RFC 6455 as a server writes them, and what reader and writer share. */
import type { Batch } from "./outbox.ts";

/** Codes that a Close frame may hold. [RFC 6455, 7.4] */
export const CLOSE_CODES = { done: 1000, wrongFrames: 1002, notUtf8: 1007, tooLong: 1009 } as const;

export const CONTINUATION = 0;
export const TEXT = 1;
export const BINARY = 2;
export const CLOSE = 8;
export const PING = 9;
export const PONG = 10;
/** Most bytes of a control frame's payload, and of a length within the second byte. */
export const MAX_CONTROL_BYTES = 125;
const FINAL = 0x80;
/** Longer ones go out in several: then a length has two bytes at most, and no client finds a message too long. */
const MAX_FRAME_BYTES = 65_535;

/** A batch as binary frames: mostly one, joined right behind its header. */
export function frameBatch(batch: Batch): Uint8Array {
  if (batch.bytes > MAX_FRAME_BYTES) return encodeFrames(batch.join());
  const start = headerBytes(batch.bytes);
  const frame = batch.joinBehind(start);
  writeHeader(frame, 0, batch.bytes);
  return frame;
}

/** Bytes as binary frames. */
export function encodeFrames(bytes: Uint8Array): Uint8Array {
  const whole = Math.floor(bytes.length / MAX_FRAME_BYTES);
  const rest = bytes.length % MAX_FRAME_BYTES;
  const restBytes = rest === 0 ? 0 : headerBytes(rest) + rest;
  const frames = new Uint8Array(whole * (headerBytes(MAX_FRAME_BYTES) + MAX_FRAME_BYTES) + restBytes);
  let end = 0;
  for (let at = 0; at < bytes.length; at += MAX_FRAME_BYTES) {
    const payload = bytes.subarray(at, at + MAX_FRAME_BYTES);
    end = writeHeader(frames, end, payload.length);
    frames.set(payload, end);
    end += payload.length;
  }
  return frames;
}

/** A Close frame. @param text ASCII, at most 123 characters */
export function encodeClose(code: number | undefined, text = ""): Uint8Array {
  if (code === undefined) return Uint8Array.of(FINAL | CLOSE, 0);
  const letters = Array.from(text, (letter) => letter.charCodeAt(0));
  return Uint8Array.of(FINAL | CLOSE, 2 + letters.length, code >> 8, code & 0xff, ...letters);
}

/** A Ping, which holds nothing. */
export const PING_FRAME: Uint8Array = Uint8Array.of(FINAL | PING, 0);

/** The answer to a Ping: the same payload. */
export function encodePong(payload: Uint8Array): Uint8Array {
  const frame = new Uint8Array(2 + payload.length);
  frame[0] = FINAL | PONG;
  frame[1] = payload.length;
  frame.set(payload, 2);
  return frame;
}

function headerBytes(payload: number): number {
  return payload <= MAX_CONTROL_BYTES ? 2 : 4;
}

function writeHeader(target: Uint8Array, at: number, payload: number): number {
  target[at] = FINAL | BINARY;
  if (payload <= MAX_CONTROL_BYTES) {
    target[at + 1] = payload;
    return at + 2;
  }
  target[at + 1] = 126;
  target[at + 2] = payload >> 8;
  target[at + 3] = payload & 0xff;
  return at + 4;
}
