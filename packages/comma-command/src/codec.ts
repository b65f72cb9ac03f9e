import { allocateBytes, decodeText, encodeText, isUtf8, writeLengthNulHeader } from "@wireyard/framing";
import {
  BACKSLASH,
  COMMA,
  endsInLoneBackslash,
  escapedSize,
  escapeText,
  fieldEnd,
  splitBytes,
  splitText,
  writeEscaped,
} from "./fields.ts";
import type { ClientMessage, CommandMessage, InvalidMessage, ServerMessage } from "./messages.ts";

const HEADER_BYTES = 5;
const NOTHING = new Uint8Array(0);
/** Data up to this size are looked at in a loop, which for them is faster than a call. */
const SHORT_DATA = 64;
/** Text up to this length is encoded in a loop: the encoder's own array costs more than that. */
const SHORT_TEXT = 512;

/** The frame without data: what answers `nop`. [COMMA-3.3] */
const EMPTY_FRAME = new Uint8Array(HEADER_BYTES);

/**
 * Reads the data of a client's frame. What breaks a command, not the wire, comes as `invalid`.
 *
 * The message's `data` are `data`, or a copy where its first fields were not in their canonical form.
 * @see PROTOCOL.md [COMMA-2.1] to [COMMA-2.3]
 */
export function decodeClientMessage(data: Uint8Array): ClientMessage {
  if (isPlain(data)) return locate(data);
  // [COMMA-1.5] Not wrapped in its `req`: the ID may be what is not text.
  if (!isUtf8(data)) return invalid(NOTHING, 0, "the data are not UTF-8");
  if (!endsInLoneBackslash(data)) return locate(canonicalHead(data));
  // [COMMA-1.7] An ID that the backslash belongs to has not ended: then there is none to answer to.
  const head = canonicalHead(data.subarray(0, -1));
  const { reqEnd } = locate(head);
  const text = "a backslash at the end escapes nothing; a backslash itself is \\\\";
  return invalid(head, reqEnd < head.length ? reqEnd : 0, text);
}

/** Whether `data` are short, ASCII and without escapes: most commands are, and need no second look. */
function isPlain(data: Uint8Array): boolean {
  const { length } = data;
  if (length > SHORT_DATA) return false;
  for (let at = 0; at < length; at++) {
    const byte = data[at] as number;
    if (byte > 0x7f || byte === BACKSLASH) return false;
  }
  return true;
}

/** Finds the parts of a command whose head is canonical. */
function locate(data: Uint8Array): ClientMessage {
  const end = fieldEnd(data, 0);
  if (!isReq(data, 0, end)) return { type: "command", data, reqEnd: 0, nameStart: 0, nameEnd: end };
  if (end === data.length) return invalid(data, 0, "req has no ID: its form is req,<ID>,<command>");
  const reqEnd = fieldEnd(data, end + 1);
  if (reqEnd === data.length)
    return invalid(data, reqEnd, "req has no command: its form is req,<ID>,<command>");
  const nameStart = reqEnd + 1;
  const nameEnd = fieldEnd(data, nameStart);
  if (isReq(data, nameStart, nameEnd)) return invalid(data, reqEnd, "a req cannot hold another req");
  return { type: "command", data, reqEnd, nameStart, nameEnd };
}

function isReq(data: Uint8Array, start: number, end: number): boolean {
  return end - start === 3 && data[start] === 0x72 && data[start + 1] === 0x65 && data[start + 2] === 0x71;
}

/**
 * Gives the first three fields, which may be `req`, an ID and a name, their canonical form: a name is then found,
 * and an ID answered, byte for byte. What they mean does not change.
 */
function canonicalHead(data: Uint8Array): Uint8Array {
  let end = fieldEnd(data, 0);
  for (let more = 2; more > 0 && end < data.length; more--) end = fieldEnd(data, end + 1);
  const head = data.subarray(0, end);
  if (head.indexOf(BACKSLASH) < 0) return data;
  const fields = splitBytes(head, 0);
  const size = sizeOf(fields);
  const canonical = new Uint8Array(size + data.length - end);
  writeFields(canonical, 0, fields);
  canonical.set(data.subarray(end), size);
  return canonical;
}

function invalid(data: Uint8Array, reqEnd: number, text: string): InvalidMessage {
  return { type: "invalid", data, reqEnd, text };
}

/** The ID of the `req` that a message is under, unescaped; `undefined` where it is under none. */
export function requestId(message: ClientMessage): string | undefined {
  return message.reqEnd === 0 ? undefined : fieldAt(message.data, "req,".length, message.reqEnd);
}

/** The name of a command, unescaped. */
export function commandName(message: CommandMessage): string {
  return fieldAt(message.data, message.nameStart, message.nameEnd);
}

/** The arguments of a command, unescaped. */
export function argumentTexts(message: CommandMessage): string[] {
  const { data, nameEnd } = message;
  return nameEnd === data.length ? [] : splitText(text(data.subarray(nameEnd + 1)));
}

/** The arguments of a command, unescaped, as bytes. Views of `message.data` where nothing was escaped. */
export function argumentBytes(message: CommandMessage): Uint8Array[] {
  const { data, nameEnd } = message;
  return nameEnd === data.length ? [] : splitBytes(data, nameEnd + 1);
}

/** Encodes a frame of fields, whichever side says them: `encodeFields(["req", "1", "whoami"])`. */
export function encodeFields(fields: readonly string[]): Uint8Array {
  return encodeReply(NOTHING, 0, fields);
}

