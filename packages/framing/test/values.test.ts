import { describe, expect, test } from "vitest";
import {
  allocateBytes,
  decodeText,
  encodeText,
  HttpGuard,
  isUtf8,
  parseInteger,
  readVarInt,
  varIntSize,
  writeVarInt,
} from "../src/index.ts";
import { checkVector, collect, eachSplit, fromHex, toHex } from "../src/testing.ts";

describe("VarInt", () => {
  test.each([
    [0, "00"],
    [1, "01"],
    [127, "7f"],
    [128, "8001"],
    [255, "ff01"],
    [25_565, "ddc701"],
    [2_097_151, "ffff7f"],
    [2_147_483_647, "ffffffff07"],
    [-1, "ffffffff0f"],
    [-2_147_483_648, "8080808008"],
  ])("%d is %s", (value, hex) => {
    const bytes = new Uint8Array(varIntSize(value));
    expect(writeVarInt(bytes, 0, value)).toBe(bytes.length);
    expect(toHex(bytes)).toBe(hex);
    expect(readVarInt(bytes, 0)).toEqual({ value, size: bytes.length });
    expect(readVarInt(bytes.subarray(0, -1), 0)).toBeUndefined();
  });

  test("a sixth byte is refused", () => {
    expect(() => readVarInt(fromHex("ffffffffff01"), 0)).toThrow(
      expect.objectContaining({ code: "varint_too_long" }),
    );
  });
});

describe("integers", () => {
  test.each([
    ["0", 0],
    ["7", 7],
    ["-12", -12],
    ["9007199254740991", Number.MAX_SAFE_INTEGER],
  ])("%s is read", (text, value) => expect(parseInteger(text)).toBe(value));

  test.each(["", " 1", "1 ", "01", "-0", "+1", "1.0", "1e3", "0x10", "٣", "9007199254740993", "-"])(
    "%j is refused",
    (text) => expect(parseInteger(text)).toBeUndefined(),
  );
});

describe("text", () => {
  test.each(["", "abc", "é", "😀", "\ufeffx", "\0"])("%j goes through unchanged", (text) => {
    expect(decodeText(encodeText(text))).toBe(text);
    expect(isUtf8(encodeText(text))).toBe(true);
  });

  test.each(["ff", "c3", "c080", "eda080", "f4908080", "e28200"])("%s is not UTF-8", (hex) => {
    expect(decodeText(fromHex(hex))).toBeUndefined();
    expect(isUtf8(fromHex(hex))).toBe(false);
  });
});

describe("HttpGuard", () => {
  test.each(["GET / HTTP/1.1\r\n", "POST /x", "OPTIONS *", "PRI * HTTP/2.0"])(
    "%j is HTTP, however it is cut",
    (text) => {
      for (const { chunks } of eachSplit(encodeText(text))) {
        const guard = new HttpGuard();
        expect(chunks.map((chunk) => guard.check(chunk)).at(-1)).toBe(true);
      }
    },
  );

  test.each(["0:ann:pw\n", "GETTY ", "{}", "get / "])("%j is not", (text) => {
    for (const { chunks } of eachSplit(encodeText(text))) {
      const guard = new HttpGuard();
      expect(chunks.map((chunk) => guard.check(chunk)).at(-1)).toBe(false);
    }
  });

  test("the start of a method leaves it open", () => {
    expect(new HttpGuard().check(encodeText("PO"))).toBeUndefined();
  });
});

test("allocated memory is zero and its own", () => {
  const [a, b, large] = [allocateBytes(10), allocateBytes(10), allocateBytes(100_000)];
  a.fill(1);
  expect([...b]).toEqual(Array(10).fill(0));
  expect(large).toHaveLength(100_000);
});

describe("the vector helper", () => {
  const echo = (): { feed(chunk: Uint8Array): void; next(): unknown } => {
    const chunks: Uint8Array[] = [];
    return { feed: (chunk) => chunks.push(chunk), next: () => chunks.shift() };
  };

  test("tells a machine that depends on the cut", () => {
    expect(() => checkVector(echo, { name: "cut", text: "ab", events: ["6162"] })).toThrow(
      /cut, byte by byte/,
    );
  });

  test("tells events that differ", () => {
    expect(() => checkVector(echo, { name: "other", text: "a", events: ["62"] })).toThrow(
      /expected \["62"\]/,
    );
  });

  test("overwrites what it lent", () => {
    let kept: Uint8Array | undefined;
    collect({ feed: (chunk) => (kept = chunk), next: () => undefined }, [encodeText("abc")]);
    expect(toHex(kept as Uint8Array)).toBe("eeeeee");
  });

  test("does not hide an error that is none of the wire's", () => {
    const broken = {
      feed() {},
      next: (): never => {
        throw new Error("bug");
      },
    };
    expect(() => collect(broken, [encodeText("a")])).toThrow("bug");
  });
});
