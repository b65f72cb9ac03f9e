/**
 * JSON, checked without being parsed. One pass over the bytes of an object verifies all of it and notes where the
 * values of a few of its members stand, so that a packet whose `data` nobody looks at never becomes an object.
 *
 * It is stricter than `JSON.parse`, which keeps the last of two members of one name, reads `1e999` as infinity and
 * nests until the stack ends. No recursion: the nesting is a bit a level, as in `JsonObjectDecoder`.
 */
import { decodeText, encodeText, isUtf8, MAX_JSON_DEPTH } from "@wireyard/framing";
import { Flaw, fail, scanEscape, scanNumber, skipWhiteSpace } from "./json-tokens.ts";

const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const DIGIT_0 = 0x30;
const DIGIT_9 = 0x39;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** Bytes of a string that need a closer look: its end, escapes, control characters, and what is not ASCII. */
const STOPS = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte < 0x20 || byte > 0x7f || byte === QUOTE || byte === BACKSLASH ? 1 : 0,
);
const LITERALS = ["true", "false", "null"].map(encodeText);
const PROTO = encodeText("__proto__");

/** Names of one object up to which each is compared with all before it; with more, a set is faster. */
const LISTED_NAMES = 16;

/** Verifies JSON objects and finds members of theirs. Keeps its memory: one for each set of names. */
export class JsonScanner {
  /** Where the values of the named members stand: start and end of each, in the order of the names; -1 if absent. */
  readonly found: Int32Array;
  private readonly names: readonly Uint8Array[];
  /** The same, as JSON with its colon: `"name":`. */
  private readonly heads: readonly Uint8Array[];
  private bytes: Uint8Array = new Uint8Array(0);
  /** Which of `names` the name read last at depth 1 is; -1 for none. */
  private named = -1;
  /** Whether all strings so far are ASCII. */
  private ascii = true;
  /** Whether the string scanned last holds an escape. */
  private escaped = false;
  /** Start and end of the names seen in the objects that are open, the innermost object's last. */
  private readonly seen = new Int32Array(2 * LISTED_NAMES * MAX_JSON_DEPTH);
  private seenCount = 0;
  /** For each level, how many names were seen before it. */
  private readonly seenBefore = new Int32Array(MAX_JSON_DEPTH + 1);
  /** For each level, its names as text where listing them does not do. */
  private readonly sets: (Set<string> | undefined)[] = new Array(MAX_JSON_DEPTH + 1).fill(undefined);

  /** @param names members of the outermost object that are to be found */
  constructor(names: readonly string[]) {
    this.names = names.map(encodeText);
    this.heads = names.map((name) => encodeText(`${JSON.stringify(name)}:`));
    this.found = new Int32Array(2 * names.length);
  }

  /**
   * Verifies that `bytes` are one JSON object, white space around it allowed, and sets `found`.
   *
   * @throws {Flaw} `too_deep`; `bad_json` for all else, with the offset of the offending byte
   * @see PROTOCOL.md [JSON-1.4] to [JSON-1.8]
   */
  scan(bytes: Uint8Array): void {
    const end = skipWhiteSpace(bytes, this.scanFirst(bytes, skipWhiteSpace(bytes, 0)));
    if (end < bytes.length) fail(end, "the end");
  }

  /**
   * Verifies that a JSON object starts at `start`, whatever stands behind it, and sets `found`; returns where it ends.
   *
   * @throws {Flaw} as `scan`, and where the end of the object is missing
   */
  scanFirst(bytes: Uint8Array, start: number): number {
    this.bytes = bytes;
    this.ascii = true;
    this.seenCount = 0;
    this.named = -1;
    for (let i = 0; i < this.found.length; i++) this.found[i] = -1;
    const end = this.walk(bytes, start);
    // Outside of strings every byte was compared with what JSON allows, so only strings can break UTF-8.
    if (!this.ascii && !isUtf8(bytes.subarray(start, end))) {
      throw new Flaw("bad_json", "a packet is not UTF-8");
    }
    return end;
  }

