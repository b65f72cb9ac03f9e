import type { Vector } from "@wireyard/framing/testing";
import type { ClientPacket } from "../src/index.ts";

/** `localhost`, port 23456, protocol version 47, next state 1. */
export const HANDSHAKE = "0f 00 2f 09 6c6f63616c686f7374 5ba0 01";
/** The same with next state 2. */
export const LOGIN = "0f 00 2f 09 6c6f63616c686f7374 5ba0 02";
export const REQUEST = "01 00";
/** Payload 258. */
export const PING = "09 01 0000000000000102";

const handshake = {
  type: "handshake",
  protocolVersion: 47,
  address: "localhost",
  port: 23_456,
  nextState: 1,
} as const;
const request = { type: "request" } as const;
const ping = { type: "ping", payload: "0000000000000102" } as const;
const pong = { type: "pong", payload: "258n" } as const;

const hexOf = (text: string): string =>
  Array.from(new TextEncoder().encode(text), (byte) => byte.toString(16).padStart(2, "0")).join("");

/** A handshake with this address field, its string length included, in hex. */
function handshakeWith(address: string): string {
  const size = 1 + 1 + address.length / 2 + 2 + 1;
  const length = size < 0x80 ? [size] : [(size & 0x7f) | 0x80, size >> 7];
  return `${length.map((byte) => byte.toString(16).padStart(2, "0")).join("")} 00 2f ${address} 5ba0 01`;
}

