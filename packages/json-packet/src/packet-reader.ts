/**
 * Packets as clients have them: texts, read by `JSON.parse` and a search through the tokens for what is stricter than
 * that, and for the members. It finds what `decodePacket` does, in a part of its code: a page loads it.
 */
import { decodeText, encodeText, MAX_JSON_DEPTH, ProtocolError } from "@wireyard/framing";
import { FIELDS, type Field, jsonOf, type Packet, rawJsonOf, textOf, unfit } from "./packet.ts";

const TOKENS = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\]:,]|[^\s"{}[\]:,]+/g;
const LONE_SURROGATE = /\p{Cs}/u;

/** How the JSON of each of `FIELDS` starts, where it is of its type. */
const STARTS = [/^"/, /./, /^[-\d]/, /./];

/** All it holds is private to the last: a packet that is logged shows no token. */
export class ReadPacket implements Packet {
  /** The JSON of its members. */
  readonly #members: ReadonlyMap<string, string>;
  #data: unknown;
  #bytes: Uint8Array | undefined;

  constructor(members: ReadonlyMap<string, string>) {
    this.#members = members;
  }

  get action(): string {
    return this.#isOfType(0) ? JSON.parse(this.#json(0)) : "";
  }

  get data(): unknown {
    if (this.#isOfType(1)) this.#data ??= JSON.parse(this.#json(1));
    return this.#data;
  }

  get dataBytes(): Uint8Array {
    this.#bytes ??= encodeText(this.#json(1));
    return this.#bytes;
  }

  get created(): number {
    return this.#isOfType(2) ? Number(this.#json(2)) : Number.NaN;
  }

  get token(): string | null {
    const json = this.#json(3);
    return json[0] === '"' ? JSON.parse(json) : null;
  }

  get missing(): Field | undefined {
    return FIELDS.find((_, field) => !this.#isOfType(field));
  }

  keep(): void {}

  #isOfType(field: number): boolean {
    return (STARTS[field] as RegExp).test(this.#json(field));
  }

  #json(field: number): string {
    return this.#members.get(FIELDS[field] as Field) ?? "";
  }
}

/**
 * Reads one packet.
 *
 * @throws {ProtocolError} `bad_json`, `too_deep`
 * @see PROTOCOL.md [JSON-1.4] to [JSON-1.8]
 */
export function readPacket(bytes: Uint8Array): ReadPacket {
  return readText(decodeText(bytes) ?? "");
}

/** Makes a packet of now, as `createPacket` does. @throws {TypeError} as `createPacket` */
export function packetOf(name: string, data?: unknown): ReadPacket {
  const raw = rawJsonOf(data);
  const json = raw === undefined ? jsonOf(name, data) : decodeText(raw);
  try {
    // What goes out passes the same check as what comes in.
    return readText(textOf(name, `${json}`, Date.now() / 1_000, null));
  } catch (error) {
    throw unfit(name, error);
  }
}

function readText(text: string): ReadPacket {
  const members = new Map<string, string>();
  /** The names in each object that is open; an array has none. */
  const names: Set<string>[] = [];
  /** The token before this one: the name, where this one is a colon. */
  let last = "";
  /** The outermost member at hand, and where its value starts. */
  let member = "";
  let start = 0;
  if (!isJson(text)) throw bad("a packet is no JSON object");
  for (const { 0: token, index } of text.matchAll(TOKENS)) {
    const outermost = names.length === 1;
    if (names.length === 0 && token !== "{") throw bad("a packet is no JSON object");
    if (token === ":") {
      const name = JSON.parse(last) as string;
      const known = names.at(-1) as Set<string>;
      if (known.has(name)) throw bad("a name stands twice");
      if (name === "__proto__") throw bad("__proto__ is refused");
      known.add(name);
      if (outermost) {
        member = name;
        start = index + 1;
      }
    } else if (token === "{" || token === "[") {
      if (names.push(new Set()) > MAX_JSON_DEPTH) {
        throw new ProtocolError("too_deep", `a JSON value is nested deeper than ${MAX_JSON_DEPTH}`);
      }
    } else if (token === "," || token === "}" || token === "]") {
      if (outermost && start > 0) members.set(member, text.slice(start, index).trim());
      if (token !== ",") names.pop();
    } else if (Math.abs(Number(token)) === Infinity) {
      throw bad("a number is beyond a double");
    } else if (token.includes("\\u") && LONE_SURROGATE.test(JSON.parse(token) as string)) {
      throw bad("a string holds half a surrogate pair");
    }
    last = token;
  }
  return new ReadPacket(members);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function bad(why: string): ProtocolError {
  return new ProtocolError("bad_json", why);
}
