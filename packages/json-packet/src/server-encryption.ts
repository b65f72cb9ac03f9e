import { encodeText } from "@wireyard/framing";
import type { EncryptionMode } from "./context.ts";
import { readEncrypted } from "./encryption.ts";
import { type DirectionKeys, offerKeys, type ServerExchange } from "./exchange.ts";
import { badEncryption, type EncryptKeys } from "./keys.ts";
import { ACTIONS, type KeyOffer } from "./messages.ts";
import type { PacketView } from "./packet-view.ts";
import { Opener, Sealer } from "./sealing.ts";

const ENCRYPTED = encodeText(JSON.stringify(ACTIONS.encrypted));

/** How far one client is with encryption, and its keys. */
export class PeerEncryption {
  /** `offered`: the client has the server's key; its first encrypted packet brings its own. */
  state: "plain" | "offering" | "offered" | "on" = "plain";
  private readonly mode: EncryptionMode;
  #exchange: ServerExchange | undefined;
  #sealer: Sealer | undefined;
  #opener: Opener | undefined;

  constructor(mode: EncryptionMode) {
    this.mode = mode;
  }

  /** Whether a packet may come as it is. [JSON-8.11] [JSON-8.12] */
  admits(packet: PacketView): boolean {
    if (packet.isAction(ENCRYPTED)) return true;
    if (this.state === "on") return false;
    return (
      this.mode === "optional" || (packet.action === ACTIONS.handShake && publicKeyOf(packet) !== undefined)
    );
  }

  /**
   * Answers a client's public key, which it sends once.
   *
   * @throws {ProtocolError} `bad_encryption`
   */
  async offer(keys: Promise<EncryptKeys>, publicKey: unknown): Promise<KeyOffer> {
    if (this.state !== "plain") throw badEncryption();
    this.state = "offering";
    this.#exchange = await offerKeys(await keys, publicKey);
    this.state = "offered";
    return this.#exchange.offer;
  }

  /**
   * Opens a packet. The first takes a promise: its key is to be unwrapped.
   *
   * @throws {ProtocolError} `bad_encryption`
   */
  open(packet: PacketView): PacketView | Promise<PacketView> {
    return this.#opener === undefined ? this.openFirst(packet) : this.#opener.open(packet);
  }

  /** Encrypts a line; as it is while the client has not encrypted; `undefined` where no more can be. */
  seal(line: Uint8Array): Uint8Array | undefined {
    if (this.#sealer === undefined) return line;
    return this.#sealer.usable ? this.#sealer.seal(line) : undefined;
  }

  private async openFirst(packet: PacketView): Promise<PacketView> {
    const wrappedKey = readEncrypted(packet, "client", 0)?.wrappedKey;
    const exchange = this.#exchange;
    if (wrappedKey === undefined || exchange === undefined) throw badEncryption();
    packet.keep();
    return this.begin(packet, await exchange.finish(wrappedKey));
  }

  /** Keys that do not open the first packet are not used: what is answered then is the same for every reason. */
  private begin(packet: PacketView, keys: DirectionKeys): PacketView {
    const opener = new Opener("client", keys.client);
    const first = opener.open(packet);
    this.#opener = opener;
    this.#sealer = new Sealer("server", keys.server);
    this.#exchange = undefined;
    this.state = "on";
    return first;
  }
}

/** The `publicKey` in a handshake's data; `undefined` where there is none. */
export function publicKeyOf(packet: PacketView): unknown {
  return ((packet.data ?? {}) as Record<string, unknown>).publicKey;
}
