/** Packets within packets: what an encrypted one looks like, and WebCrypto's way to make and open it. */
import { encodeText } from "@wireyard/framing";
import { base64UrlLength, decodeBase64Url, writeBase64Url } from "./base64url.ts";
import type { Direction } from "./exchange.ts";
import { badEncryption, subtle, type WebCryptoKey } from "./keys.ts";
import { ACTIONS } from "./messages.ts";
import type { Packet } from "./packet.ts";

export const TAG_BYTES = 16;
/** Packets under one key, and no more: within what is known to be safe for AES-GCM. [JSON-8.10] */
export const MAX_ENCRYPTED_PACKETS = 2 ** 32;

const HEAD = encodeText(`{"action":"${ACTIONS.encrypted}","data":{"n":`);
const BEFORE_PAYLOAD = encodeText(',"payload":"');
const TAIL = encodeText('"}}\n');
const LINE_FEED = 0x0a;
const FIRST_LETTER = { client: 0x63, server: 0x73 } as const;

interface AesGcm {
  readonly name: "AES-GCM";
  readonly iv: Uint8Array<ArrayBuffer>;
  readonly additionalData: Uint8Array<ArrayBuffer>;
  readonly tagLength: number;
}

/** One direction of an encrypted connection. Its `next` counts; it is for one user. */
export interface EncryptChannel {
  readonly direction: Direction;
  readonly key: WebCryptoKey;
  /** The number of the next packet; `NaN` once one did not decrypt: after it, none does. */
  next: number;
  /** Goes with the client's first packet. */
  readonly wrappedKey: string | undefined;
}

/** What an encrypted packet holds. */
export interface Encrypted {
  /** Ciphertext, and the tag behind it. */
  readonly sealed: Uint8Array<ArrayBuffer>;
  readonly wrappedKey: Uint8Array | undefined;
}

/** @param wrappedKey a client's, for what it sends: `ClientExchange.wrappedKey` */
export async function createChannel(
  direction: Direction,
  key: Uint8Array<ArrayBuffer>,
  wrappedKey?: string,
): Promise<EncryptChannel> {
  const aes = await subtle().importKey("raw", key, "AES-GCM", false, ["encrypt", "decrypt"]);
  return { direction, key: aes, next: 0, wrappedKey };
}

/**
 * Opens an encrypted packet, which has to be the next one of the channel; gives the bytes of the packet within.
 *
 * @throws {ProtocolError} `bad_encryption`, the same for whatever is wrong with it; after it the channel opens nothing
 * @see PROTOCOL.md [JSON-8.7] to [JSON-8.9]
 */
export async function decryptBytes(packet: Packet, channel: EncryptChannel): Promise<Uint8Array> {
  const { direction, key, next } = channel;
  const encrypted = readEncrypted(packet, direction, next);
  // Counted before the first `await`: the same packet twice at a time is a replay as well.
  channel.next = encrypted === undefined ? Number.NaN : next + 1;
  if (encrypted === undefined) throw badEncryption();
  const open = subtle().decrypt(algorithmOf(direction, next), key, encrypted.sealed);
  const plain = await open.catch(() => undefined);
  if (plain === undefined) {
    channel.next = Number.NaN;
    throw badEncryption();
  }
  return new Uint8Array(plain);
}

/** Encrypts a packet's line, or the JSON of it, into another line. The number is taken before this first waits. */
export async function encryptLine(line: Uint8Array, channel: EncryptChannel): Promise<Uint8Array> {
  const { direction, next } = channel;
  if (next >= MAX_ENCRYPTED_PACKETS) throw badEncryption();
  channel.next = next + 1;
  const plain = new Uint8Array(withoutLineFeed(line));
  const sealed = await subtle().encrypt(algorithmOf(direction, next), channel.key, plain);
  const wrappedKey = next === 0 ? channel.wrappedKey : undefined;
  return writeEncrypted(next, new Uint8Array(sealed), wrappedKey, (bytes) => new Uint8Array(bytes));
}

/** The line of an encrypted packet, in memory that `allocate` gives. */
export function writeEncrypted(
  n: number,
  sealed: Uint8Array,
  wrappedKey: string | undefined,
  allocate: (bytes: number) => Uint8Array,
): Uint8Array {
  const middle = encodeText(wrappedKey === undefined ? `${n}` : `${n},"key":"${wrappedKey}"`);
  const length = HEAD.length + middle.length + BEFORE_PAYLOAD.length + base64UrlLength(sealed.length);
  const line = allocate(length + TAIL.length);
  line.set(HEAD);
  line.set(middle, HEAD.length);
  line.set(BEFORE_PAYLOAD, HEAD.length + middle.length);
  const end = writeBase64Url(sealed, line, HEAD.length + middle.length + BEFORE_PAYLOAD.length);
  line.set(TAIL, end);
  return line;
}

/** What an encrypted packet holds, if it is number `n` of its sender, and `undefined` for anything else. [JSON-8.7] */
export function readEncrypted(packet: Packet, direction: Direction, n: number): Encrypted | undefined {
  if (packet.action !== ACTIONS.encrypted) return undefined;
  const { n: number, payload, key } = (packet.data ?? {}) as Record<string, unknown>;
  if (number !== n || n >= MAX_ENCRYPTED_PACKETS || typeof payload !== "string") return undefined;
  const sealed = decodeBase64Url(payload);
  if (sealed === undefined || sealed.length < TAG_BYTES) return undefined;
  // A client's key comes with its first packet, and that once.
  if (direction === "server" || n > 0)
    return key === undefined ? { sealed, wrappedKey: undefined } : undefined;
  const wrappedKey = typeof key === "string" ? decodeBase64Url(key) : undefined;
  return wrappedKey === undefined ? undefined : { sealed, wrappedKey };
}

/** The nonce of AES-GCM: four zero bytes, and the packet's number in eight. Never the same twice under one key. */
export function nonceOf(n: number): Uint8Array<ArrayBuffer> {
  const nonce = new Uint8Array(12);
  new DataView(nonce.buffer).setBigUint64(4, BigInt(n));
  return nonce;
}

/** What is authenticated beside a packet: the first letter of who sends it, and its number in eight bytes. */
export function contextOf(direction: Direction, n: number): Uint8Array<ArrayBuffer> {
  const context = new Uint8Array(9);
  context[0] = FIRST_LETTER[direction];
  new DataView(context.buffer).setBigUint64(1, BigInt(n));
  return context;
}

/** What is encrypted of a line: the packet itself. */
export function withoutLineFeed(line: Uint8Array): Uint8Array {
  return line[line.length - 1] === LINE_FEED ? line.subarray(0, -1) : line;
}

function algorithmOf(direction: Direction, n: number): AesGcm {
  return {
    name: "AES-GCM",
    iv: nonceOf(n),
    additionalData: contextOf(direction, n),
    tagLength: TAG_BYTES * 8,
  };
}
