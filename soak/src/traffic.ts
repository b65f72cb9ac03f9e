/**
 * What clients say, made up: valid traffic of each protocol from a seed, and the same with something wrong in it. Most
 * faults are inside a whole frame, so that what comes behind them is read too; the last input of a burst may be wrong
 * in any byte.
 */
import type { Random } from "./random.ts";
import type { Protocol } from "./server.ts";
import { commaFrame } from "./wire.ts";

export interface Traffic {
  /** So that the server reads on as somebody's: login, handshake. */
  readonly greeting: (random: Random) => Uint8Array;
  /** One whole message, right or wrong, behind which the connection may live on. */
  readonly input: (random: Random) => Uint8Array;
  /** Inputs in one connection: few, where the usual mistake ends it. */
  readonly burst: number;
}

const WORDS = [
  "",
  "a",
  "-1",
  "0",
  "lobby",
  "ann",
  "4294967296",
  "__proto__",
  "ä",
  "日本",
  "\u202e",
  "x".repeat(300),
];
const TAILS = [
  "",
  ":",
  "::",
  ":a",
  ":0:",
  "\r",
  ",",
  "\\",
  "\\,",
  "\t",
  "%s",
  "\u0000",
  "1e9",
  "65536",
  "2147483647",
];

function word(random: Random): string {
  return random.pick(WORDS) + (random.below(3) === 0 ? random.pick(TAILS) : "");
}

function words(random: Random, most: number, separator: string): string {
  return Array.from({ length: random.below(most + 1) }, () => word(random)).join(separator);
}

const text = (value: string): Uint8Array => Buffer.from(value);

function colonLine(random: Random): string {
  switch (random.below(10)) {
    case 0:
      return `2:${word(random)}:${word(random)}`;
    case 1:
      return `2:${random.pick(["-1", "r1", "r2"])}`;
    case 2:
      return `1:${word(random)}`;
    case 3:
      return `4:${word(random)}:${word(random)}`;
    case 4:
      return `5:${word(random)}:${words(random, 6, ":")}`;
    case 5:
      return `${random.below(12)}:${words(random, 4, ":")}`;
    case 6:
      return words(random, 4, ":");
    default:
      return `3:${random.below(5)}:${words(random, 3, " ")}`;
  }
}

const COMMANDS = ["whoami", "nop", "send", "register", "login", "help", "req", "req,1,req", "", "x"];

function commaData(random: Random): string {
  const command = random.pick(COMMANDS);
  const request = random.below(2) === 0 ? `req,${word(random)},` : "";
  // Passwords are hashed, which is slow: most of those here are refused before.
  const some =
    command === "login" || command === "register" ? random.pick(["", "a", "a,b,c"]) : words(random, 4, ",");
  return `${request}${command}${some === "" ? "" : `,${some}`}`;
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value >>> 0;
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return [...bytes, rest];
}

function packet(...body: number[]): Uint8Array {
  return Uint8Array.from([...varint(body.length), ...body]);
}

function varintInput(random: Random): Uint8Array {
  const address = [...text(word(random).slice(0, 200))];
  switch (random.below(5)) {
    case 0:
      return packet(0, ...varint(random.next()), ...varint(address.length), ...address, 0x63, 0xdd, 1);
    case 1:
      return packet(1, ...random.bytes(8));
    case 2:
      return packet(...varint(2 + random.next()), ...random.bytes(random.below(20)));
    case 3:
      return packet(0);
    default:
      return Uint8Array.from([
        ...packet(0, 47, 1, 0x61, 0, 1, 1),
        ...packet(0),
        ...packet(1, ...random.bytes(8)),
      ]);
  }
}

function json(random: Random, depth: number): unknown {
  switch (random.below(depth > 3 ? 4 : 6)) {
    case 0:
      return word(random);
    case 1:
      return random.next() / (random.below(3) + 1);
    case 2:
      return random.pick([null, true, false, -0, 1e300, 1e-300]);
    case 3:
      return "\ud800";
    case 4:
      return Array.from({ length: random.below(4) }, () => json(random, depth + 1));
    default:
      return Object.fromEntries(
        Array.from({ length: random.below(4) }, (_, i) => [`${i}${word(random)}`, json(random, depth + 1)]),
      );
  }
}

const ACTIONS = ["PING", "isAlive", "handShake", "error", "encrypted", "x", "constructor", ""];

function jsonInput(random: Random): Uint8Array {
  const fields: Record<string, unknown> = {
    action: random.below(8) === 0 ? json(random, 1) : random.pick(ACTIONS),
    data: json(random, 1),
    "packet-created": random.below(8) === 0 ? json(random, 1) : 1.5,
    token: random.below(4) === 0 ? json(random, 1) : null,
  };
  if (random.below(6) === 0) delete fields[random.pick(Object.keys(fields))];
  const space = random.pick(["", "\n", " \t\r\n"]);
  return text(`${JSON.stringify(fields, null, random.below(4) === 0 ? 1 : undefined)}${space}`);
}

export const TRAFFIC: Readonly<Record<Protocol, Traffic>> = {
  "colon-relay": {
    greeting: (random) => text(`0:u${random.below(1_000)}:pw\n2:r${random.below(4)}\n`),
    input: (random) => text(`${colonLine(random)}\n`),
    burst: 60,
  },
  "comma-command": {
    greeting: () => commaFrame("nop"),
    input: (random) => commaFrame(commaData(random)),
    burst: 120,
  },
  "varint-state": { greeting: () => new Uint8Array(0), input: varintInput, burst: 8 },
  "json-packet": {
    greeting: () => text('{"action":"handShake","data":null,"packet-created":1,"token":null}'),
    input: jsonInput,
    burst: 60,
  },
};

/** The bytes with some of them changed, doubled, left out or put somewhere else. */
export function broken(random: Random, bytes: Uint8Array): Uint8Array {
  let result = [...bytes];
  for (let faults = 1 + random.below(3); faults > 0; faults--) {
    const at = random.below(result.length + 1);
    const other = random.below(result.length + 1);
    switch (random.below(5)) {
      case 0:
        result[at] = random.pick([0, 0x7f, 0x80, 0xff, 0x0a, 0x22, 0x5c, random.below(256)]);
        break;
      case 1:
        result.splice(at, 1 + random.below(4));
        break;
      case 2:
        result.splice(at, 0, ...random.bytes(1 + random.below(6)));
        break;
      case 3:
        result.splice(at, 0, ...result.slice(Math.min(at, other), Math.max(at, other)));
        break;
      default:
        result = [...result.slice(at), ...result.slice(0, at)];
    }
  }
  return Uint8Array.from(result.slice(0, 4_000), (byte) => byte ?? 0);
}
