import { ProtocolError } from "@wireyard/framing";
import { fromHex, toHex } from "@wireyard/framing/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type ClientPacket,
  decodeClientMessage,
  decodeServerMessage,
  decodeStatus,
  ERRORS,
  encodeClientMessage,
  encodeEcho,
  encodeServerMessage,
  encodeStatus,
  longBytes,
  parseLong,
  readLong,
  type ServerMessage,
  STATES,
  type State,
} from "../src/index.ts";
import { HANDSHAKE, PING, REQUEST } from "./vectors.ts";

const states = Object.keys(STATES) as State[];
const long = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const payload = fc.uint8Array({ minLength: 8, maxLength: 8 });

/** A packet without its length, which is of one byte or more. */
function unframed(packet: Uint8Array): Uint8Array {
  let at = 0;
  while ((packet[at] as number) > 0x7f) at++;
  return packet.slice(at + 1);
}

describe("a Long", () => {
  it("is eight bytes, signed, big-endian [VARINT-1.6]", () => {
    expect(toHex(longBytes(258n))).toBe("0000000000000102");
    expect(toHex(longBytes(-1n))).toBe("ffffffffffffffff");
    expect(toHex(longBytes(-(2n ** 63n)))).toBe("8000000000000000");
  });

  it("comes back as it was", () => {
    fc.assert(
      fc.property(long, (value) => readLong(longBytes(value)) === value),
      { seed: 1, numRuns: 200 },
    );
  });

  it("is read from decimal digits, in one form only", () => {
    fc.assert(
      fc.property(long, (value) => parseLong(String(value)) === value),
      { seed: 7, numRuns: 100 },
    );
    for (const text of ["", "-", "-0", "00", "+1", "1.0", "1n", " 1", "0x1", "1e3", "9223372036854775808"]) {
      expect(parseLong(text)).toBeUndefined();
    }
  });

  it("is refused where it needs more than 64 bits", () => {
    expect(() => longBytes(2n ** 63n)).toThrow(
      new RangeError("9223372036854775808 is no Long; one is -2^63 to 2^63-1"),
    );
  });
});

describe("a client's packet", () => {
  it("has the bytes of the rule [VARINT-2.1] [VARINT-2.3] [VARINT-2.4] [VARINT-2.5]", () => {
    const hexOf = (message: ClientPacket): string => toHex(encodeClientMessage(message));
    const handshake = { type: "handshake", address: "localhost", port: 23_456 } as const;
    expect(hexOf({ ...handshake, protocolVersion: 47, nextState: 1 })).toBe(HANDSHAKE.replaceAll(" ", ""));
    expect(hexOf({ type: "request" })).toBe(REQUEST.replaceAll(" ", ""));
    expect(hexOf({ type: "ping", payload: fromHex("0000000000000102") })).toBe(PING.replaceAll(" ", ""));
    expect(hexOf({ type: "pong", payload: 258n })).toBe(PING.replaceAll(" ", ""));
  });

  it("comes back as it was, in the state it is for", () => {
    const handshake = fc.record({
      type: fc.constant("handshake" as const),
      protocolVersion: fc.integer(),
      address: fc.string({ unit: "grapheme", maxLength: 60 }),
      port: fc.nat(65_535),
      nextState: fc.integer(),
    });
    const inDefault = fc.oneof(handshake, fc.record({ type: fc.constant("pong" as const), payload: long }));
    fc.assert(
      fc.property(inDefault, (message) => {
        expect(decodeClientMessage(unframed(encodeClientMessage(message)), "default")).toEqual(message);
      }),
      { seed: 2, numRuns: 300 },
    );
    fc.assert(
      fc.property(payload, (bytes) => {
        const message = { type: "ping", payload: bytes } as const;
        expect(decodeClientMessage(unframed(encodeClientMessage(message)), "status")).toEqual(message);
      }),
      { seed: 3, numRuns: 50 },
    );
  });

  it("is refused where a field cannot hold its value", () => {
    const handshake = {
      type: "handshake",
      protocolVersion: -1,
      address: "a",
      port: 1,
      nextState: 1,
    } as const;
    expect(() => encodeClientMessage({ ...handshake, port: 65_536 })).toThrow(
      new RangeError("65536 is no port; one is 0 to 65535"),
    );
    expect(() => encodeClientMessage({ ...handshake, address: "a".repeat(256) })).toThrow(RangeError);
  });
});

