import { type Hub, type HubEvent, type Session, UsageError } from "@wireyard/session";
import type { ActionTable } from "./actions.ts";
import { createPacket } from "./codec.ts";
import type { PacketEncoder } from "./encoder.ts";
import type { EncryptKeys } from "./keys.ts";
import type { Packet } from "./packet.ts";
import type { PacketView } from "./packet-view.ts";
import type { PacketPeer } from "./peer.ts";

export const PROTOCOL = "json-packet";

/** Which packets are encrypted: none, those of clients that want it, or all. */
export type EncryptionMode = "off" | "optional" | "required";

/** A client, as handlers see it. */
export interface Connection {
  /** The client's secret: not to be listed, logged or told to anybody else. */
  readonly token: string;
  /** The hub's session: its id, its user where it logged in, its room. */
  readonly session: Session;
  /** Whether what it says and is told is encrypted. */
  readonly encrypted: boolean;
  /** Sends a packet. One that came in goes on with its data byte for byte, never with its token. */
  sendPacket(packet: Packet): void;
  /**
   * Waits for the client's answer to a `PING`; gives the round trip in milliseconds.
   *
   * @throws {Error} where none came within `requestTimeoutMs`, or the client is gone
   */
  ping(): Promise<number>;
  /** Tells the client `reason` and closes, once the request at hand is answered. */
  close(reason: string): void;
}

/** What is done with packets of one name. */
export interface Action {
  /** Whether it needs no handshake, token or field. */
  readonly open: boolean;
  run(peer: PacketPeer, packet: PacketView): void | Promise<void>;
}

/** Everything the service's peers share. */
export interface PacketContext {
  readonly hub: Hub;
  /** The server's own token, for as long as it lives. */
  readonly token: string;
  readonly encoder: PacketEncoder;
  readonly actions: ActionTable<Action>;
  readonly clients: Map<string, PacketPeer>;
  readonly encryption: EncryptionMode;
  /** The server's RSA keys, made when they are first needed. */
  readonly encryptKeys: () => Promise<EncryptKeys>;
  /** One function for the whole service: an event is encoded once for all its peers. */
  readonly encodeEvent: (event: HubEvent) => Uint8Array;
}

/** Makes a packet of what an operator gave. @throws {UsageError} */
export function makePacket(name: string, data?: unknown): Packet {
  try {
    return createPacket(name, data);
  } catch (error) {
    throw error instanceof TypeError ? new UsageError(error.message) : error;
  }
}
