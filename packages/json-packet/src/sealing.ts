/** The same packets as `encryption.ts` makes and opens, by `node:crypto`: without waiting, and many times as fast. */
import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject } from "node:crypto";
import { allocateBytes } from "@wireyard/framing";
import { decodePacket } from "./codec.ts";
import {
  contextOf,
  MAX_ENCRYPTED_PACKETS,
  nonceOf,
  readEncrypted,
  TAG_BYTES,
  withoutLineFeed,
  writeEncrypted,
} from "./encryption.ts";
import type { Direction } from "./exchange.ts";
import { badEncryption } from "./keys.ts";
import type { Packet } from "./packet.ts";
import type { PacketView } from "./packet-view.ts";

const CIPHER = "aes-256-gcm";
const OPTIONS = { authTagLength: TAG_BYTES };

/** Encrypts what goes one way, packet by packet. */
export class Sealer {
  readonly #key: KeyObject;
  readonly #direction: Direction;
  #next = 0;

  constructor(direction: Direction, key: Uint8Array) {
    this.#direction = direction;
    this.#key = createSecretKey(key);
  }

  /** Whether there are numbers left under this key. */
  get usable(): boolean {
    return this.#next < MAX_ENCRYPTED_PACKETS;
  }

  /** Encrypts a packet's line into another one. Only while `usable`. */
  seal(line: Uint8Array): Uint8Array {
    const n = this.#next++;
    const plain = withoutLineFeed(line);
    const cipher = createCipheriv(CIPHER, this.#key, nonceOf(n), OPTIONS);
    cipher.setAAD(contextOf(this.#direction, n));
    const sealed = allocateBytes(plain.length + TAG_BYTES);
    sealed.set(cipher.update(plain));
    cipher.final();
    sealed.set(cipher.getAuthTag(), plain.length);
    return writeEncrypted(n, sealed, undefined, allocateBytes);
  }
}

/** Opens what comes the other way, each packet once and in its order. */
export class Opener {
  readonly #key: KeyObject;
  readonly #direction: Direction;
  #next = 0;

  constructor(direction: Direction, key: Uint8Array) {
    this.#direction = direction;
    this.#key = createSecretKey(key);
  }

  /**
   * Opens the next packet. Its connection ends with one that does not open.
   *
   * @throws {ProtocolError} `bad_encryption`
   */
  open(packet: Packet): PacketView {
    const n = this.#next++;
    const encrypted = readEncrypted(packet, this.#direction, n);
    if (encrypted === undefined) throw badEncryption();
    const { sealed } = encrypted;
    const decipher = createDecipheriv(CIPHER, this.#key, nonceOf(n), OPTIONS);
    decipher.setAAD(contextOf(this.#direction, n));
    decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
    const plain = decipher.update(sealed.subarray(0, sealed.length - TAG_BYTES));
    try {
      decipher.final();
    } catch {
      // Its text says no more than that the tag is wrong.
      throw badEncryption();
    }
    return decodePacket(new Uint8Array(plain.buffer, plain.byteOffset, plain.length));
  }
}
