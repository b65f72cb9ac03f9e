import { readFileSync } from "node:fs";
import { inspect } from "node:util";
import { decodeText, encodeText, type ProtocolError } from "@wireyard/framing";
import { collect } from "@wireyard/framing/testing";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createPacket, decodePacket, ERRORS, type Packet, PacketEncoder, RawJson } from "../src/index.ts";
import { readPacket } from "../src/packet-reader.ts";
import { machine, seen } from "./packets.ts";

const TOKEN = "3f2b8a2e-9f3e-4b9a-8b60-1f6a2d7b6c11";
const incoming = (data: string, token = `"${TOKEN}"`): string =>
  `{"token":${token},"data":${data},"packet-created":1.50,"action":"a\\u0041"}`;

describe("a packet that is made", () => {
  test("[JSON-2.1] has its fields", () => {
    const before = Math.floor(Date.now()) / 1_000;
    const packet = createPacket("news", { text: "é", list: [1, null] });
    expect(packet).toMatchObject({
      action: "news",
      data: { text: "é", list: [1, null] },
      token: null,
      missing: undefined,
    });
    expect(packet.created).toBeGreaterThanOrEqual(before);
    expect(packet.created).toBeLessThanOrEqual(Date.now() / 1_000);
  });

  test("has null for data that are undefined, and JSON as JSON.stringify makes it", () => {
    expect(createPacket("a").data).toBeNull();
    expect(createPacket("a", undefined).data).toBeNull();
    expect(createPacket("a", { gone: undefined, at: new Date(0), nan: Number.NaN }).data).toEqual({
      at: "1970-01-01T00:00:00.000Z",
      nan: null,
    });
  });

  test("has the bytes of a RawJson as they are, whatever became of their memory", () => {
    const bytes = encodeText("[1.0, 1e0]");
    const raw = new RawJson(bytes);
    bytes.fill(0);
    expect(decodeText(createPacket("a", raw).dataBytes)).toBe("[1.0, 1e0]");
  });

  const cycle: unknown[] = [];
  cycle.push(cycle);
  let deep: unknown = 0;
  for (let i = 0; i < 32; i++) deep = [deep];
  test.each([
    ["a bigint", 1n, /BigInt/],
    ["a function", () => 1, /cannot be a function/],
    ["a symbol", Symbol("s"), /cannot be a symbol/],
    ["a cycle", cycle, /circular/],
    ["nesting beyond 32", deep, /deeper than 32/],
    ["a name __proto__", JSON.parse('{"__proto__":1}'), /__proto__/],
    ["half a surrogate pair", "\ud83d", /surrogate/],
    ["bytes that are no JSON", new RawJson(encodeText("{")), /byte/],
    ["bytes that end the packet", new RawJson(encodeText('1},{"data":2')), /byte/],
    ["bytes that add a field", new RawJson(encodeText('1,"token":"x"')), /twice/],
  ])("cannot have %s for data", (_name, data, message) => {
    expect(() => createPacket("a", data)).toThrow(TypeError);
    expect(() => createPacket("a", data)).toThrow(message);
  });

  test("may have nesting of 32, itself counted", () => {
    let data: unknown = 0;
    for (let i = 0; i < 31; i++) data = [data];
    expect(createPacket("a", data).data).toEqual(data);
  });
});