describe("a server's packet", () => {
  it("comes back as it was", () => {
    const response = fc.record({
      type: fc.constant("response" as const),
      json: fc.string({ unit: "grapheme", maxLength: 300 }),
    });
    const pong = fc.record({ type: fc.constant("pong" as const), payload: long });
    fc.assert(
      fc.property(
        fc.oneof(response, pong, fc.constant({ type: "request" } as const)),
        (message: ServerMessage) => {
          if (message.type === "unknown") return;
          const packet = unframed(encodeServerMessage(message));
          expect(decodeServerMessage(packet, "status", () => true)).toEqual(message);
        },
      ),
      { seed: 4, numRuns: 300 },
    );
  });

  it("is a Ping or a Pong as the client waits for its payload or not [VARINT-3.6]", () => {
    const packet = fromHex("01 0000000000000102");
    expect(decodeServerMessage(packet, "status", (value) => value === 258n)).toEqual({
      type: "pong",
      payload: 258n,
    });
    expect(decodeServerMessage(packet, "status", () => false)).toEqual({
      type: "ping",
      payload: fromHex("0000000000000102"),
    });
  });

  it("is a Login Disconnect to a client that logs in, who knows no other packet [VARINT-3.7]", () => {
    const said = { type: "login_disconnect", json: '{"text":"no"}' } as const;
    const packet = encodeServerMessage(said);
    expect(toHex(packet)).toBe(`0f000d${toHex(new TextEncoder().encode(said.json))}`);
    expect(decodeServerMessage(unframed(packet), "login", () => true)).toEqual(said);
    const ping = fromHex("01 0000000000000102");
    expect(decodeServerMessage(ping, "login", () => true)).toEqual({ type: "unknown", id: 1 });
  });

  it("echoes a payload byte for byte [VARINT-3.4]", () => {
    fc.assert(
      fc.property(payload, (bytes) => toHex(encodeEcho(bytes)) === `0901${toHex(bytes)}`),
      { seed: 5, numRuns: 50 },
    );
  });

  it("is refused where the JSON is longer than a client would take [VARINT-3.3]", () => {
    expect(() => encodeServerMessage({ type: "response", json: "a".repeat(32_768) })).toThrow(
      new RangeError("a string of 32768 characters is over 32767"),
    );
  });
});

describe("whatever bytes a packet holds", () => {
  it("there comes a message or a ProtocolError of the table", () => {
    const packet = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc.uint8Array({ maxLength: 40 }).map((rest) => Uint8Array.of(0, 0x2f, ...rest)),
      fc.uint8Array({ maxLength: 12 }).map((rest) => Uint8Array.of(1, ...rest)),
    );
    const tried = (decode: () => unknown): void => {
      try {
        decode();
      } catch (error) {
        expect(error).toBeInstanceOf(ProtocolError);
        expect((error as ProtocolError).code in ERRORS).toBe(true);
      }
    };
    fc.assert(
      fc.property(packet, fc.constantFrom(...states), (bytes, state) => {
        tried(() => decodeClientMessage(bytes, state));
        tried(() => decodeServerMessage(bytes, state, () => state === "default"));
      }),
      { seed: 6, numRuns: 1_000 },
    );
  });
});

describe("a status", () => {
  const status = {
    version: { name: "Wireyard", protocol: -1 },
    players: { max: 20, online: 1, sample: [{ name: "ann", id: "0" }] },
    clients: { max: 20, online: 1 },
    description: { text: "Café 🚀 \u2028" },
  };
  const vanilla = '"version":{"name":"1.21.4","protocol":769},"players":{"max":20,"online":0}';

  it("is JSON of ASCII alone, and means the same [VARINT-5.2]", () => {
    const json = encodeStatus(status);
    expect(json).toMatch(/^[\x20-\x7e]*$/);
    expect(json).toContain("Caf\\u00e9 \\ud83d\\ude80 \\u2028");
    expect(decodeStatus(json)).toEqual(status);
  });

  it.each([
    ["a string", '"Hello"', "Hello"],
    ["a part", '{"text":"Hello"}', "Hello"],
    ["parts within a part", '{"text":"He","color":"red","extra":[{"text":"l"},"lo"]}', "Hello"],
    ["a list", '["He",{"text":"llo"}]', "Hello"],
    ["nothing", "null", ""],
    ["a number", "5", ""],
  ])("has a description from a Minecraft server that writes it as %s [VARINT-5.4]", (_, written, text) => {
    expect(decodeStatus(`{${vanilla},"description":${written}}`)).toEqual({
      version: { name: "1.21.4", protocol: 769 },
      players: { max: 20, online: 0, sample: [] },
      description: { text },
    });
  });

  it("follows the parts of a description only so deep", () => {
    const deep = `${'{"extra":['.repeat(2_900)}"x"${"]}".repeat(2_900)}`;
    expect(decodeStatus(`{${vanilla},"description":${deep}}`).description.text).toBe("");
  });

  it("keeps players and favicon that have their form, and drops what has not", () => {
    const json = `{"version":{"name":"a","protocol":1},"players":{"max":1,"online":1,"sample":[{"name":"ann","id":"0"},{"name":1},null]},"favicon":"data:image/png;base64,AA","__proto__":{"x":1}}`;
    expect(decodeStatus(json)).toEqual({
      version: { name: "a", protocol: 1 },
      players: { max: 1, online: 1, sample: [{ name: "ann", id: "0" }] },
      description: { text: "" },
      favicon: "data:image/png;base64,AA",
    });
  });

  it.each([
    ["not JSON", "{", "it is not JSON"],
    ["no object", "[]", "the status must be an object"],
    ["without a version", '{"players":{"max":1,"online":0}}', "version must be an object"],
    [
      "without a protocol",
      '{"version":{"name":"a"}}',
      "version must hold a name and the number of a protocol",
    ],
    ["without players", '{"version":{"name":"a","protocol":1}}', "players must be an object"],
    [
      "with players as text",
      '{"version":{"name":"a","protocol":1},"players":{"max":"1","online":0}}',
      "players must hold the numbers max and online",
    ],
  ])("%s is bad_status", (_, json, why) => {
    expect(() => decodeStatus(json)).toThrow(
      new ProtocolError("bad_status", `a Response does not hold a status: ${why}`),
    );
  });
});
