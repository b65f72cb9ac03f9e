import { bytes, closeFrame, frame } from "./web-sockets.ts";

/** What a client sends to a server that gives back what it hears, and what comes of it. */
export interface Case {
  name: string;
  frames: readonly Uint8Array[];
  /** The payload of all data frames that come back. */
  echoed?: string | Uint8Array;
  pongs?: readonly (string | Uint8Array)[];
  /** The code of the Close that comes back; `none` for a Close without one. */
  closed: number | "none";
}

const BYE = closeFrame(1000);
const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(" ", ""), "hex"));
const filled = (length: number, byte = 0x2a): Uint8Array => new Uint8Array(length).fill(byte);
const part = { fin: false };

const text = (name: string, ...pieces: (string | Uint8Array)[]): Case => ({
  name,
  frames: [...pieces.map((piece, i) => frame(i === 0 ? 1 : 0, piece, { fin: i === pieces.length - 1 })), BYE],
  echoed: Buffer.concat(pieces.map((piece) => (typeof piece === "string" ? bytes(piece) : piece))),
  closed: 1000,
});

const sizes: Case[] = [0, 1, 125, 126, 127, 128, 65_535, 65_536, 200_000].flatMap((size) => [
  {
    name: `a binary message of ${size} bytes`,
    frames: [frame(2, filled(size)), BYE],
    echoed: filled(size),
    closed: 1000,
  },
  {
    name: `a text message of ${size} bytes`,
    frames: [frame(1, filled(size)), BYE],
    echoed: filled(size),
    closed: 1000,
  },
]);

const pings: Case[] = [
  { name: "a Ping without payload", frames: [frame(9), BYE], pongs: [""], closed: 1000 },
  { name: "a Ping with text", frames: [frame(9, "hello"), BYE], pongs: ["hello"], closed: 1000 },
  {
    name: "a Ping with bytes",
    frames: [frame(9, hex("00fffefd 00")), BYE],
    pongs: [hex("00fffefd 00")],
    closed: 1000,
  },
  { name: "a Ping of 125 bytes", frames: [frame(9, filled(125)), BYE], pongs: [filled(125)], closed: 1000 },
  { name: "a Ping of 126 bytes", frames: [frame(9, filled(126)), BYE], closed: 1002 },
  {
    name: "a Pong that nobody asked for",
    frames: [frame(10, "x"), frame(9, "y"), BYE],
    pongs: ["y"],
    closed: 1000,
  },
  {
    name: "ten Pings, answered in their order",
    frames: [...Array.from({ length: 10 }, (_, i) => frame(9, `${i}`)), BYE],
    pongs: Array.from({ length: 10 }, (_, i) => `${i}`),
    closed: 1000,
  },
  { name: "a Ping in two fragments", frames: [frame(9, "a", part), frame(0, "b"), BYE], closed: 1002 },
  { name: "a Pong in two fragments", frames: [frame(10, "a", part), frame(0, "b"), BYE], closed: 1002 },
];

const reserved: Case[] = [
  ...[1, 2, 3, 4, 5, 6, 7].map(
    (bits): Case => ({
      name: `reserved bits ${bits}`,
      frames: [frame(1, "ok"), frame(1, "no", { reserved: bits }), BYE],
      echoed: "ok",
      closed: 1002,
    }),
  ),
  { name: "a reserved bit of a Ping", frames: [frame(9, "x", { reserved: 4 }), BYE], closed: 1002 },
  { name: "a reserved bit of a Close", frames: [frame(8, hex("03e8"), { reserved: 1 })], closed: 1002 },
  ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map(
    (opcode): Case => ({
      name: `opcode ${opcode}`,
      frames: [frame(2, "ok"), frame(opcode, "no"), BYE],
      echoed: "ok",
      closed: 1002,
    }),
  ),
];

const fragments: Case[] = [
  text("text in two fragments", "frag", "ment"),
  {
    name: "bytes in two fragments",
    frames: [frame(2, "frag", part), frame(0, "ment"), BYE],
    echoed: "fragment",
    closed: 1000,
  },
  text("text in three fragments, the outer ones empty", "", "middle", ""),
  text("text in three empty fragments", "", "", ""),
  {
    name: "a Ping between two fragments",
    frames: [frame(1, "frag", part), frame(9, "now"), frame(0, "ment"), BYE],
    echoed: "fragment",
    pongs: ["now"],
    closed: 1000,
  },
  {
    name: "a thousand fragments of a byte",
    frames: [
      frame(2, "x", part),
      ...Array.from({ length: 998 }, () => frame(0, "x", part)),
      frame(0, "x"),
      BYE,
    ],
    echoed: filled(1000, 0x78),
    closed: 1000,
  },
  { name: "a continuation of nothing", frames: [frame(0, "x"), BYE], closed: 1002 },
  { name: "a continuation of nothing that goes on", frames: [frame(0, "x", part), BYE], closed: 1002 },
  {
    name: "a continuation of a whole message",
    frames: [frame(1, "ok"), frame(0, "x"), BYE],
    echoed: "ok",
    closed: 1002,
  },
  { name: "text within text", frames: [frame(1, "a", part), frame(1, "b"), BYE], echoed: "a", closed: 1002 },
  { name: "bytes within text", frames: [frame(1, "a", part), frame(2, "b"), BYE], echoed: "a", closed: 1002 },
  { name: "a Close within a message", frames: [frame(1, "a", part), BYE], echoed: "a", closed: 1000 },
];