describe("a packet that came in", () => {
  test("is read from bytes with white space around them, and from nothing more", () => {
    expect(decodePacket(encodeText(` ${incoming("1")}\n`)).data).toBe(1);
    for (const text of [
      "",
      " ",
      "{",
      '{"a',
      '{"a"',
      '{"a":',
      '{"a":"',
      '{"a":"\\',
      '{"a":1',
      `${incoming("1")}x`,
    ]) {
      expect(() => decodePacket(encodeText(text))).toThrow(expect.objectContaining({ code: "bad_json" }));
    }
  });

  test("keeps its bytes when it is told to", () => {
    const chunk = encodeText(`xx${incoming("[1.0]")}yy`);
    const connection = machine("client");
    expect(collect(connection, [chunk.subarray(2, -2)])).toHaveLength(1);
    const packet = decodePacket(chunk.subarray(2, -2));
    packet.keep();
    packet.keep();
    chunk.fill(0);
    expect(seen(packet)).toEqual({ action: "aA", data: encodeText("[1.0]"), created: 1.5, token: TOKEN });
    expect(packet.data).toEqual([1]);
  });

  test("keeps that fields are missing", () => {
    const packet = decodePacket(encodeText('  {"action":"A"}'));
    packet.keep();
    expect(seen(packet)).toEqual({
      action: "A",
      data: new Uint8Array(0),
      created: Number.NaN,
      token: null,
      missing: "data",
    });
    expect([packet.data, packet.hasToken(encodeText(""))]).toEqual([undefined, false]);
  });

  test("[JSON-2.4] has a token or another, however it is spelled", () => {
    const has = (token: string, own = TOKEN): boolean =>
      decodePacket(encodeText(incoming("1", token))).hasToken(encodeText(own));
    expect(has(`"${TOKEN}"`)).toBe(true);
    expect(has(`"\\u0033${TOKEN.slice(1)}"`)).toBe(true);
    for (const other of [
      `"${TOKEN} "`,
      `"${TOKEN.slice(1)}"`,
      `"x${TOKEN.slice(1)}"`,
      '""',
      "null",
      "1",
      `"\\n"`,
    ]) {
      expect(has(other)).toBe(false);
    }
    // Shorter, and what stands behind it would complete it.
    expect(has('"a"', 'a","data"')).toBe(false);
  });

  test("[JSON-2.8] shows nothing of its token when it is logged", () => {
    const packet = decodePacket(encodeText(incoming("1")));
    expect(packet.token).toBe(TOKEN);
    expect(inspect(packet, { depth: 10 }) + JSON.stringify(packet)).toBe("PacketView {}{}");
    const read = readPacket(encodeText(incoming("1")));
    expect(read.token).toBe(TOKEN);
    expect(inspect(read, { depth: 10 }) + JSON.stringify(read)).toBe("ReadPacket {}{}");
  });
});

