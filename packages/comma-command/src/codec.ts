import {
  allocateBytes,
  decodeText,
  encodeLengthNul,
  encodeText,
  isUtf8,
  ProtocolError,
  writeLengthNulHeader,
} from "@wireyard/framing";
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
/** Longer data are given to calls that look at them, which for them are faster than a loop. */
const SHORT_DATA = 64;
/** Text up to this length is encoded in a loop: the encoder's own array costs more than that. */
const SHORT_TEXT = 512;

/**
 * Reads the data of a client's frame. What breaks a command, not the wire, comes as `invalid`.
 *
 * The message's `data` are `data`, or a copy where its first fields were not in their canonical form.
 * @see PROTOCOL.md [COMMA-2.1] to [COMMA-2.3]
 */
export function decodeClientMessage(data: Uint8Array): ClientMessage {
  const { length } = data;
  // Most commands are short, ASCII and without escapes. Those are looked at once, in a loop: a call costs more.
  let plain = length <= SHORT_DATA;
  let first = length;
  let second = length;
  let third = length;
  for (let at = 0; plain && at < length; at++) {
    const byte = data[at] as number;
    if (byte === COMMA) {
      if (first === length) first = at;
      else if (second === length) second = at;
      else if (third === length) third = at;
    } else if (byte > 0x7f || byte === BACKSLASH) plain = false;
  }
  return plain ? locate(data, first, second, third) : decodeUnplain(data);
}

function decodeUnplain(data: Uint8Array): ClientMessage {
  // [COMMA-1.5] Not wrapped in its `req`: the ID may be what is not text.
  if (!isUtf8(data)) return invalid(NOTHING, 0, "the data are not UTF-8");
  if (!endsInLoneBackslash(data)) return locateIn(canonicalHead(data));
  // [COMMA-1.7] An ID that the backslash belongs to has not ended: then there is none to answer to.
  const head = canonicalHead(data.subarray(0, -1));
  const { reqEnd } = locateIn(head);
  const text = "a backslash at the end escapes nothing; a backslash itself is \\\\";
  return invalid(head, reqEnd < head.length ? reqEnd : 0, text);
}

function locateIn(data: Uint8Array): ClientMessage {
  const { length } = data;
  const first = fieldEnd(data, 0);
  const second = first === length ? length : fieldEnd(data, first + 1);
  const third = second === length ? length : fieldEnd(data, second + 1);
  return locate(data, first, second, third);
}

/** Finds the parts of a command whose head is canonical; its first three fields end where is said. */
function locate(data: Uint8Array, first: number, second: number, third: number): ClientMessage {
  if (!isReq(data, 0, first)) return { type: "command", data, reqEnd: 0, nameStart: 0, nameEnd: first };
  if (first === data.length) return invalid(data, 0, "req has no ID: its form is req,<ID>,<command>");
  if (second === data.length)
    return invalid(data, second, "req has no command: its form is req,<ID>,<command>");
  if (isReq(data, second + 1, third)) return invalid(data, second, "a req cannot hold another req");
  return { type: "command", data, reqEnd: second, nameStart: second + 1, nameEnd: third };
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
  return encodeLengthNul(encodeText(fields.map(escapeText).join(",")));
}

/**
 * Encodes a reply's frame: the `req,<ID>` that `data` start with, then the values.
 *
 * @param data of the message that is answered
 * @param reqEnd of the message that is answered
 * @see PROTOCOL.md [COMMA-3.1] to [COMMA-3.3]
 */
export function encodeReply(data: Uint8Array, reqEnd: number, values: readonly string[]): Uint8Array {
  const writer = new ReplyWriter(0);
  const end = writer.write(data, reqEnd, values);
  return writer.bytes.subarray(0, end);
}

/** Encodes one reply after the other into the same memory, for whoever copies them on from there. */
export class ReplyWriter {
  /** The last reply's frame, from 0 up to what `write` returned. */
  bytes: Uint8Array;
  private readonly own: Uint8Array;

  /** @param size in bytes of the memory; what is longer gets its own */
  constructor(size: number) {
    this.own = new Uint8Array(size);
    this.bytes = this.own;
  }

  /** As `encodeReply`. @returns how many bytes the frame has */
  write(data: Uint8Array, reqEnd: number, values: readonly string[]): number {
    const start = HEADER_BYTES + reqEnd + (reqEnd > 0 && values.length > 0 ? 1 : 0);
    const size = values.length === 0 ? 0 : asciiSize(values);
    const text = size === undefined ? encodeText(values.map(escapeText).join(",")) : undefined;
    const end = start + (text?.length ?? (size as number));
    const frame = end <= this.own.length ? this.own : new Uint8Array(end);
    this.bytes = frame;
    writeLengthNulHeader(frame, 0, end - HEADER_BYTES);
    for (let at = 0; at < reqEnd; at++) frame[HEADER_BYTES + at] = data[at] as number;
    if (start > HEADER_BYTES + reqEnd) frame[start - 1] = COMMA;
    if (text === undefined) writeAscii(frame, start, values);
    else frame.set(text, start);
    return end;
  }
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

/** As `decodeServerMessage`. @throws {ProtocolError} `syntax` where that gives `undefined` */
export function readServerFrame(data: Uint8Array): ServerMessage {
  const message = decodeServerMessage(data);
  if (message === undefined)
    throw new ProtocolError("syntax", "a frame is not UTF-8, or ends in a backslash");
  return message;
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
