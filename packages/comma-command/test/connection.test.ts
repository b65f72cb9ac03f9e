import { ProtocolError } from "@wireyard/framing";
import { checkVector, collect, eachSplit, type Machine } from "@wireyard/framing/testing";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  argumentTexts,
  type ClientMessage,
  CommaConnection,
  commandName,
  encodeFields,
  requestId,
} from "../src/index.ts";
import { concat, frame } from "./harness.ts";
import { CLIENT_VECTORS, SERVER_VECTORS } from "./vectors.ts";

/** A server's connection whose messages are shown by their parts. */
function serverSide(maxFrameBytes = 1_024): Machine {
  const connection = new CommaConnection({ role: "server", maxFrameBytes });
  return {
    feed: (chunk) => connection.feed(chunk),
    next() {
      const message = connection.next();
      return message && partsOf(message);
    },
  };
}

function partsOf(message: ClientMessage): object {
  const { type } = message;
  const id = requestId(message);
  return type === "invalid"
    ? { type, id }
    : { type, id, name: commandName(message), args: argumentTexts(message) };
}

test.each(CLIENT_VECTORS)("a server reads, however it is cut: $name", (vector) => {
  checkVector(serverSide, vector);
});

test.each(SERVER_VECTORS)("a client reads, however it is cut: $name", (vector) => {
  checkVector(() => new CommaConnection({ role: "client", maxFrameBytes: 1_024 }), vector);
});

test("whatever the bytes and their cuts, messages come of them or a ProtocolError, nothing else", () => {
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 12 }),
    fc
      .string({ unit: fc.constantFrom("req,", "nop", ",", "\\", "é"), maxLength: 8 })
      .map((text) => frame(text)),
    fc
      .array(fc.string({ maxLength: 6 }), { minLength: 1, maxLength: 4 })
      .map((fields) => encodeFields(fields)),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 6 }), fc.nat(), (pieces, at) => {
      const bytes = concat(...pieces);
      const cut = bytes.length === 0 ? 0 : at % bytes.length;
      const whole = outcome(bytes);
      expect(outcome(bytes.slice(0, cut), bytes.slice(cut))).toEqual(whole);
      expect(outcome(...Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(whole);
    }),
    { seed: 6, numRuns: 500 },
  );
});

/** The events of some chunks; throws what is not a ProtocolError. */
function outcome(...chunks: Uint8Array[]): unknown[] {
  const machine = serverSide();
  return collect(
    {
      feed: (chunk) => machine.feed(chunk),
      next() {
        try {
          return machine.next();
        } catch (error) {
          if (error instanceof ProtocolError) throw error;
          throw new Error("not a ProtocolError", { cause: error });
        }
      },
    },
    chunks,
  );
}

test("[COMMA-1.3] data of exactly the limit are read, one byte more is not, whatever came of it", () => {
  const limit = 64;
  const longest = frame("x".repeat(limit));
  for (const { chunks } of eachSplit(longest)) {
    expect(collect(serverSide(limit), chunks)).toEqual([
      { type: "command", id: undefined, name: "x".repeat(limit), args: [] },
    ]);
  }
  expect(collect(serverSide(limit), [frame("x".repeat(limit + 1)).slice(0, 4)])).toEqual([
    { error: "too_long" },
  ]);
});

test("[COMMA-1.3] a declared length costs no memory until its data come", () => {
  const before = process.memoryUsage().arrayBuffers;
  const connections = Array.from({ length: 50 }, () => {
    const connection = new CommaConnection({ role: "server", maxFrameBytes: 16_777_216 });
    connection.feed(Uint8Array.of(0, 0xff, 0xff, 0xff, 0));
    expect(connection.next()).toBeUndefined();
    return connection;
  });
  expect((process.memoryUsage().arrayBuffers - before) / connections.length).toBeLessThan(65_536);
});

test("[COMMA-4.3] the limit may change between two frames of one chunk", () => {
  const connection = new CommaConnection({ role: "server", maxFrameBytes: 8 });
  connection.feed(concat(frame("nop"), frame("x".repeat(20))));
  expect(connection.next()).toMatchObject({ type: "command" });
  connection.maxFrameBytes = 20;
  expect(connection.next()).toMatchObject({ type: "command", nameEnd: 20 });
});

test("part of a frame is told as such, from its first byte to its last", () => {
  const connection = new CommaConnection({ role: "server", maxFrameBytes: 8 });
  const seen: boolean[] = [connection.partial];
  for (const byte of frame("nop")) {
    connection.feed(Uint8Array.of(byte));
    connection.next();
    seen.push(connection.partial);
  }
  expect(seen).toEqual([false, true, true, true, true, true, true, true, false]);
});
