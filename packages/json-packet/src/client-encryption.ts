import type { Link } from "@wireyard/transport";
import { createChannel, decryptBytes, type EncryptChannel, encryptLine } from "./encryption.ts";
import { acceptOffer } from "./exchange.ts";
import { badEncryption, createEncryptKeys, type EncryptKeys } from "./keys.ts";
import { ACTIONS } from "./messages.ts";
import type { Packet } from "./packet.ts";
import { readPacket } from "./packet-reader.ts";

/** Bytes that may wait to be encrypted: a caller that sends faster is stopped, not queued without end. */
const MAX_WAITING_BYTES = 4_194_304;
/** What is said and heard in the clear on the way to encryption. */
const CLEAR: ReadonlySet<string> = new Set([
  ACTIONS.handShake,
  ACTIONS.pong,
  ACTIONS.error,
  ACTIONS.disconnect,
]);

let shared: Promise<EncryptKeys> | undefined;

/** The keys of every client of this process or page that is given none: made once, since that takes a while. */
export function sharedKeys(): Promise<EncryptKeys> {
  shared ??= createEncryptKeys().catch((error: unknown) => {
    shared = undefined;
    throw error;
  });
  return shared;
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

  /** Takes the server's offer. @throws {ProtocolError} `bad_encryption` */
  async accept(offer: Record<string, unknown>): Promise<void> {
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

  /** Takes a packet that came as it is. @throws {ProtocolError} `bad_encryption` where it should not have */
  check(packet: Packet): void {
    const admitted = this.required ? this.state !== "on" && CLEAR.has(packet.action) : !this.heard;
    if (!admitted) throw badEncryption();
  }

  /** Opens a packet. @throws {ProtocolError} `bad_encryption` */
  async open(packet: Packet): Promise<Packet> {
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
