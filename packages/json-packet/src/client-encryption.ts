import type { Lifeline, Link } from "@wireyard/transport";
// From here, which is what every client has: bundlers then leave it in one piece.
import { JsonPacketRefusal } from "./client.ts";
import type { ClientSettings } from "./client-options.ts";
import { createChannel, decryptBytes, type EncryptChannel, encryptLine } from "./encryption.ts";
import { acceptOffer } from "./exchange.ts";
import { badEncryption, createEncryptKeys, type EncryptKeys } from "./keys.ts";
import { ACTIONS } from "./messages.ts";
import type { Packet } from "./packet.ts";
import { packetOf, readPacket } from "./packet-reader.ts";

/** Bytes that may wait to be encrypted: a caller that sends faster is stopped, not queued without end. */
const MAX_WAITING_BYTES = 4_194_304;
/** What is said and heard in the clear on the way to encryption. */
const CLEAR: ReadonlySet<string> = new Set([
  ACTIONS.handShake,
  ACTIONS.pong,
  ACTIONS.error,
  ACTIONS.disconnect,
]);

/** States of a line whose link can be asked. */
const LIVE: ReadonlySet<string> = new Set(["up", "restoring"]);

let shared: Promise<EncryptKeys> | undefined;

/** The keys of every client of this process or page that is given none: made once, since that takes a while. */
function sharedKeys(): Promise<EncryptKeys> {
  shared ??= createEncryptKeys().catch((error: unknown) => {
    shared = undefined;
    throw error;
  });
  return shared;
}

const FINGERPRINT = /^[0-9a-f]{64}$/i;

/** @throws {TypeError} where a pin is none, or does not go with `encryption` */
export function checkPin({ pin, encryption = "required" }: ClientSettings): void {
  if (pin !== undefined && !FINGERPRINT.test(pin)) {
    throw new TypeError("a pin is the fingerprint of a key: 64 hex digits");
  }
  if (pin !== undefined && encryption !== "required") {
    throw new TypeError("a pin says that encryption is required; leave encryption out");
  }
}

/** What a client lends for the exchange of keys. */
export interface KeyExchange {
  readonly line: Pick<Lifeline<Packet>, "link" | "state" | "fail">;
  /** Whose keys are exchanged: another one that the line has by the time exchanges its own. */
  readonly link: Link;
  readonly settings: ClientSettings;
  /** Takes into use what everything goes through from here on. */
  use(encryption: ClientEncryption): void;
  /** Sends a packet, and waits for the next of the name `answer`. */
  ask(packet: Packet, answer: string): Promise<Packet>;
}

/**
 * Asks for encryption, in a client that wants it. [JSON-8.1]
 *
 * @throws {JsonPacketRefusal} `bad_encryption` where it is required, and the server does not encrypt
 * @throws {ProtocolError} `bad_encryption`
 * @throws {Error} where the link was lost while the keys were made
 */
export async function exchangeKeys({ line, link, settings, use, ask }: KeyExchange): Promise<void> {
  const own = settings.encryptKeys ?? (await sharedKeys());
  if (link !== line.link || !LIVE.has(line.state))
    throw new Error("the connection was lost before the answer");
  const required = settings.encryption !== "optional";
  const { pin } = settings;
  const encryption = new ClientEncryption(link, own, { required, pin }, (error) => line.fail(error));
  use(encryption);
  await ask(packetOf(ACTIONS.handShake, { publicKey: own.publicKey }), ACTIONS.handShake);
  // A plain answer came: of a server that cannot, or of one that had spoken first and will answer before this.
  if (encryption.state === "plain") await ask(packetOf(ACTIONS.ping), ACTIONS.pong);
  if (!encryption.start() && required) {
    throw new JsonPacketRefusal("bad_encryption", "the server does not encrypt, and encryption is required");
  }
}

/** How far a client is with encryption, and what goes either way. */
export class ClientEncryption {
  /** `offered`: the server's key is here; what comes next is encrypted with `start`. */
  state: "plain" | "offered" | "on" = "plain";
  private readonly link: Link;
  private readonly own: EncryptKeys;
  private readonly pin: string | undefined;
  private readonly required: boolean;
  private readonly failed: (error: unknown) => void;
  #sending: EncryptChannel | undefined;
  #receiving: EncryptChannel | undefined;
  /** Whether the server has encrypted something: from then on it encrypts all. */
  private heard = false;
  private waitingBytes = 0;
  /** Lines leave in the order in which they were sent, whichever is encrypted first. */
  private sent: Promise<void> = Promise.resolve();

  constructor(
    link: Link,
    own: EncryptKeys,
    options: { readonly required: boolean; readonly pin?: string | undefined },
    failed: (error: unknown) => void,
  ) {
    this.link = link;
    this.own = own;
    this.required = options.required;
    this.pin = options.pin;
    this.failed = failed;
  }

  get publicKey(): string {
    return this.own.publicKey;
  }

  /** Takes the data of a handshake, where they are the server's offer. @throws {ProtocolError} `bad_encryption` */
  async accept(offer: Record<string, unknown>): Promise<void> {
    if (offer.status !== "continue") return;
    if (this.state !== "plain") throw badEncryption();
    const { keys, wrappedKey } = await acceptOffer(this.own, offer, this.pin);
    this.#sending = await createChannel("client", keys.client, wrappedKey);
    this.#receiving = await createChannel("server", keys.server);
    this.state = "offered";
  }

  /** Encrypts from here on, where the server made an offer; tells whether it did. */
  start(): boolean {
    if (this.state === "offered") this.state = "on";
    return this.state === "on";
  }

  /** Takes a packet as it came; `take` gets the one that is meant. @throws {ProtocolError} `bad_encryption` */
  receive(packet: Packet, take: (packet: Packet) => void | Promise<void>): void | Promise<void> {
    if (packet.action === ACTIONS.encrypted) return this.open(packet).then(take);
    const admitted = this.required ? this.state !== "on" && CLEAR.has(packet.action) : !this.heard;
    if (!admitted) throw badEncryption();
    return take(packet);
  }

  private async open(packet: Packet): Promise<Packet> {
    if (this.state !== "on" || this.#receiving === undefined) throw badEncryption();
    const inner = readPacket(await decryptBytes(packet, this.#receiving));
    if (inner.action === ACTIONS.encrypted) throw badEncryption();
    this.heard = true;
    return inner;
  }

  write(line: Uint8Array): void {
    if (this.state !== "on" || this.#sending === undefined) {
      this.link.write(line);
      return;
    }
    this.waitingBytes += line.length;
    if (this.waitingBytes > MAX_WAITING_BYTES) {
      this.failed(
        new Error(`packets were sent faster than they could be encrypted: ${MAX_WAITING_BYTES} bytes wait`),
      );
      return;
    }
    const sealing = encryptLine(line, this.#sending);
    this.sent = Promise.all([sealing, this.sent]).then(([sealed]) => {
      this.waitingBytes -= line.length;
      this.link.write(sealed);
    });
    this.sent.catch(this.failed);
  }

  /** Ends the link behind what was sent. */
  end(): void {
    this.sent.then(() => this.link.end(), this.failed);
  }
}
