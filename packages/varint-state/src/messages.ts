import type { LegacyForm } from "./legacy.ts";

/** Longest packet in bytes, its length not counted: a client reads Responses of any length. [VARINT-1.4] */
export const MAX_PACKET_BYTES = Object.freeze({ server: 65_536, client: 131_072 });

/** The next state of a handshake that asks for the status. */
export const STATUS_STATE = 1;

/** What a client says in packets that are known. See PROTOCOL.md [VARINT-2]. */
export type ClientPacket =
  | {
      readonly type: "handshake";
      /** Version of the protocol the client speaks; -1 for one that only asks. */
      readonly protocolVersion: number;
      /** Host and port as the client was told them. */
      readonly address: string;
      readonly port: number;
      readonly nextState: number;
    }
  /** The answer to a Ping of the server's. */
  | { readonly type: "pong"; readonly payload: bigint }
  | { readonly type: "request" }
  /** The eight bytes of a Long: they only go back as they came. */
  | { readonly type: "ping"; readonly payload: Uint8Array };

/** A packet of a newer program: to be ignored. */
export interface UnknownPacket {
  readonly type: "unknown";
  readonly id: number;
}

/** What comes from a client. */
export type ClientMessage =
  | ClientPacket
  /** No packet: the first bytes of a client from before there were packets. See PROTOCOL.md [VARINT-7]. */
  | { readonly type: "legacy_ping"; readonly form: LegacyForm }
  | UnknownPacket;

/** What a server says. See PROTOCOL.md [VARINT-3]. */
export type ServerMessage =
  /** Asks for nothing: no action. */
  | { readonly type: "request" }
  /** The eight bytes of a Long: they only go back as they came. */
  | { readonly type: "ping"; readonly payload: Uint8Array }
  /** A `Status` as JSON: see `decodeStatus`. */
  | { readonly type: "response"; readonly json: string }
  /** The answer to a Ping of the client's. */
  | { readonly type: "pong"; readonly payload: bigint }
  /** Why a player cannot log in: a Minecraft text component as JSON. The connection ends. */
  | { readonly type: "login_disconnect"; readonly json: string }
  | UnknownPacket;

/** What a server tells about itself. See PROTOCOL.md [VARINT-5]. */
export interface Status {
  readonly version: { readonly name: string; readonly protocol: number };
  readonly players: Counts & { readonly sample: readonly Player[] };
  /** The word of the original servers for `players`; Minecraft's leave it out. */
  readonly clients?: Counts;
  readonly description: { readonly text: string };
  /** A PNG as a `data:` URL. */
  readonly favicon?: string;
}

export interface Counts {
  readonly max: number;
  readonly online: number;
}

export interface Player {
  readonly name: string;
  readonly id: string;
}

/**
 * Every way to break the wire, and what it means: the one list that code, documents and tests read. The wire has no
 * words for errors: whoever meets one closes.
 */
export const ERRORS = {
  http: "the peer speaks HTTP",
  varint_too_long: "a VarInt goes on after its fifth byte",
  bad_length: "a packet or a string declares a negative length",
  too_long: "a packet declares more bytes than allowed",
  empty_packet: "a packet of no bytes has no id",
  incomplete_packet: "a packet ends within one of its fields",
  trailing_bytes: "a packet goes on behind its last field",
  bad_utf8: "a string is not UTF-8",
  string_too_long: "a string is longer than its field allows",
  bad_next_state: "a handshake asks for a next state that is not served; 1 and 2 are",
  bad_status: "a Response does not hold the JSON of a status",
} as const;

export type ErrorCode = keyof typeof ERRORS;
