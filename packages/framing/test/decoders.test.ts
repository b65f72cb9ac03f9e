import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  encodeLengthNul,
  encodeLine,
  encodeText,
  encodeVarIntFrame,
  type FrameDecoder,
  JsonObjectDecoder,
  LengthNulDecoder,
  LineDecoder,
  ProtocolError,
  VarIntFrameDecoder,
} from "../src/index.ts";
import { checkVector, collect, fromHex, toHex, type Vector } from "../src/testing.ts";

const hex = (text: string): string => toHex(encodeText(text));

const families: { name: string; make: () => FrameDecoder; vectors: Vector[] }[] = [
  {
    name: "lines",
    make: () => new LineDecoder({ maxLineBytes: 8 }),
    vectors: [
      { name: "one line", text: "abc\n", events: [hex("abc")] },
      { name: "two lines and a rest", text: "a\nb\nrest", events: [hex("a"), hex("b")] },
      { name: "an empty line", text: "\n\n", events: ["", ""] },
      { name: "a carriage return before the end is dropped", text: "abc\r\n", events: [hex("abc")] },
      { name: "only one of them", text: "abc\r\r\n", events: [hex("abc\r")] },
      { name: "one inside stays", text: "a\rb\n", events: [hex("a\rb")] },
      { name: "a line of the limit", text: "12345678\n", events: [hex("12345678")] },
      { name: "a line of the limit and a carriage return", text: "12345678\r\n", events: [hex("12345678")] },
      { name: "a line over the limit", text: "123456789\n", events: [{ error: "too_long" }] },
      {
        name: "a good line before one over the limit",
        text: "a\n123456789",
        events: ["61", { error: "too_long" }],
      },
      { name: "a split code point", text: "é\n", events: [hex("é")] },
    ],
  },
  {
    name: "length and NUL",
    make: () => new LengthNulDecoder({ maxFrameBytes: 8 }),
    vectors: [
      { name: "one frame", hex: "00000003 00 616263", events: [hex("abc")] },
      { name: "an empty frame", hex: "00000000 00", events: [""] },
      { name: "two frames", hex: "00000001 00 61 00000001 00 62", events: ["61", "62"] },
      { name: "a frame of the limit", hex: "00000008 00 3132333435363738", events: [hex("12345678")] },
      { name: "a length over the limit", hex: "00000009", events: [{ error: "too_long" }] },
      { name: "the largest length", hex: "ffffffff", events: [{ error: "too_long" }] },
      { name: "a separator that is not zero", hex: "00000001 01", events: [{ error: "bad_separator" }] },
      {
        name: "a good frame before a bad one",
        hex: "00000001 00 61 00000001 ff",
        events: ["61", { error: "bad_separator" }],
      },
    ],
  },
  {
    name: "VarInt length",
    make: () => new VarIntFrameDecoder({ maxFrameBytes: 300 }),
    vectors: [
      { name: "one frame", hex: "03 616263", events: [hex("abc")] },
      { name: "an empty frame", hex: "00", events: [""] },
      { name: "a length of two bytes", hex: `ac02 ${"61".repeat(300)}`, events: ["61".repeat(300)] },
      { name: "a length in more bytes than it needs", hex: "8100 61", events: ["61"] },
      { name: "a length over the limit", hex: "ad02", events: [{ error: "too_long" }] },
      { name: "a negative length", hex: "fbffffff0f", events: [{ error: "bad_length" }] },
      { name: "the smallest length", hex: "8080808008", events: [{ error: "bad_length" }] },
      { name: "a length of six bytes", hex: "8080808080", events: [{ error: "varint_too_long" }] },
    ],
  },
  {
    name: "JSON objects",
    make: () => new JsonObjectDecoder({ maxValueBytes: 40, maxDepth: 3 }),
    vectors: [
      { name: "one object", text: '{"a":1}', events: [hex('{"a":1}')] },
      { name: "two without anything between", text: "{}{}", events: [hex("{}"), hex("{}")] },
      { name: "white space around", text: " \t\r\n{} \n{}", events: [hex("{}"), hex("{}")] },
      { name: "brackets within strings", text: '{"}":"]{"}', events: [hex('{"}":"]{"}')] },
      { name: "escapes within strings", text: '{"\\"}":"\\\\"}', events: [hex('{"\\"}":"\\\\"}')] },
      { name: "as deep as allowed", text: "{[{}]}", events: [hex("{[{}]}")] },
      { name: "deeper", text: "{[{[", events: [{ error: "too_deep" }] },
      { name: "brackets that do not match", text: "{]", events: [{ error: "bad_json" }] },
      { name: "an array", text: "[", events: [{ error: "bad_json" }] },
      { name: "a number behind an object", text: "{}1", events: [hex("{}"), { error: "bad_json" }] },
      { name: "a closing bracket", text: "}", events: [{ error: "bad_json" }] },
      { name: "a string", text: '"', events: [{ error: "bad_json" }] },
      {
        name: "an object of the limit",
        text: `{"a":"${"x".repeat(32)}"}`,
        events: [hex(`{"a":"${"x".repeat(32)}"}`)],
      },
      {
        name: "an object over the limit",
        text: `{"a":"${"x".repeat(33)}"}`,
        events: [{ error: "too_long" }],
      },
    ],
  },
];