  private walk(bytes: Uint8Array, start: number): number {
    const { found } = this;
    if (bytes[start] !== OPEN_BRACE) fail(start, "{");
    let at = start;
    let depth = 0;
    /** One bit a level, the innermost lowest: 1 for an array, 0 for an object. */
    let arrays = 0;
    /** Which of the named members the value at depth 1 belongs to. */
    let member = -1;
    for (;;) {
      const byte = bytes[at];
      if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
        if (depth === MAX_JSON_DEPTH) {
          throw new Flaw("too_deep", `a packet is nested deeper than ${MAX_JSON_DEPTH}`);
        }
        depth++;
        const array = byte === OPEN_BRACKET;
        arrays = (arrays << 1) | (array ? 1 : 0);
        this.seenBefore[depth] = this.seenCount;
        this.sets[depth] = undefined;
        at = skipWhiteSpace(bytes, at + 1);
        if (bytes[at] !== (array ? CLOSE_BRACKET : CLOSE_BRACE)) {
          if (array) continue;
          at = this.name(at, depth);
          if (depth === 1) member = this.start(at);
          continue;
        }
      } else {
        at = this.scalar(bytes, at);
      }
      // A value ends here, or the bracket of an empty one stands here: close what can be closed.
      for (;;) {
        if (depth === 1 && member >= 0) {
          found[2 * member + 1] = at;
          member = -1;
        }
        if (depth === 0) return at;
        at = skipWhiteSpace(bytes, at);
        const array = (arrays & 1) === 1;
        if (bytes[at] === COMMA) {
          at = skipWhiteSpace(bytes, at + 1);
          if (!array) at = this.name(at, depth);
          if (depth === 1) member = this.start(at);
          break;
        }
        if (bytes[at] !== (array ? CLOSE_BRACKET : CLOSE_BRACE)) fail(at, array ? ", or ]" : ", or }");
        this.seenCount = this.seenBefore[depth] as number;
        depth--;
        arrays >>>= 1;
        at++;
      }
    }
  }

  /** Notes that the value of the outermost member whose name was read last starts at `at`; tells which it is. */
  private start(at: number): number {
    if (this.named >= 0) this.found[2 * this.named] = at;
    return this.named;
  }

  /** Scans a member's name and the colon behind it; returns where its value starts. */
  private name(at: number, depth: number): number {
    const { bytes } = this;
    if (depth === 1) {
      const value = this.usualName(at);
      if (value >= 0) return skipWhiteSpace(bytes, value);
    }
    if (bytes[at] !== QUOTE) fail(at, "a name in quotes");
    this.escaped = false;
    const end = this.string(bytes, at);
    const text = this.remember(at + 1, end - 1, depth);
    if (depth === 1) this.named = this.find(at + 1, end - 1, text);
    const colon = skipWhiteSpace(bytes, end);
    if (bytes[colon] !== COLON) fail(colon, ":");
    return skipWhiteSpace(bytes, colon + 1);
  }

  /**
   * Compares with the named member that usually comes next, in place of a scan and a search; -1 where it is another.
   */
  private usualName(at: number): number {
    const { bytes, found } = this;
    const member = this.named + 1;
    const head = this.heads[member];
    // Here already: then it is refused as any other name.
    if (head === undefined || found[2 * member] !== -1 || this.sets[1] !== undefined) return -1;
    if (this.seenCount === LISTED_NAMES) return -1;
    for (let i = 0; i < head.length; i++) {
      if (bytes[at + i] !== head[i]) return -1;
    }
    this.list(at + 1, at + head.length - 2);
    this.named = member;
    return at + head.length;
  }

  private list(start: number, end: number): void {
    this.seen[2 * this.seenCount] = start;
    this.seen[2 * this.seenCount + 1] = end;
    this.seenCount++;
  }

  /**
   * Refuses a name that its object has already, and `__proto__`, which would be no member but a prototype to
   * whoever copies it. Returns the name's text where it had to be worked out.
   */
  private remember(start: number, end: number, depth: number): string | undefined {
    const { bytes, seen } = this;
    const first = this.seenBefore[depth] as number;
    let set = this.sets[depth];
    if (set === undefined) {
      if (!this.escaped && this.seenCount - first < LISTED_NAMES) {
        for (let i = first; i < this.seenCount; i++) {
          const other = seen[2 * i] as number;
          if (
            (seen[2 * i + 1] as number) - other === end - start &&
            sameBytes(bytes, other, bytes, start, end)
          ) {
            failTwice(start - 1);
          }
        }
        if (end - start === PROTO.length && sameBytes(PROTO, 0, bytes, start, end)) failProto(start - 1);
        this.list(start, end);
        return undefined;
      }
      // Many names, or one with an escape, which is another spelling of some name: compare texts.
      set = new Set();
      for (let i = first; i < this.seenCount; i++) {
        set.add(textOf(bytes, seen[2 * i] as number, seen[2 * i + 1] as number));
      }
      this.sets[depth] = set;
    }
    const text = textOf(bytes, start, end);
    if (text === "__proto__") failProto(start - 1);
    if (set.has(text)) failTwice(start - 1);
    set.add(text);
    return text;
  }

  private find(start: number, end: number, text: string | undefined): number {
    const { bytes, names } = this;
    if (text !== undefined) return names.findIndex((name) => decodeText(name) === text);
    for (let i = 0; i < names.length; i++) {
      const name = names[i] as Uint8Array;
      if (name.length === end - start && sameBytes(name, 0, bytes, start, end)) return i;
    }
    return -1;
  }

  /** Scans a string, a number or a literal; returns where it ends. */
  private scalar(bytes: Uint8Array, at: number): number {
    const byte = bytes[at] as number;
    if (byte === QUOTE) return this.string(bytes, at);
    if (byte === MINUS || (byte >= DIGIT_0 && byte <= DIGIT_9)) return scanNumber(bytes, at);
    for (const literal of LITERALS) {
      if (byte === literal[0]) {
        if (!sameBytes(bytes, at, literal, 0, literal.length)) fail(at, "true, false or null");
        return at + literal.length;
      }
    }
    return fail(at, "a value");
  }

  private string(bytes: Uint8Array, start: number): number {
    let at = start + 1;
    while (at < bytes.length) {
      const byte = bytes[at] as number;
      if (STOPS[byte] === 0) {
        at++;
      } else if (byte === QUOTE) {
        return at + 1;
      } else if (byte === BACKSLASH) {
        this.escaped = true;
        at = scanEscape(bytes, at);
      } else if (byte > 0x7f) {
        this.ascii = false;
        at++;
      } else {
        fail(at, "no control character, which a string may not hold");
      }
    }
    return fail(at, "the end of a string");
  }
}

/** Whether `b` from `start` to `end` is what stands in `a` at `offset`. */
function sameBytes(a: Uint8Array, offset: number, b: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) {
    if (a[offset + i - start] !== b[i]) return false;
  }
  return true;
}

/** The text of a string, verified to be one, without its quotes. */
function textOf(bytes: Uint8Array, start: number, end: number): string {
  const text = decodeText(bytes.subarray(start, end));
  if (text === undefined) return fail(start, "UTF-8");
  return text.includes("\\") ? (JSON.parse(`"${text}"`) as string) : text;
}

function failTwice(at: number): never {
  throw new Flaw("bad_json", `the name at byte ${at} of a packet stands twice in its object`);
}

function failProto(at: number): never {
  throw new Flaw("bad_json", `the name at byte ${at} of a packet is __proto__, which is refused`);
}