/** What clients send. */
export const clientVectors: readonly Vector[] = [
  { name: "handshake", hex: HANDSHAKE, events: [handshake], source: "[VARINT-2.1]" },
  {
    name: "handshake of a pinger that knows no version",
    hex: "13 00 ffffffff0f 09 6c6f63616c686f7374 5ba0 01",
    events: [{ ...handshake, protocolVersion: -1 }],
    source: "Minecraft Java, server list; [VARINT-1.2]",
  },
  {
    name: "handshake with Forge's mark in its address",
    hex: "14 00 2f 0e 6c6f63616c686f7374 00464d4c00 5ba0 01",
    events: [{ ...handshake, address: "localhost\0FML\0" }],
    source: "Minecraft Forge",
  },
  {
    name: "handshake with a VarInt longer than it needs to be",
    hex: "10 00 af00 09 6c6f63616c686f7374 5ba0 01",
    events: [handshake],
    source: "[VARINT-1.2]",
  },
  {
    name: "handshake with a byte order mark in its address",
    hex: handshakeWith(`04 ${hexOf("\ufeffa")}`.replace(" ", "")),
    events: [{ ...handshake, address: "\ufeffa" }],
    source: "[VARINT-1.7]",
  },
  {
    name: "an address of 255 characters of three bytes",
    hex: handshakeWith(`fd05${hexOf("€".repeat(255))}`),
    events: [{ ...handshake, address: "€".repeat(255) }],
    source: "[VARINT-1.7]",
  },
  {
    name: "status as server lists ask for it",
    hex: `${HANDSHAKE} ${REQUEST} ${PING}`,
    events: [handshake, request, ping],
    source: "minecraft-server-util 5.4.4; [VARINT-4.1]",
  },
  {
    name: "ping without request",
    hex: `${HANDSHAKE} ${PING} ${PING}`,
    events: [handshake, ping, ping],
    source: "[VARINT-4.1]",
  },
  {
    name: "request without ping",
    hex: `${HANDSHAKE} ${REQUEST} ${REQUEST}`,
    events: [handshake, request, request],
    source: "[VARINT-4.1]",
  },
  {
    name: "after a request and a ping, a pong and a new handshake",
    hex: `${HANDSHAKE} ${PING} ${REQUEST} ${PING} ${HANDSHAKE} ${REQUEST}`,
    events: [handshake, ping, request, pong, handshake, request],
    source: "[VARINT-4.1]",
  },
  { name: "pong in state 0", hex: PING, events: [pong], source: "[VARINT-2.3]" },
  {
    name: "pongs of the smallest and the largest Long",
    hex: "09 01 8000000000000000 09 01 7fffffffffffffff",
    events: [
      { type: "pong", payload: "-9223372036854775808n" },
      { type: "pong", payload: "9223372036854775807n" },
    ],
    source: "[VARINT-1.6]",
  },
  {
    name: "a ping whose id takes two bytes",
    hex: `${HANDSHAKE} 0a 8100 0000000000000102`,
    events: [handshake, ping],
    source: "[VARINT-1.2]",
  },
  {
    name: "unknown packets in both states",
    hex: `01 02 05 ffffffff0f ${HANDSHAKE} 04 7f abcdef ${PING}`,
    events: [
      { type: "unknown", id: 2 },
      { type: "unknown", id: -1 },
      handshake,
      { type: "unknown", id: 127 },
      ping,
    ],
    source: "[VARINT-1.10]",
  },
  { name: "a packet that has begun", hex: "0f 00 2f 09", events: [], source: "[VARINT-1.1]" },
  {
    name: "a packet that starts like HTTP",
    hex: `47 45 ${"00".repeat(70)} ${HANDSHAKE}`,
    events: [{ type: "unknown", id: 0x45 }, handshake],
    source: "[VARINT-1.11]",
  },
  { name: "HTTP", text: "GET / HTTP/1.1\r\n\r\n", events: [{ error: "http" }], source: "[VARINT-1.11]" },
  { name: "HTTP with a body", text: "POST /", events: [{ error: "http" }], source: "[VARINT-1.11]" },
  { name: "a packet of no bytes", hex: "00", events: [{ error: "empty_packet" }], source: "[VARINT-1.3]" },
  {
    name: "what stands before a broken packet",
    hex: `${HANDSHAKE} ${PING} 00`,
    events: [handshake, ping, { error: "empty_packet" }],
    source: "[VARINT-1.8]",
  },
  { name: "length -5", hex: "fbffffff0f", events: [{ error: "bad_length" }], source: "[VARINT-1.4]" },
  {
    name: "length -2147483648",
    hex: "8080808008",
    events: [{ error: "bad_length" }],
    source: "[VARINT-1.4]",
  },
  {
    name: "a length of six bytes",
    hex: "808080808001",
    events: [{ error: "varint_too_long" }],
    source: "[VARINT-1.2]",
  },
  { name: "a length of 65537", hex: "818004", events: [{ error: "too_long" }], source: "[VARINT-1.4]" },
  {
    name: "a length of 2147483647",
    hex: "ffffffff07",
    events: [{ error: "too_long" }],
    source: "[VARINT-1.4]",
  },
  { name: "an id cut off", hex: "01 80", events: [{ error: "incomplete_packet" }], source: "[VARINT-1.5]" },
  {
    name: "an id of six bytes",
    hex: "06 808080808001",
    events: [{ error: "varint_too_long" }],
    source: "[VARINT-1.2]",
  },
  {
    name: "a handshake without fields",
    hex: REQUEST,
    events: [{ error: "incomplete_packet" }],
    source: "[VARINT-1.5]",
  },
  {
    name: "a handshake cut off in its port",
    hex: "0d 00 2f 09 6c6f63616c686f7374 5b",
    events: [{ error: "incomplete_packet" }],
    source: "[VARINT-1.5]",
  },
  {
    name: "a handshake with a byte too many",
    hex: "10 00 2f 09 6c6f63616c686f7374 5ba0 01 00",
    events: [{ error: "trailing_bytes" }],
    source: "[VARINT-1.5]",
  },
  {
    name: "a handshake in state 1",
    hex: `${HANDSHAKE} ${HANDSHAKE}`,
    events: [handshake, { error: "trailing_bytes" }],
    source: "[VARINT-2.6]",
  },
  {
    name: "a handshake for a login, and what a player says behind it",
    hex: `${LOGIN} 05 00 03 616e6e ${PING}`,
    events: [
      { ...handshake, nextState: 2 },
      { type: "unknown", id: 0 },
      { type: "unknown", id: 1 },
    ],
    source: "Minecraft Java; [VARINT-2.2]",
  },
  ...["00", "03", "ffffffff0f"].map((next) => ({
    name: `a handshake for the next state ${next}`,
    hex: `${next.length === 2 ? "0f" : "13"} 00 2f 09 6c6f63616c686f7374 5ba0 ${next}`,
    events: [{ error: "bad_next_state" }],
    source: "[VARINT-2.2]",
  })),
  {
    name: "a legacy ping with the server's name",
    hex: "fe01fa 000b 004d0043007c00500069006e00670048006f00730074 0019 4a 0009 006c006f00630061006c0068006f00730074 00005ba0",
    events: [{ type: "legacy_ping", form: "long" }],
    source: "Minecraft Java 1.6.4; [VARINT-7.1]",
  },
  {
    name: "a legacy ping with its text in ASCII",
    hex: "fe01fa 000b 4d437c50696e67486f7374 0010 4a 0009 6c6f63616c686f7374 5ba0",
    events: [{ type: "legacy_ping", form: "long" }],
    source: "minecraft-server-util 5.4.4; [VARINT-7.1]",
  },
  { name: "what time alone shows to be a legacy ping", hex: "fe 01", events: [], source: "[VARINT-7.1]" },
  {
    name: "a packet of 254 bytes",
    hex: `fe01 7f ${"00".repeat(253)} ${PING}`,
    events: [{ type: "unknown", id: 0x7f }, pong],
    source: "[VARINT-7.1]",
  },
  {
    name: "a packet that starts like a legacy ping, but for one byte",
    hex: `fe01 fa00 0c ${"00".repeat(251)} ${PING}`,
    events: [{ type: "unknown", id: 0x7a }, pong],
    source: "[VARINT-7.1]",
  },
  {
    name: "a handshake with a length of fe",
    hex: handshakeWith(`f401${hexOf("a".repeat(244))}`),
    events: [{ ...handshake, address: "a".repeat(244) }],
    source: "[VARINT-7.1]",
  },
  {
    name: "a legacy ping's bytes behind a packet",
    hex: `${PING} fe01fa000b`,
    events: [pong],
    source: "[VARINT-7.1]",
  },
  {
    name: "a pong of seven bytes",
    hex: "08 01 00000000000001",
    events: [{ error: "incomplete_packet" }],
    source: "[VARINT-1.5]",
  },
  {
    name: "a ping of nine bytes",
    hex: `${HANDSHAKE} 0a 01 000000000000010203`,
    events: [handshake, { error: "trailing_bytes" }],
    source: "[VARINT-1.5]",
  },
  {
    name: "an address of length -5",
    hex: "0a 00 2f fbffffff0f 5ba0 01",
    events: [{ error: "bad_length" }],
    source: "[VARINT-1.7]",
  },
  {
    name: "an address of length -2147483648",
    hex: "0a 00 2f 8080808008 5ba0 01",
    events: [{ error: "bad_length" }],
    source: "[VARINT-1.7]",
  },
  {
    name: "an address that declares more than the packet holds",
    hex: "06 00 2f 09 6c6f63",
    events: [{ error: "incomplete_packet" }],
    source: "[VARINT-1.5]",
  },
  {
    name: "an address that declares more than 1020 bytes",
    hex: "04 00 2f fd07",
    events: [{ error: "string_too_long" }],
    source: "[VARINT-1.7]",
  },
  {
    name: "an address of 256 characters",
    hex: handshakeWith(`8002${hexOf("a".repeat(256))}`),
    events: [{ error: "string_too_long" }],
    source: "[VARINT-1.7]",
  },
  {
    name: "an address of 128 characters that are two code units each",
    hex: handshakeWith(`8004${hexOf("🚀".repeat(128))}`),
    events: [{ error: "string_too_long" }],
    source: "[VARINT-1.7]",
  },
  {
    name: "an address that is not UTF-8",
    hex: handshakeWith("02c328"),
    events: [{ error: "bad_utf8" }],
    source: "[VARINT-1.7]",
  },
  {
    name: "an address with a surrogate",
    hex: handshakeWith("03eda080"),
    events: [{ error: "bad_utf8" }],
    source: "[VARINT-1.7]",
  },
];