const utf8: Case[] = [
  text("text beyond ASCII", "Hello-µ@ßöäüàá-UTF-8!!"),
  text("text cut within a code point", hex("ceba"), hex("e1"), hex("bd"), hex("b9cf83")),
  text("the last code point", hex("f48fbfbf")),
  text("noncharacters", hex("efbfbe efbfbf f09fbfbe")),
  text("a byte order mark", hex("efbbbf61")),
  ...(
    [
      ["a surrogate", "eda080"],
      ["a pair of surrogates", "eda080edb080"],
      ["an overlong slash of two bytes", "c0af"],
      ["an overlong slash of three bytes", "e080af"],
      ["an overlong slash of four bytes", "f08080af"],
      ["a code point beyond U+10FFFF", "f4908080"],
      ["a form of five bytes", "f888808080"],
      ["a continuation alone", "80"],
      ["a byte that none begins with", "ff"],
      ["a code point that another interrupts", "e4b861"],
    ] as const
  ).map(([name, bad]): Case => ({ name, frames: [frame(1, hex(bad)), BYE], closed: 1007 })),
  {
    name: "text that ends within a code point",
    frames: [frame(1, hex("61e4b8")), BYE],
    echoed: hex("61e4b8"),
    closed: 1007,
  },
  {
    name: "bad text in the second fragment",
    frames: [frame(1, "a", part), frame(0, hex("ff")), BYE],
    echoed: "a",
    closed: 1007,
  },
  {
    name: "bytes that are no text, as binary",
    frames: [frame(2, hex("eda080ff")), BYE],
    echoed: hex("eda080ff"),
    closed: 1000,
  },
];

const closes: Case[] = [
  { name: "a Close without a code", frames: [frame(8)], closed: "none" },
  { name: "a Close of one byte", frames: [frame(8, hex("03"))], closed: 1002 },
  { name: "a Close with a reason", frames: [closeFrame(1000, "done")], closed: 1000 },
  { name: "a Close with a reason of 123 bytes", frames: [closeFrame(1000, "x".repeat(123))], closed: 1000 },
  { name: "a Close with a reason of 124 bytes", frames: [closeFrame(1000, "x".repeat(124))], closed: 1002 },
  { name: "a Close whose reason is not UTF-8", frames: [closeFrame(1000, hex("ceba80"))], closed: 1007 },
  {
    name: "a Close whose reason ends within a code point",
    frames: [closeFrame(1000, hex("ceba e1"))],
    closed: 1007,
  },
  ...[1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999].map(
    (code): Case => ({ name: `code ${code}`, frames: [closeFrame(code)], closed: code }),
  ),
  ...[0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535].map(
    (code): Case => ({
      name: `code ${code}, which nobody may send`,
      frames: [closeFrame(code)],
      closed: 1002,
    }),
  ),
  {
    name: "a message behind a Close",
    frames: [frame(1, "a"), BYE, frame(1, "b"), frame(9)],
    echoed: "a",
    closed: 1000,
  },
  { name: "two Closes", frames: [closeFrame(3000), closeFrame(4000)], closed: 3000 },
];

const masks: Case[] = [
  {
    name: "an unmasked message",
    frames: [frame(1, "ok"), frame(1, "no", { masked: false }), BYE],
    echoed: "ok",
    closed: 1002,
  },
  { name: "an unmasked Ping", frames: [frame(9, "", { masked: false }), BYE], closed: 1002 },
  { name: "an unmasked Close", frames: [frame(8, hex("03e8"), { masked: false })], closed: 1002 },
];

const lengths: Case[] = [
  { name: "a length with its highest bit", frames: [frame(2, "", { declared: 1n << 63n })], closed: 1002 },
  {
    name: "a length that no number holds",
    frames: [frame(2, "", { declared: (1n << 63n) - 1n })],
    closed: 1009,
  },
  { name: "a Ping with a long length", frames: [frame(9, "", { declared: 65_536n })], closed: 1002 },
  { name: "a message, then garbage", frames: [frame(2, "ok"), filled(20, 0xff)], echoed: "ok", closed: 1002 },
];

/** The categories that WebSocket servers are commonly tested for: framing, pings, reserved bits, opcodes, fragments, UTF-8, closing. */
export const CATEGORIES: Readonly<Record<string, readonly Case[]>> = {
  sizes,
  "pings and pongs": pings,
  "reserved bits and opcodes": reserved,
  fragments,
  "UTF-8": utf8,
  closing: closes,
  masks,
  lengths,
};
