import { ProtocolError } from "@wireyard/framing";
import { checkVector, collect, eachSplit, fromHex, toHex } from "@wireyard/framing/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ERRORS, MAX_PACKET_BYTES, VarintConnection } from "../src/index.ts";
import { clientVectors, HANDSHAKE, PING, REQUEST, serverVectors } from "./vectors.ts";

const makeServer = (): VarintConnection<"server"> => new VarintConnection({ role: "server" });
const makeClient = (): VarintConnection<"client"> => new VarintConnection({ role: "client" });

// [VARINT-1.1] Each runs whole, byte by byte, at every split and with trailing bytes.
describe("a server connection", () => {
  it.each(clientVectors)("reads $name ($source)", (vector) => {
    checkVector(makeServer, vector);
  });

  it("keeps what it has of a packet, and says so", () => {
    const connection = makeServer();
    const bytes = fromHex(HANDSHAKE);
    expect(connection.partial).toBe(false);
    connection.feed(bytes.subarray(0, 7));
    expect(connection.next()).toBeUndefined();
    expect(connection.partial).toBe(true);
    connection.feed(bytes.subarray(7));
    expect(connection.next()).toMatchObject({ type: "handshake" });
    expect(connection.next()).toBeUndefined();
    expect(connection.partial).toBe(false);
  });

  it("moves with each message it gives, not with those that wait", () => {
    const connection = makeServer();
    connection.feed(fromHex(HANDSHAKE + REQUEST + PING + PING));
    const states = [connection.state];
    while (connection.next() !== undefined) states.push(connection.state);
    expect(states).toEqual(["default", "status", "status_requested", "default", "default"]);
  });

  it("takes a packet of 65,536 bytes [VARINT-1.4]", () => {
    const packet = new Uint8Array(3 + MAX_PACKET_BYTES.server);
    packet.set(fromHex("808004 7f"));
    expect(collect(makeServer(), [packet])).toEqual([{ type: "unknown", id: 0x7f }]);
  });

  it("refuses a longer one by its length alone, before a byte of it is there [VARINT-1.4]", () => {
    const connection = makeServer();
    connection.feed(fromHex("818004"));
    expect(() => connection.next()).toThrow(
      new ProtocolError("too_long", "a frame of 65537 bytes is over 65536"),
    );
  });
});

describe("a legacy ping", () => {
  it.each([
    ["fe", "short"],
    ["fe01", "long"],
    ["fe01fa", "long"],
    ["fe01fa00", "long"],
  ] as const)("is %s where nothing follows, and is told once [VARINT-7.1]", (bytes, form) => {
    const connection = makeServer();
    expect(connection.undecided).toBe(false);
    expect(
      collect(
        connection,
        [...fromHex(bytes)].map((byte) => Uint8Array.of(byte)),
      ),
    ).toEqual([]);
    expect(connection.undecided).toBe(true);
    expect(connection.quiet()).toEqual({ type: "legacy_ping", form });
    expect(connection.undecided).toBe(false);
    expect(connection.quiet()).toBeUndefined();
    // Nothing follows it: what comes is not even held.
    expect(collect(connection, [fromHex(HANDSHAKE), new Uint8Array(100_000)])).toEqual([]);
  });

  it("is none before a byte has come, nor where another packet begins", () => {
    const connection = makeServer();
    expect(connection.quiet()).toBeUndefined();
    expect(collect(connection, [fromHex("fe 02")])).toEqual([]);
    expect(connection.undecided).toBe(false);
    expect(connection.quiet()).toBeUndefined();
  });

  it("is nothing to a client", () => {
    expect(collect(makeClient(), [fromHex("fe01fa000b")])).toEqual([]);
  });
});