/** What servers send, to a client that has said `said`. */
export interface ServerVector extends Vector {
  said: readonly ClientPacket[];
}

const asked = [handshake, { type: "ping", payload: Uint8Array.of(0, 0, 0, 0, 0, 0, 1, 2) } as const];
const response = (text: string): string => {
  const body = hexOf(text);
  const size = body.length / 2;
  return `${(size + 2).toString(16).padStart(2, "0")} 00 ${size.toString(16).padStart(2, "0")} ${body}`;
};

export const serverVectors: readonly ServerVector[] = [
  { name: "request", hex: REQUEST, said: [], events: [request], source: "[VARINT-3.1]" },
  { name: "ping", hex: PING, said: [], events: [ping], source: "[VARINT-3.2]" },
  {
    name: "response",
    hex: response('{"a":1}'),
    said: [handshake, request],
    events: [{ type: "response", json: '{"a":1}' }],
    source: "[VARINT-3.3]",
  },
  { name: "pong to a ping that was sent", hex: PING, said: asked, events: [pong], source: "[VARINT-3.4]" },
  {
    name: "a ping of the server's that crosses the handshake, then the pong, then another ping",
    hex: `09 01 0000000000000063 ${PING} ${PING}`,
    said: asked,
    events: [{ type: "ping", payload: "0000000000000063" }, pong, ping],
    source: "[VARINT-3.6]",
  },
  {
    name: "login disconnect, and a ping that crossed the handshake",
    hex: `${PING} ${response('"no"')}`,
    said: [{ ...handshake, nextState: 2 }],
    events: [
      { type: "unknown", id: 1 },
      { type: "login_disconnect", json: '"no"' },
    ],
    source: "[VARINT-3.7]",
  },
  {
    name: "unknown packet",
    hex: "03 40 0102",
    said: [],
    events: [{ type: "unknown", id: 64 }],
    source: "[VARINT-1.10]",
  },
  { name: "what a server that speaks HTTP says", text: "HT", said: [], events: [], source: "[VARINT-1.11]" },
  {
    name: "a response cut off",
    hex: "03 00 05 7b",
    said: asked,
    events: [{ error: "incomplete_packet" }],
    source: "[VARINT-1.5]",
  },
  {
    name: "a response with a byte too many",
    hex: "05 00 02 7b7d 00",
    said: asked,
    events: [{ error: "trailing_bytes" }],
    source: "[VARINT-1.5]",
  },
  {
    name: "a response that declares more than 131068 bytes",
    hex: "04 00 fdff08",
    said: asked,
    events: [{ error: "string_too_long" }],
    source: "[VARINT-3.3]",
  },
  {
    name: "a response that is not UTF-8",
    hex: "03 00 01 ff",
    said: asked,
    events: [{ error: "bad_utf8" }],
    source: "[VARINT-1.7]",
  },
  {
    name: "a packet of 131073 bytes",
    hex: "818008",
    said: [],
    events: [{ error: "too_long" }],
    source: "[VARINT-1.4]",
  },
];