describe.each(families)("$name", ({ make, vectors }) => {
  test.each(vectors)("$name", (vector) => {
    checkVector(make, vector);
  });

  test("any bytes give frames or a ProtocolError, however they are cut", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 30 }), { maxLength: 8 }), (chunks) => {
        const whole = new Uint8Array(chunks.flatMap((chunk) => [...chunk]));
        expect(collect(make(), chunks)).toEqual(collect(make(), [whole]));
      }),
      { seed: 1, numRuns: 500 },
    );
  });

  test("partial tells whether part of a frame is held", () => {
    const decoder = make();
    expect(decoder.partial).toBe(false);
    const [whole] = vectors;
    const bytes = whole?.hex === undefined ? encodeText(whole?.text ?? "") : fromHex(whole.hex);
    decoder.feed(bytes.slice(0, 1));
    expect(decoder.next()).toBeUndefined();
    expect(decoder.partial).toBe(true);
    decoder.feed(bytes.slice(1));
    expect(decoder.next()).toBeDefined();
    expect(decoder.next()).toBeUndefined();
    expect(decoder.partial).toBe(false);
  });

  test("a decoder that has thrown stays at the offending bytes", () => {
    for (const vector of vectors.filter(({ events }) => typeof events.at(-1) === "object")) {
      const decoder = make();
      decoder.feed(vector.hex === undefined ? encodeText(vector.text ?? "") : fromHex(vector.hex));
      const drain = (): void => {
        while (decoder.next() !== undefined);
      };
      expect(drain).toThrow(ProtocolError);
      expect(drain).toThrow(ProtocolError);
    }
  });
});

test("what the encoders write, the decoders read", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (payload) => {
      expect(collect(new LengthNulDecoder({ maxFrameBytes: 300 }), [encodeLengthNul(payload)])).toEqual([
        toHex(payload),
      ]);
      expect(collect(new VarIntFrameDecoder({ maxFrameBytes: 300 }), [encodeVarIntFrame(payload)])).toEqual([
        toHex(payload),
      ]);
      const line = payload.filter((byte) => byte !== 0x0a && byte !== 0x0d);
      expect(collect(new LineDecoder({ maxLineBytes: 300 }), [encodeLine(line)])).toEqual([toHex(line)]);
    }),
    { seed: 2, numRuns: 200 },
  );
});

test("a limit may change between two frames of one chunk", () => {
  const decoder = new LineDecoder({ maxLineBytes: 3 });
  decoder.feed(encodeText("abc\nabcdef\n"));
  expect(decoder.next()).toHaveLength(3);
  decoder.maxLineBytes = 6;
  expect(decoder.next()).toHaveLength(6);
});

test("a long frame that drips in costs time in proportion to its length", () => {
  const decoder = new LengthNulDecoder({ maxFrameBytes: 65_536 });
  const frame = encodeLengthNul(new Uint8Array(65_536).fill(7));
  const one = new Uint8Array(1);
  let frames = 0;
  const started = performance.now();
  for (const byte of frame) {
    one[0] = byte;
    decoder.feed(one);
    if (decoder.next() !== undefined) frames++;
  }
  expect(frames).toBe(1);
  // Copying what is held for every byte would be two thousand million bytes.
  expect(performance.now() - started).toBeLessThan(2_000);
});

test("a declared size costs nothing until its bytes come", () => {
  const heads = [
    () => new LengthNulDecoder({ maxFrameBytes: 0xffff_ffff }),
    () => new VarIntFrameDecoder({ maxFrameBytes: 0x7fff_ffff }),
  ].map((make, i) => ({ make, head: fromHex(i === 0 ? "7f ff ff ff 00 61" : "ff ff ff ff 07 61") }));
  for (const { make, head } of heads) {
    const before = process.memoryUsage();
    const decoders = Array.from({ length: 1_000 }, () => make());
    for (const decoder of decoders) {
      decoder.feed(head);
      expect(decoder.next()).toBeUndefined();
      expect(decoder.partial).toBe(true);
    }
    const { arrayBuffers, heapUsed } = process.memoryUsage();
    const each = (arrayBuffers + heapUsed - before.arrayBuffers - before.heapUsed) / decoders.length;
    expect(each).toBeLessThan(65_536);
  }
});