describe("an encoder", () => {
  test("[JSON-2.6] ends packets with its own token and a line feed", () => {
    const text = decodeText(new PacketEncoder("mine").encode(createPacket('n"1', [1])));
    expect(text).toMatch(/^\{"action":"n\\"1","data":\[1\],"packet-created":\d+\.\d{3},"token":"mine"\}\n$/);
    expect(decodeText(new PacketEncoder(null).encode(createPacket("n")))).toMatch(/"token":null\}\n$/);
  });

  test("[JSON-2.7] passes a packet on byte for byte, but for the token", () => {
    const data = `{ "x" : 1.0, "\\u00e9":"${"long ".repeat(30)}" }`;
    const packet = decodePacket(encodeText(incoming(data)));
    expect(decodeText(new PacketEncoder("mine").encode(packet))).toBe(
      `{"action":"a\\u0041","data":${data},"packet-created":1.50,"token":"mine"}\n`,
    );
  });

  test("gives the same bytes for the same packet, so that links share them", () => {
    const encoder = new PacketEncoder("mine");
    const [one, two] = [createPacket("a"), createPacket("a")];
    expect(encoder.encode(one)).toBe(encoder.encode(one));
    expect(encoder.encode(two)).not.toBe(encoder.encode(one));
  });

  test("writes null where there are no data", () => {
    const text = decodeText(new PacketEncoder("mine").encode(decodePacket(encodeText('{"action":"A"}'))));
    expect(text).toMatch(/^\{"action":"A","data":null,"packet-created":\d+\.\d{3},"token":"mine"\}\n$/);
  });
});

describe("what is taken for JSON", () => {
  const white = fc.constantFrom("", "", "", " ", "\n\t");
  const { value } = fc.letrec<{ value: string }>((tie) => {
    const string = fc.oneof(
      fc.constantFrom(
        '"a"',
        '"b"',
        '"\\u0061"',
        '"__proto__"',
        '"\\u005f_proto__"',
        '""',
        '"\\ud83d\\ude00"',
        '"\\ud83d"',
      ),
      fc.string({ maxLength: 6 }).map((text) => JSON.stringify(text)),
    );
    const scalar = fc.oneof(
      string,
      fc.constantFrom("0", "-1", "1.5e3", "1e400", "-0", "01", "true", "null", "nul"),
      fc.double().map(String),
    );
    const member = fc
      .tuple(white, string, white, tie("value"))
      .map(([a, name, b, item]) => `${a}${name}${b}:${item}`);
    return {
      value: fc.oneof(
        { depthSize: "small", withCrossShrink: true },
        fc.tuple(white, scalar, white).map((parts) => parts.join("")),
        fc.array(tie("value"), { maxLength: 4 }).map((items) => `[${items.join(",")}]`),
        fc.array(member, { maxLength: 4 }).map((members) => `{${members.join(",")}}`),
      ),
    };
  });

  test("is what JSON.parse takes, less what it would lose or could not pass on", () => {
    let taken = 0;
    fc.assert(
      fc.property(
        value,
        fc.nat(),
        fc.constantFrom("", "", "", "", "", "", '"', "{", "]", ",", ":", "\\"),
        (data, at, noise) => {
          const where = at % (data.length + 1);
          const text = `{"data":${data.slice(0, where)}${noise}${data.slice(where)}}`;
          expect(accepts(text), text).toBe(parses(text));
          if (parses(text)) taken++;
        },
      ),
      { seed: 6, numRuns: 5_000 },
    );
    expect(taken).toBeGreaterThan(1_000);
  });
});

function accepts(text: string): boolean {
  const bytes = encodeText(text);
  const seen = outcome(decodePacket, bytes);
  // What clients read with finds the same.
  expect(outcome(readPacket, bytes)).toEqual(seen);
  try {
    const packet = decodePacket(bytes);
    expect(packet.data).toEqual(JSON.parse(text).data);
    return true;
  } catch (error) {
    expect(error).toMatchObject({ name: "ProtocolError" });
    return false;
  }
}

/** All that a reader makes of bytes. */
function outcome(read: (bytes: Uint8Array) => Packet, bytes: Uint8Array): unknown {
  try {
    const { action, dataBytes, created, token, missing } = read(bytes);
    return { action, data: decodeText(dataBytes), created, token, missing };
  } catch (error) {
    return (error as ProtocolError).code;
  }
}

/** The same by other means: parsed, counted and walked. */
function parses(text: string): boolean {
  let members = 0;
  const clean = (value: unknown): boolean => {
    if (typeof value === "number") return Number.isFinite(value);
    if (typeof value === "string") return wellFormed(value);
    if (typeof value !== "object" || value === null) return true;
    if (Array.isArray(value)) return value.every(clean);
    const entries = Object.entries(value);
    members += entries.length;
    return entries.every(([name, item]) => name !== "__proto__" && wellFormed(name) && clean(item));
  };
  try {
    const parsed = JSON.parse(text) as unknown;
    // Fewer members than colons: some name stood twice.
    const colons = text.replace(/"(?:\\.|[^"\\])*"/g, "").split(":").length - 1;
    return clean(parsed) && members === colons;
  } catch {
    return false;
  }
}

/** Whether no surrogate stands alone: `encodeURIComponent` throws at one. */
function wellFormed(text: string): boolean {
  try {
    encodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

test("the documents list every error, in the words of the code", () => {
  const protocol = readFileSync(new URL("../PROTOCOL.md", import.meta.url), "utf8");
  const rows = [...protocol.matchAll(/^\| `([a-z_]+)` \| (.*) \|$/gm)].map((row) => [row[1], row[2]]);
  expect(rows).toEqual(Object.entries(ERRORS));
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  for (const code of Object.keys(ERRORS)) expect(readme).toContain(`\`${code}\``);
});