/**
 * Encodes a reply's frame: the `req,<ID>` that `data` start with, then the values.
 *
 * @param data of the message that is answered
 * @param reqEnd of the message that is answered
 * @see PROTOCOL.md [COMMA-3.1] to [COMMA-3.3]
 */
export function encodeReply(data: Uint8Array, reqEnd: number, values: readonly string[]): Uint8Array {
  if (values.length === 0) {
    if (reqEnd === 0) return EMPTY_FRAME;
    const frame = allocateBytes(HEADER_BYTES + reqEnd);
    writeReq(frame, data, reqEnd);
    return frame;
  }
  const start = HEADER_BYTES + (reqEnd === 0 ? 0 : reqEnd + 1);
  let frame: Uint8Array;
  const size = asciiSize(values);
  if (size === undefined) {
    const bytes = encodeText(values.map(escapeText).join(","));
    frame = allocateBytes(start + bytes.length);
    frame.set(bytes, start);
  } else {
    frame = allocateBytes(start + size);
    writeAscii(frame, start, values);
  }
  writeReq(frame, data, reqEnd);
  if (reqEnd > 0) frame[start - 1] = COMMA;
  return frame;
}

/** Writes a frame's header and, behind it, its `req,<ID>`. */
function writeReq(frame: Uint8Array, data: Uint8Array, reqEnd: number): void {
  writeLengthNulHeader(frame, 0, frame.length - HEADER_BYTES);
  for (let at = 0; at < reqEnd; at++) frame[HEADER_BYTES + at] = data[at] as number;
}

/** How many bytes values have once they are escaped, with a comma between two; `undefined` where not all are short ASCII. */
function asciiSize(values: readonly string[]): number | undefined {
  let size = values.length - 1;
  for (const value of values) {
    if (value.length > SHORT_TEXT) return undefined;
    size += value.length;
    for (let at = 0; at < value.length; at++) {
      const code = value.charCodeAt(at);
      if (code > 0x7f) return undefined;
      if (code === COMMA || code === BACKSLASH) size++;
    }
  }
  return size;
}

function writeAscii(target: Uint8Array, offset: number, values: readonly string[]): void {
  let to = offset;
  for (let i = 0; i < values.length; i++) {
    if (i > 0) target[to++] = COMMA;
    const value = values[i] as string;
    for (let at = 0; at < value.length; at++) {
      const code = value.charCodeAt(at);
      if (code === COMMA || code === BACKSLASH) target[to++] = BACKSLASH;
      target[to++] = code;
    }
  }
}

const SEND = encodeText("send");

/** Encodes the frame by which a user's command reaches another one. @see PROTOCOL.md [COMMA-3.5] */
export function encodeSend(from: string, fields: readonly Uint8Array[]): Uint8Array {
  const all = [SEND, encodeText(from), ...fields];
  const size = sizeOf(all);
  const frame = allocateBytes(HEADER_BYTES + size);
  writeLengthNulHeader(frame, 0, size);
  writeFields(frame, HEADER_BYTES, all);
  return frame;
}

/** Encodes a server's message as a frame. @see PROTOCOL.md [COMMA-3.1] to [COMMA-3.5] */
export function encodeServerMessage(message: ServerMessage): Uint8Array {
  if (message.type === "send") return encodeFields(["send", message.from, ...message.fields]);
  const req = message.id === undefined ? [] : ["req", message.id];
  if (message.type === "reply") return encodeFields([...req, ...message.values]);
  return encodeFields([...req, ...errorValues(message.fatal, message.code, message.text)]);
}

/** An error as the values of a reply. @see PROTOCOL.md [COMMA-3.4] */
export function errorValues(fatal: boolean, code: string, info: string): string[] {
  return ["error", fatal ? "fatal" : "nonfatal", code, info];
}

/**
 * Reads the data of a server's frame; `undefined` where they are not UTF-8 or end in a lone backslash.
 * @see PROTOCOL.md [COMMA-3.1] to [COMMA-3.5]
 */
export function decodeServerMessage(data: Uint8Array): ServerMessage | undefined {
  const whole = decodeText(data);
  if (whole === undefined || endsInLoneBackslash(data)) return undefined;
  const fields = whole === "" ? [] : splitText(whole);
  if (fields[0] === "send" && fields.length > 1) {
    return { type: "send", from: fields[1] as string, fields: fields.slice(2) };
  }
  const id = fields[0] === "req" ? fields[1] : undefined;
  const values = id === undefined ? fields : fields.slice(2);
  const [error, fatality, code, ...info] = values;
  if (error === "error" && code !== undefined && (fatality === "fatal" || fatality === "nonfatal")) {
    return { type: "error", id, fatal: fatality === "fatal", code, text: info.join(",") };
  }
  return { type: "reply", id, values };
}

/** How many bytes fields have once they are escaped, with a comma between two. */
function sizeOf(fields: readonly Uint8Array[]): number {
  let size = fields.length - 1;
  for (const field of fields) size += escapedSize(field);
  return size;
}

function writeFields(target: Uint8Array, offset: number, fields: readonly Uint8Array[]): void {
  let at = offset;
  for (let i = 0; i < fields.length; i++) {
    if (i > 0) target[at++] = COMMA;
    at = writeEscaped(target, at, fields[i] as Uint8Array);
  }
}

/** Decodes one field of data that are known to be UTF-8. */
function fieldAt(data: Uint8Array, start: number, end: number): string {
  return text(splitBytes(data.subarray(start, end), 0)[0] as Uint8Array);
}

/** Decodes bytes that are known to be UTF-8. */
function text(bytes: Uint8Array): string {
  return decodeText(bytes) as string;
}
