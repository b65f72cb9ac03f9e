import type { Channel, Member } from "./backplane.ts";

/** What the hub tells a peer. One object goes to all who get it. */
export type HubEvent = MemberEvent | MessageEvent | CommandEvent;

/** Somebody joined or left the peer's room, or is its master from now on; for a leaver, the room it left. */
export interface MemberEvent extends Encodable {
  readonly type: "joined" | "left" | "master";
  readonly room: string;
  readonly member: Member;
}

/** A message to a room or a group. `body` is lent: encode it before the call returns. */
export interface MessageEvent extends Encodable {
  readonly type: "message";
  readonly from: Member;
  readonly channel: Channel;
  readonly body: Uint8Array;
}

/** A command one user sent to another. `fields` are lent: encode them before the call returns. */
export interface CommandEvent extends Encodable {
  readonly type: "command";
  /** The sender's verified user name. */
  readonly from: string;
  /** The command and its arguments, unescaped. */
  readonly fields: readonly Uint8Array[];
}

/** Keeps the bytes an event was encoded to, for each way to encode it. */
export interface Encodable {
  encoder: unknown;
  encoded: Uint8Array | undefined;
  others: Map<unknown, Uint8Array> | undefined;
}

/**
 * The bytes of an event on one wire: worked out for the first peer that needs them, the same object for all.
 *
 * @param encode one function for each wire form: it is also the key
 */
export function encodeOnce<E extends Encodable>(event: E, encode: (event: E) => Uint8Array): Uint8Array {
  if (event.encoder === encode) return event.encoded as Uint8Array;
  if (event.encoder === undefined) {
    event.encoder = encode;
    event.encoded = encode(event);
    return event.encoded;
  }
  event.others ??= new Map();
  let bytes = event.others.get(encode);
  if (bytes === undefined) {
    bytes = encode(event);
    event.others.set(encode, bytes);
  }
  return bytes;
}

export function memberEvent(type: MemberEvent["type"], room: string, member: Member): MemberEvent {
  return { type, room, member, encoder: undefined, encoded: undefined, others: undefined };
}

export function messageEvent(from: Member, channel: Channel, body: Uint8Array): MessageEvent {
  return { type: "message", from, channel, body, encoder: undefined, encoded: undefined, others: undefined };
}

export function commandEvent(from: string, fields: readonly Uint8Array[]): CommandEvent {
  return { type: "command", from, fields, encoder: undefined, encoded: undefined, others: undefined };
}
