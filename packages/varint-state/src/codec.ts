import {
  allocateBytes,
  decodeText,
  encodeText,
  ProtocolError,
  readVarInt,
  varIntSize,
  writeVarInt,
} from "@wireyard/framing";
import type { ClientPacket, ErrorCode, ServerMessage, UnknownPacket } from "./messages.ts";
import { type Said, STATES, type State, type Step } from "./state.ts";

/** Most UTF-16 code units of a handshake's address. */
export const MAX_ADDRESS_LENGTH = 255;
/** Most UTF-16 code units of a Response's JSON. */
export const MAX_RESPONSE_LENGTH = 32_767;

/** Most UTF-16 code units of a Login Disconnect's JSON. */
const MAX_REASON_LENGTH = 262_144;

/** Handshake and Request of a client, Request, Response and Login Disconnect of a server. */
const ID_0 = 0x00;
/** Ping and Pong of either side. */
const ID_1 = 0x01;
const LONG_BYTES = 8;

/**
 * Reads a client's packet (id and fields, without the length) as it is meant in `state`.
 *
 * The `payload` of a Ping is a view of `packet`.
 * @throws {ProtocolError} where the packet does not have the form of its id
 * @see PROTOCOL.md [VARINT-2]
 */
export function decodeClientMessage(packet: Uint8Array, state: State): ClientPacket | UnknownPacket {
  // What is sent most is read first, and with nothing made but its payload.
  const { client } = STATES[state];
  if (packet[0] === ID_1 && packet.length === 1 + LONG_BYTES && client[ID_1]?.type === "ping") {
    return { type: "ping", payload: new Uint8Array(packet.buffer, packet.byteOffset + 1, LONG_BYTES) };
  }
  const fields = new FieldReader(packet);
  const id = fields.readId();
  const known = client[id];
  if (known === undefined) return { type: "unknown", id };
  const message = readClientFields(fields, known.type);
  fields.end();
  return message;
}

function readClientFields(fields: FieldReader, type: Step): ClientPacket {
  switch (type) {
    case "handshake":
      return readHandshake(fields);
    case "pong":
      return { type, payload: readLong(fields.readLongBytes()) };
    case "request":
      return { type };
    case "ping":
      return { type, payload: fields.readLongBytes() };
  }
}

function readHandshake(fields: FieldReader): ClientPacket {
  return {
    type: "handshake",
    protocolVersion: fields.readVarInt(),
    address: fields.readString(MAX_ADDRESS_LENGTH),
    port: unsignedShort(fields.readBytes(2, "an Unsigned Short")),
    nextState: fields.readVarInt(),
  };
}

function unsignedShort(bytes: Uint8Array): number {
  return ((bytes[0] as number) << 8) | (bytes[1] as number);
}

/**
 * Reads a server's packet (id and fields, without the length) for a client in `state`.
 *
 * Between state 0 and state 1 the state alone cannot tell what it is: packets of the server's may cross a handshake.
 * So a Request is told from a Response by its fields, and a Ping from a Pong by `awaits`, which says what payloads
 * the client waits for. The `payload` of a Ping is a view of `packet`.
 * @throws {ProtocolError} where the packet does not have the form of its id
 * @see PROTOCOL.md [VARINT-3]
 */
export function decodeServerMessage(
  packet: Uint8Array,
  state: State,
  awaits: (payload: bigint) => boolean,
): ServerMessage {
  const fields = new FieldReader(packet);
  const id = fields.readId();
  const known = STATES[state].server[id];
  if (known === undefined) return { type: "unknown", id };
  const message = readServerFields(fields, known, awaits);
  fields.end();
  return message;
}

function readServerFields(
  fields: FieldReader,
  type: Said,
  awaits: (payload: bigint) => boolean,
): ServerMessage {
  switch (type) {
    case "request":
    case "response":
      if (fields.ended) return { type: "request" };
      return { type: "response", json: fields.readString(MAX_RESPONSE_LENGTH) };
    case "ping":
    case "pong": {
      const bytes = fields.readLongBytes();
      const payload = readLong(bytes);
      return awaits(payload) ? { type: "pong", payload } : { type: "ping", payload: bytes };
    }
    case "login_disconnect":
      return { type, json: fields.readString(MAX_REASON_LENGTH) };
  }
}

/**
 * Encodes a client's packet, its length included.
 *
 * @throws {RangeError} where a field cannot hold its value
 */
export function encodeClientMessage(message: ClientPacket): Uint8Array {
  switch (message.type) {
    case "handshake":
      return encodeHandshake(message);
    case "request":
      return packetOf();
    case "ping":
      return encodeEcho(message.payload);
    case "pong":
      return encodeEcho(longBytes(message.payload));
  }
}

/**
 * Encodes a server's packet, its length included.
 *
 * @throws {RangeError} where a field cannot hold its value
 */
export function encodeServerMessage(message: Exclude<ServerMessage, { type: "unknown" }>): Uint8Array {
  if (message.type !== "response" && message.type !== "login_disconnect") return encodeClientMessage(message);
  const maxLength = message.type === "response" ? MAX_RESPONSE_LENGTH : MAX_REASON_LENGTH;
  return packetOf(encodeString(message.json, maxLength));
}

