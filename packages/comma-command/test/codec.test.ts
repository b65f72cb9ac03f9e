import { decodeText, encodeText } from "@wireyard/framing";
import { fromHex, toHex } from "@wireyard/framing/testing";
import fc from "fast-check";
import { expect, test } from "vitest";
import { fieldEnd, splitBytes, splitText } from "../src/fields.ts";
import {
  argumentBytes,
  argumentTexts,
  type ClientMessage,
  type CommandMessage,
  commandName,
  decodeClientMessage,
  decodeServerMessage,
  encodeFields,
  encodeReply,
  encodeSend,
  encodeServerMessage,
  requestId,
} from "../src/index.ts";

/** Text with more commas and backslashes than chance would give it, and now and then much of it. */
const field = fc
  .array(fc.oneof(fc.constantFrom(",", "\\", "req", "é", "😀", "\0"), fc.string({ unit: "binary" })), {
    maxLength: 12,
  })
  .map((parts) => parts.join(""));

function dataOf(frame: Uint8Array): Uint8Array {
  return frame.slice(5);
}

function commandOf(data: Uint8Array): CommandMessage {
  const message = decodeClientMessage(data);
  if (message.type !== "command") throw new Error(`not a command: ${message.text}`);
  return message;
}

/** What a reply to a message starts with. */
function headOf(message: ClientMessage): string | undefined {
  return decodeText(message.data.slice(0, message.reqEnd));
}

test("[COMMA-1.6] fields come out as they went in, as text and as bytes", () => {
  fc.assert(
    fc.property(fc.array(field, { minLength: 1, maxLength: 6 }), (fields) => {
      const [name = "", ...args] = fields;
      fc.pre(name !== "req");
      const message = commandOf(dataOf(encodeFields(fields)));
      expect(commandName(message)).toBe(name);
      expect(argumentTexts(message)).toEqual(args);
      expect(argumentBytes(message).map((arg) => decodeText(arg))).toEqual(args);
      expect(requestId(message)).toBeUndefined();
    }),
    { seed: 1, numRuns: 500 },
  );
});

test("[COMMA-2.2] so do a request's ID, command and arguments", () => {
  fc.assert(
    fc.property(field, field, fc.array(field, { maxLength: 4 }), (id, name, args) => {
      fc.pre(name !== "req");
      const message = commandOf(dataOf(encodeFields(["req", id, name, ...args])));
      expect(requestId(message)).toBe(id);
      expect(commandName(message)).toBe(name);
      expect(argumentTexts(message)).toEqual(args);
      expect(decodeServerMessage(dataOf(encodeReply(message.data, message.reqEnd, ["a", ...args])))).toEqual({
        type: "reply",
        id,
        values: ["a", ...args],
      });
    }),
    { seed: 2, numRuns: 500 },
  );
});

test("[COMMA-1.6] the two ways to split fields agree, escapes that need not be there included", () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(",", "\\", "a", "é", "😀"), maxLength: 40 }), (text) => {
      const trimmed = text.replace(/\\+$/, (run) => run.slice(run.length % 2));
      const bytes = encodeText(trimmed);
      const fields = splitBytes(bytes, 0);
      expect(fields.map((bytes) => decodeText(bytes))).toEqual(splitText(trimmed));
      // Escaped again, in the one form, they mean the same.
      expect(splitText(trimmed)).toEqual(
        splitText(decodeText(dataOf(encodeFields(splitText(trimmed)))) as string),
      );
    }),
    { seed: 3, numRuns: 1_000 },
  );
});

test("whatever the data, a message comes of them, and its parts can be read", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array({ maxLength: 80 }),
        fc
          .string({ unit: fc.constantFrom(",", "\\", "r", "e", "q", "req,", "é"), maxLength: 30 })
          .map(encodeText),
      ),
      (data) => {
        const before = toHex(data);
        const message = decodeClientMessage(data);
        expect(toHex(data)).toBe(before);
        expect(message.reqEnd === 0 || headOf(message)?.startsWith("req,")).toBe(true);
        requestId(message);
        if (message.type !== "command") return;
        expect(message.nameStart).toBe(message.reqEnd === 0 ? 0 : message.reqEnd + 1);
        expect(fieldEnd(message.data, message.nameStart)).toBe(message.nameEnd);
        expect(commandName(message) === "req").toBe(false);
        expect(argumentBytes(message).map((bytes) => decodeText(bytes))).toEqual(argumentTexts(message));
      },
    ),
    { seed: 4, numRuns: 2_000 },
  );
});

test("[COMMA-1.5] [COMMA-1.7] a server's data are read, or known to be broken", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (data) => {
      const message = decodeServerMessage(data);
      if (message === undefined) return;
      expect(decodeServerMessage(dataOf(encodeServerMessage(message)))).toEqual(message);
    }),
    { seed: 5, numRuns: 1_000 },
  );
});

test.each([
  ["req,1,nop", "req,1"],
  ["r\\eq,\\1,\\nop", "req,1"],
  ["req,a\\,\\b\\\\,nop", "req,a\\,b\\\\"],
  ["nop", ""],
  ["\\nop", ""],
])("[COMMA-3.2] the reply to %s starts with its req and ID in canonical form: %s", (data, head) => {
  expect(headOf(decodeClientMessage(encodeText(data)))).toBe(head);
});

test("[COMMA-1.5] what is not UTF-8 has no ID to answer to, even where it starts with one", () => {
  const message = decodeClientMessage(Uint8Array.of(...encodeText("req,1,nop,"), 0xff));
  expect(message).toMatchObject({ type: "invalid", reqEnd: 0 });
});

test.each([
  [[], "00000000 00"],
  [["ok"], "00000002 00 6f6b"],
  [["a,b", "c\\d", ""], "0000000a 00 615c2c622c635c5c642c"],
  [["é"], "00000002 00 c3a9"],
])("[COMMA-1.1] the fields %j are a frame of their length, 00 and their data", (fields, hex) => {
  expect(toHex(encodeFields(fields))).toBe(toHex(fromHex(hex)));
});

test("a text longer than what is encoded in a loop is encoded as well", () => {
  const long = `${"x".repeat(600)},`;
  expect(decodeServerMessage(dataOf(encodeFields([long])))).toMatchObject({ values: [long] });
});

test("[COMMA-3.5] a command on its way to a user is escaped again, its bytes untouched", () => {
  const frame = encodeSend("ann", [
    encodeText("text"),
    encodeText("a,b\\"),
    new Uint8Array(0),
    encodeText("😀"),
  ]);
  expect(decodeText(dataOf(frame))).toBe("send,ann,text,a\\,b\\\\,,😀");
  expect(new DataView(frame.buffer, frame.byteOffset).getUint32(0)).toBe(frame.length - 5);
});

test("the arguments that are forwarded are views: no byte of them is copied before it has to be", () => {
  const data = encodeText("send,bob,text,hello");
  const [user, command, text] = argumentBytes(commandOf(data));
  for (const view of [user, command, text]) expect(view?.buffer).toBe(data.buffer);
});

test.each([
  { type: "reply", id: undefined, values: [] },
  { type: "reply", id: "1", values: ["ok"] },
  { type: "reply", id: "1,2", values: ["user", "ann"] },
  { type: "error", id: undefined, fatal: true, code: "timeout", text: "a, b" },
  { type: "error", id: "x", fatal: false, code: "syntax", text: "\\" },
  { type: "send", from: "ann", fields: ["text", "a,b", ""] },
] as const)("a server's message can be said and read: %j", (message) => {
  expect(decodeServerMessage(dataOf(encodeServerMessage(message)))).toEqual(message);
});
