import { ProtocolError } from "@wireyard/framing";
import { packetOfNow } from "./encoder.ts";
import { JsonScanner } from "./json-scan.ts";
import { Flaw } from "./json-tokens.ts";
import { FIELDS } from "./packet.ts";
import { PacketView } from "./packet-view.ts";

const scanner = new JsonScanner(FIELDS);

/**
 * Reads one packet: a JSON object, white space around it allowed. Which of its fields are there is for the packet
 * to tell (`missing`).
 *
 * The packet views `bytes`.
 * @throws {ProtocolError} `bad_json`, `too_deep`
 * @see PROTOCOL.md [JSON-1.4] to [JSON-1.8]
 */
export function decodePacket(bytes: Uint8Array): PacketView {
  try {
    scanner.scan(bytes);
  } catch (error) {
    throw error instanceof Flaw ? new ProtocolError(error.code, error.text) : error;
  }
  return new PacketView(bytes, 0, bytes.length, scanner.found);
}

/**
 * Reads the packet that starts at `start`, if it is whole, in order, and has at most `maxBytes`; `undefined` for
 * anything else. One pass finds its end and verifies it.
 *
 * The packet views `bytes`.
 */
export function decodeFirst(bytes: Uint8Array, start: number, maxBytes: number): PacketView | undefined {
  let end: number;
  try {
    end = scanner.scanFirst(bytes, start);
  } catch (error) {
    if (error instanceof Flaw) return undefined;
    throw error;
  }
  return end - start > maxBytes ? undefined : new PacketView(bytes, start, end, scanner.found);
}

/**
 * Makes a packet of now. `data` become JSON as by `JSON.stringify`, `undefined` as `null`; a `RawJson` stays as it is.
 *
 * @throws {TypeError} where `data` cannot be JSON, or not such as a receiver would take: bigints, functions, cycles,
 *   a name `__proto__`, half a surrogate pair, nested deeper than 31
 * @see PROTOCOL.md [JSON-2.1]
 */
export function createPacket(name: string, data?: unknown): PacketView {
  return packetOfNow(name, data, decodePacket);
}