describe("a client connection", () => {
  it.each(serverVectors)("reads $name ($source)", (vector) => {
    checkVector(() => {
      const connection = makeClient();
      for (const message of vector.said) connection.say(message);
      return connection;
    }, vector);
  });

  it("reads the longest response there can be [VARINT-3.3]", () => {
    const bytes = new Uint8Array(4 + 3 + 98_301);
    bytes.set(fromHex("818006 00 fdff05"));
    const euros = new TextEncoder().encode("€".repeat(32_767));
    bytes.set(euros, bytes.length - euros.length);
    const [message] = collect(makeClient(), [bytes.subarray(0, 7), bytes.subarray(7)]);
    expect(message).toEqual({ type: "response", json: "€".repeat(32_767) });
  });

  it("says what the state allows, and moves", () => {
    const connection = makeClient();
    const said = [
      connection.say({ type: "pong", payload: 258n }),
      connection.say({
        type: "handshake",
        protocolVersion: 47,
        address: "localhost",
        port: 23_456,
        nextState: 1,
      }),
      connection.say({ type: "request" }),
      connection.say({ type: "ping", payload: fromHex("0000000000000102") }),
    ];
    expect(said.map(toHex).join("")).toBe((PING + HANDSHAKE + REQUEST + PING).replaceAll(" ", ""));
    expect(connection.state).toBe("default");
  });

  it("refuses to say what the state does not allow, and stays as it was", () => {
    const connection = makeClient();
    expect(() => connection.say({ type: "request" })).toThrow(RangeError);
    expect(() => connection.say({ type: "ping", payload: new Uint8Array(8) })).toThrow(RangeError);
    const handshake = { type: "handshake", protocolVersion: -1, port: 1, nextState: 1 } as const;
    expect(() => connection.say({ ...handshake, address: "a".repeat(256) })).toThrow(
      new RangeError("a string of 256 characters is over 255"),
    );
    expect(connection.state).toBe("default");
    // Nor does it wait for the Pong to a Ping that was never said.
    expect(collect(connection, [fromHex("09 01 0000000000000000")])).toEqual([
      { type: "ping", payload: "0000000000000000" },
    ]);
  });

  it("takes no more Pings than it can remember", () => {
    const connection = makeClient();
    connection.say({ type: "handshake", protocolVersion: -1, address: "a", port: 1, nextState: 1 });
    for (let i = 0; i < 1_024; i++) connection.say({ type: "ping", payload: new Uint8Array(8) });
    expect(() => connection.say({ type: "ping", payload: new Uint8Array(8) })).toThrow(
      new RangeError("1024 Pings are unanswered; at most that many may be"),
    );
  });
});

describe("whatever bytes come", () => {
  const hex = fc.constantFrom(
    HANDSHAKE,
    REQUEST,
    PING,
    "fbffffff0f",
    "8080808008",
    "00",
    "01 02",
    "fe01fa000b",
    "0d 00 2f 09 6c6f63616c686f7374 5b",
  );
  // Good packets with noise between them reach deeper than noise alone.
  const stream = fc
    .array(fc.oneof({ weight: 4, arbitrary: hex.map(fromHex) }, fc.uint8Array({ maxLength: 12 })), {
      maxLength: 8,
    })
    .map((parts) => Uint8Array.from(parts.flatMap((part) => [...part])));

  const knownErrors = (events: readonly unknown[]): boolean =>
    events.every((event) => !("error" in (event as object)) || (event as { error: string }).error in ERRORS);

  it.each([
    ["server", makeServer],
    ["client", makeClient],
  ] as const)("a %s gives messages or a ProtocolError of the table, the same for every split", (_, make) => {
    fc.assert(
      fc.property(stream, fc.array(fc.nat(), { maxLength: 6 }), (bytes, cuts) => {
        const whole = collect(make(), [bytes]);
        expect(knownErrors(whole)).toBe(true);
        const places = cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b);
        const chunks = [0, ...places].map((from, i) => bytes.slice(from, places[i] ?? bytes.length));
        expect(collect(make(), chunks)).toEqual(whole);
      }),
      { seed: 23_456, numRuns: 400 },
    );
  });
});

// Every way to cut is the same for a whole conversation too.
it("a conversation gives the same messages at every split [VARINT-1.1]", () => {
  const bytes = fromHex(HANDSHAKE + REQUEST + PING + PING + HANDSHAKE + PING);
  const whole = collect(makeServer(), [bytes]);
  expect(whole).toHaveLength(6);
  for (const { way, chunks } of eachSplit(bytes)) expect(collect(makeServer(), chunks), way).toEqual(whole);
});

// `bad_status` is in the JSON: codec.test.ts shows it.
it.each(Object.keys(ERRORS).filter((code) => code !== "bad_status"))(
  "a vector shows the error %s",
  (code) => {
    const shown = [...clientVectors, ...serverVectors].some(({ events }) =>
      events.some((event) => (event as { error?: string }).error === code),
    );
    expect(shown).toBe(true);
  },
);
