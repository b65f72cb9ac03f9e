import { decodeText, encodeText, ProtocolError } from "@wireyard/framing";

/** The fields of a packet, in the order in which they are written. */
export const FIELDS = ["action", "data", "packet-created", "token"] as const;

export type Field = (typeof FIELDS)[number];

/** One packet: `PacketView` to servers, `ReadPacket` to clients. */
export interface Packet {
  /** Its name, which says what is to be done with it. Empty where it has none. */
  readonly action: string;
  /** Its data, parsed when first asked for; `undefined` where it has none. */
  readonly data: unknown;
  /** The JSON of its data as its sender wrote it; empty where it has none. */
  readonly dataBytes: Uint8Array;
  /** When its sender made it, in seconds since the epoch; `NaN` where it does not say. */
  readonly created: number;
  /** The secret it came with: not to be shown to anybody. `null` where it has none. */
  readonly token: string | null;
  /** The first of `FIELDS` that is absent or not of its type; `undefined` where all are there. [JSON-2.2] */
  readonly missing: Field | undefined;
  /** Makes its memory its own, where that was lent. */
  keep(): void;
}

/** JSON that goes out as it is. A handler's value or the data of a packet can be one. */
export class RawJson {
  /** A copy of what it was made of, verified when a packet is made with it. */
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    // Not `slice`, which of a `Buffer` is a view.
    this.bytes = new Uint8Array(bytes);
  }
}

/** The JSON that `data` are already, as a `RawJson` or the data of a packet; `undefined` for all else. */
export function rawJsonOf(data: unknown): Uint8Array | undefined {
  if (data instanceof RawJson) return data.bytes;
  const { dataBytes } = (data ?? {}) as Partial<Packet>;
  if (!(dataBytes instanceof Uint8Array)) return undefined;
  return dataBytes.length > 0 ? dataBytes : encodeText("null");
}

/** The JSON of data for a packet called `name`. @throws {TypeError} where they cannot be JSON */
export function jsonOf(name: string, data: unknown): string {
  const json = JSON.stringify(data === undefined ? null : data);
  if (json === undefined) throw new TypeError(`the data of a packet "${name}" cannot be a ${typeof data}`);
  return json;
}

/** What is told of a packet that was not made because no receiver would take it. */
export function unfit(name: string, error: unknown): unknown {
  if (!(error instanceof ProtocolError)) return error;
  return new TypeError(`the data of a packet "${name}" cannot be sent: ${error.message}`);
}

/** The JSON of a packet; `json` is that of its data, `created` in seconds. The time is a float, for the original. */
export function textOf(action: string, json: string, created: number, token: string | null): string {
  const seconds = Number.isInteger(created) ? created.toFixed(1) : created;
  return `{"action":${JSON.stringify(action)},"data":${json},"packet-created":${seconds},"token":${JSON.stringify(token)}}`;
}

/** A packet as a line of another sender's; one that does not say when it was made is of now. */
export function lineOf(packet: Packet, token: string | null): Uint8Array {
  const json = decodeText(rawJsonOf(packet) as Uint8Array) as string;
  const { action, created } = packet;
  return encodeText(`${textOf(action, json, Number.isNaN(created) ? Date.now() / 1_000 : created, token)}\n`);
}
