/** Test helpers that every decoder and protocol connection of the house runs its vectors through. */

/** Anything that takes bytes and gives events, one at a time: a decoder, or one side of a protocol connection. */
export interface Machine {
  feed(chunk: Uint8Array): void;
  next(): unknown;
}

/** One case as data. */
export interface Vector {
  name: string;
  /** What goes over the wire: hex (white space is ignored), or text as UTF-8. */
  hex?: string;
  text?: string;
  /** What comes of it, in order; for an error that ends the stream, a last entry `{ error: code }`. */
  events: readonly unknown[];
  /** The rule, or the program that these bytes were captured from. */
  source?: string;
}

/** Bytes of a hex string; white space is ignored. @throws {RangeError} where it is not hex */
export function fromHex(hex: string): Uint8Array {
  const digits = hex.replace(/\s+/g, "");
  if (!/^(?:[0-9a-fA-F]{2})*$/.test(digits)) throw new RangeError(`not hex: ${hex}`);
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** Hex of bytes, two digits each. */
export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Every way to cut `bytes` that a rule must not notice: whole, byte by byte, and in two at each place. */
export function* eachSplit(bytes: Uint8Array): Generator<{ way: string; chunks: Uint8Array[] }> {
  yield { way: "whole", chunks: [bytes] };
  yield { way: "byte by byte", chunks: Array.from(bytes, (_, i) => bytes.slice(i, i + 1)) };
  for (let at = 1; at < bytes.length; at++) {
    yield { way: `cut at ${at}`, chunks: [bytes.slice(0, at), bytes.slice(at)] };
  }
}

/**
 * Feeds `chunks` and gives all events; an error with a `code` becomes a last `{ error: code }` and ends it.
 *
 * Each chunk's memory is overwritten once the machine has asked for more, and each event is copied when it comes:
 * a machine that keeps a view, or gives one of memory it does not own, shows.
 */
export function collect(machine: Machine, chunks: readonly Uint8Array[]): unknown[] {
  const events: unknown[] = [];
  try {
    for (const chunk of chunks) {
      const lent = chunk.slice();
      machine.feed(lent);
      for (let event = machine.next(); event !== undefined; event = machine.next()) events.push(plain(event));
      lent.fill(0xee);
    }
  } catch (error) {
    const code = (error as { code?: unknown }).code;
    if (typeof code !== "string") throw error;
    events.push({ error: code });
  }
  return events;
}

/**
 * Runs a vector whole, byte by byte, at every split, and with trailing bytes.
 *
 * @throws {Error} naming the vector and the way, where the events differ from the expected ones
 */
export function checkVector(make: () => Machine, vector: Vector): void {
  const bytes = vector.hex === undefined ? new TextEncoder().encode(vector.text ?? "") : fromHex(vector.hex);
  const expected = JSON.stringify(vector.events.map(plain));
  for (const { way, chunks } of eachSplit(bytes)) {
    compare(vector.name, way, JSON.stringify(collect(make(), chunks)), expected);
  }
  // What stands behind a vector changes nothing of it: its first bytes again, for instance.
  const withTrailing = new Uint8Array(bytes.length + 1);
  withTrailing.set(bytes);
  withTrailing.set(bytes.subarray(0, 1), bytes.length);
  const seen = collect(make(), [withTrailing]).slice(0, vector.events.length);
  compare(vector.name, "with a trailing byte", JSON.stringify(seen), expected);
}

function compare(name: string, way: string, seen: string, expected: string): void {
  if (seen !== expected) throw new Error(`${name}, ${way}:\n  expected ${expected}\n  seen     ${seen}`);
}

/** A copy with bytes as hex and bigints as text, so that events compare and print as JSON. */
export function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return toHex(value);
  if (typeof value === "bigint") return `${value}n`;
  if (Array.isArray(value)) return value.map(plain);
  if (value !== null && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
  }
  return value;
}