/** Encodes a Ping with this payload, or the Pong that sends it back: the same bytes. */
export function encodeEcho(payload: Uint8Array): Uint8Array {
  const packet = allocateBytes(2 + LONG_BYTES);
  packet[0] = 1 + LONG_BYTES;
  packet[1] = ID_1;
  packet.set(payload, 2);
  return packet;
}

/** The eight bytes of a Long: signed, big-endian. @throws {RangeError} where `value` needs more than 64 bits */
export function longBytes(value: bigint): Uint8Array {
  if (BigInt.asIntN(64, value) !== value) {
    throw new RangeError(`${value} is no Long; one is -2^63 to 2^63-1`);
  }
  const bytes = new Uint8Array(LONG_BYTES);
  new DataView(bytes.buffer).setBigInt64(0, value);
  return bytes;
}

/** Reads a Long from its one strict decimal form (`0|-?[1-9][0-9]*`); `undefined` for all else. */
export function parseLong(text: string): bigint | undefined {
  if (!/^(?:0|-?[1-9][0-9]{0,18})$/.test(text)) return undefined;
  const value = BigInt(text);
  return BigInt.asIntN(64, value) === value ? value : undefined;
}

/** The value of a Long's eight bytes. */
export function readLong(bytes: Uint8Array): bigint {
  return new DataView(bytes.buffer, bytes.byteOffset, LONG_BYTES).getBigInt64(0);
}

function encodeHandshake(message: Extract<ClientPacket, { type: "handshake" }>): Uint8Array {
  const { protocolVersion, port, nextState } = message;
  if (port !== (port & 0xffff)) {
    throw new RangeError(`${port} is no port; one is 0 to 65535`);
  }
  return packetOf(
    varInt(protocolVersion),
    encodeString(message.address, MAX_ADDRESS_LENGTH),
    Uint8Array.of(port >> 8, port),
    varInt(nextState),
  );
}

/** A packet of id 0, its length included. */
function packetOf(...fields: readonly Uint8Array[]): Uint8Array {
  const length = fields.reduce((sum, field) => sum + field.length, 1);
  const packet = allocateBytes(varIntSize(length) + length);
  let at = writeVarInt(packet, 0, length);
  packet[at++] = ID_0;
  for (const field of fields) {
    packet.set(field, at);
    at += field.length;
  }
  return packet;
}

function varInt(value: number): Uint8Array {
  const bytes = new Uint8Array(varIntSize(value));
  writeVarInt(bytes, 0, value);
  return bytes;
}

/** A string with its length before it. */
function encodeString(text: string, maxLength: number): Uint8Array {
  if (text.length > maxLength) {
    throw new RangeError(`a string of ${text.length} characters is over ${maxLength}`);
  }
  const bytes = encodeText(text);
  const string = new Uint8Array(varIntSize(bytes.length) + bytes.length);
  string.set(bytes, writeVarInt(string, 0, bytes.length));
  return string;
}

/** Reads the fields of one packet in their order. */
class FieldReader {
  readonly #packet: Uint8Array;
  #at = 0;

  constructor(packet: Uint8Array) {
    this.#packet = packet;
  }

  get ended(): boolean {
    return this.#at === this.#packet.length;
  }

  readId(): number {
    if (this.#packet.length === 0) throw broken("empty_packet", "a packet has no id");
    return this.readVarInt();
  }

  readVarInt(): number {
    const read = readVarInt(this.#packet, this.#at);
    if (read === undefined) throw broken("incomplete_packet", "a packet ends within a VarInt");
    this.#at += read.size;
    return read.value;
  }

  readLongBytes(): Uint8Array {
    return this.readBytes(LONG_BYTES, "a Long");
  }

  /** [VARINT-1.7] Its bytes are counted before they are looked at, its characters after. */
  readString(maxLength: number): string {
    const size = this.readVarInt();
    if (size < 0) throw broken("bad_length", `a string declares ${size} bytes`);
    if (size > maxLength * 4) {
      throw broken("string_too_long", `a string of ${size} bytes is over ${maxLength * 4}`);
    }
    const text = decodeText(this.readBytes(size, `a string of ${size} bytes`));
    if (text === undefined) throw broken("bad_utf8", "a string is not UTF-8");
    if (text.length > maxLength) {
      throw broken("string_too_long", `a string of ${text.length} characters is over ${maxLength}`);
    }
    return text;
  }

  /** [VARINT-1.5] */
  end(): void {
    const rest = this.#packet.length - this.#at;
    if (rest > 0) throw broken("trailing_bytes", `a packet has ${rest} bytes behind its last field`);
  }

  /** The next `size` bytes: a view of the packet. */
  readBytes(size: number, what: string): Uint8Array {
    const { buffer, byteOffset, length } = this.#packet;
    const at = this.#at;
    if (length - at < size) throw broken("incomplete_packet", `a packet ends within ${what}`);
    this.#at = at + size;
    return new Uint8Array(buffer, byteOffset + at, size);
  }
}

function broken(code: ErrorCode, message: string): ProtocolError {
  return new ProtocolError(code, message);
}
