import { encodeText, type ProtocolError } from "@wireyard/framing";
import { checkVector, collect, eachSplit } from "@wireyard/framing/testing";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { JsonPacketConnection, RawJson } from "../src/index.ts";
import { lightMachine, machine } from "./packets.ts";
import { httpVectors, vectors } from "./vectors.ts";

describe("a server reads", () => {
  test.each([...vectors, ...httpVectors])("$source $name", (vector) =>
    checkVector(() => machine("server"), vector),
  );
});

describe("a client reads", () => {
  test.each(vectors)("$source $name", (vector) => checkVector(() => machine("client"), vector));
});

describe("the client of this package reads", () => {
  test.each(vectors)("$source $name", (vector) => checkVector(lightMachine, vector));
});

describe("[JSON-1.3] a packet's length", () => {
  const packet = (bytes: number): string => `{"a":"${"x".repeat(bytes - 8)}"}`;

  test("has a limit, which is what may be there and no more", () => {
    for (const { chunks } of eachSplit(encodeText(packet(64)))) {
      expect(collect(machine("server", 64), chunks)).toHaveLength(1);
    }
    for (const { chunks } of eachSplit(encodeText(packet(65)))) {
      expect(collect(machine("server", 64), chunks)).toEqual([{ error: "too_long" }]);
    }
  });

  test("counts neither white space around it nor the packet before it", () => {
    const text = `${" ".repeat(99)}${packet(64)}\n\n${packet(64)}`;
    for (const { chunks } of eachSplit(encodeText(text))) {
      expect(collect(machine("server", 64), chunks)).toHaveLength(2);
    }
  });

  test("may change between two packets of one chunk", () => {
    const connection = new JsonPacketConnection({ role: "server", maxPacketBytes: 16 });
    connection.feed(encodeText(packet(16) + packet(64)));
    expect(connection.next()).toBeDefined();
    connection.maxPacketBytes = 64;
    expect(connection.next()).toBeDefined();
    expect(connection.next()).toBeUndefined();
  });

  test("is refused when it is known, not when the packet ends", () => {
    const connection = new JsonPacketConnection({ role: "server", maxPacketBytes: 64 });
    connection.feed(encodeText(`{"a":"${"x".repeat(60)}`));
    expect(() => connection.next()).toThrow(expect.objectContaining({ code: "too_long" }));
  });
});

test("a part of a packet is told of, and memory that was fed is its owner's again", () => {
  const connection = new JsonPacketConnection({ role: "server", maxPacketBytes: 64 });
  const chunk = encodeText(' {"action":"A"} {"action"');
  connection.feed(chunk);
  expect(connection.next()?.action).toBe("A");
  connection.keep();
  chunk.fill(0);
  expect([connection.next(), connection.partial]).toEqual([undefined, true]);
  connection.feed(encodeText(':"B"}\n'));
  expect(connection.next()?.action).toBe("B");
  expect([connection.next(), connection.partial]).toEqual([undefined, false]);
});

test("bytes of a Buffer are given as plain bytes, and copied where they are kept", () => {
  const connection = new JsonPacketConnection({ role: "server", maxPacketBytes: 64 });
  const chunk = Buffer.from('{"action":"A","data":[1]}{"action":"B","data":[2]}');
  connection.feed(chunk);
  const packets = [connection.next(), connection.next()];
  for (const packet of packets) expect(packet?.dataBytes.constructor).toBe(Uint8Array);
  packets[1]?.keep();
  const raw = new RawJson(chunk);
  chunk.fill(0);
  expect(packets.map((packet) => packet?.dataBytes)).toEqual([new Uint8Array(3), encodeText("[2]")]);
  expect(raw.bytes).toEqual(encodeText('{"action":"A","data":[1]}{"action":"B","data":[2]}'));
});

test("an error names the byte that is wrong and what would be right", () => {
  const connection = new JsonPacketConnection({ role: "client", maxPacketBytes: 64 });
  connection.feed(encodeText('{"action":"A" "data":1}'));
  let message = "";
  try {
    connection.next();
  } catch (error) {
    message = (error as ProtocolError).message;
  }
  expect(message).toBe("byte 14 of a packet should be , or }");
});

describe("any bytes", () => {
  const pieces = fc.array(
    fc.oneof(
      fc.uint8Array({ maxLength: 8 }),
      fc
        .constantFrom(
          "{",
          "}",
          "[",
          "]",
          ":",
          ",",
          '"',
          '"action"',
          '"data":',
          "\\u005f",
          "1e999",
          "null",
          " \n",
          "GET ",
        )
        .map(encodeText),
      fc
        .constantFrom('{"action":"PING","data":1,"packet-created":1,"token":null}', '{"a":[{}]}', "{}")
        .map(encodeText),
    ),
    { maxLength: 12 },
  );

  test("give packets or a ProtocolError, the same however they are cut", () => {
    fc.assert(
      fc.property(pieces, (chunks) => {
        const whole = new Uint8Array(chunks.flatMap((chunk) => [...chunk]));
        const bytes = Array.from(whole, (byte) => Uint8Array.of(byte));
        for (const role of ["server", "client"] as const) {
          const expected = collect(machine(role, 40), [whole]);
          expect(collect(machine(role, 40), chunks)).toEqual(expected);
          expect(collect(machine(role, 40), bytes)).toEqual(expected);
        }
      }),
      { seed: 5, numRuns: 1_000 },
    );
  });
});
