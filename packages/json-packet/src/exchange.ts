/**
 * How two sides come to the keys of a connection. Each wraps a fresh secret to the other's public key; both secrets
 * together, and both public keys, give the two AES keys. So nobody but the holders of both private keys has them,
 * and nothing recorded on one connection means anything on another.
 */
import { encodeText, ProtocolError } from "@wireyard/framing";
import { decodeBase64Url } from "./base64url.ts";
import {
  badEncryption,
  createSecret,
  type EncryptKeys,
  fingerprintOf,
  readPublicKey,
  sha256,
  subtle,
  unwrapSecret,
  wrapSecret,
} from "./keys.ts";
import type { KeyOffer } from "./messages.ts";

const AES_KEY_BITS = 256;

/** Who sends: each direction has a key of its own. */
export type Direction = "client" | "server";

/** The AES-256 keys of a connection, by who sends. Secret. */
export type DirectionKeys = Readonly<Record<Direction, Uint8Array<ArrayBuffer>>>;

/** Everything the keys of a connection come from. */
export interface ExchangedSecrets {
  readonly clientKey: Uint8Array<ArrayBuffer>;
  readonly serverKey: Uint8Array<ArrayBuffer>;
  readonly clientSecret: Uint8Array<ArrayBuffer>;
  readonly serverSecret: Uint8Array<ArrayBuffer>;
}

/** A server's half of an exchange: what it says, and what it makes of the `key` that comes back. */
export interface ServerExchange {
  readonly offer: KeyOffer;
  finish(wrappedKey: Uint8Array): Promise<DirectionKeys>;
}

/** A client's half: the keys, and the `key` that goes with its first encrypted packet. */
export interface ClientExchange {
  readonly keys: DirectionKeys;
  readonly wrappedKey: string;
}

/**
 * Answers a client's `publicKey`.
 *
 * @throws {ProtocolError} `bad_encryption` where it is none
 * @see PROTOCOL.md [JSON-8.2]
 */
export async function offerKeys(own: EncryptKeys, clientPublicKey: unknown): Promise<ServerExchange> {
  const client = await readPublicKey(clientPublicKey);
  const server = spkiOf(own);
  const serverSecret = createSecret();
  const key = await wrapSecret(client, serverSecret);
  return {
    offer: { status: "continue", publicKey: own.publicKey, key },
    async finish(wrappedKey) {
      const clientSecret = await unwrapSecret(own, wrappedKey);
      return deriveKeys({ clientKey: client.spki, serverKey: server, clientSecret, serverSecret });
    },
  };
}

/**
 * Takes a server's offer.
 *
 * @param offer data of the server's `handShake`
 * @param pin the fingerprint that the server's key must have; `undefined` takes any
 * @throws {ProtocolError} `bad_encryption` where the offer is none, or its key another than the pinned one
 * @see PROTOCOL.md [JSON-8.5]
 */
export async function acceptOffer(
  own: EncryptKeys,
  offer: Partial<Record<keyof KeyOffer, unknown>>,
  pin?: string,
): Promise<ClientExchange> {
  const server = await readPublicKey(offer.publicKey);
  const shown = await fingerprintOf(server.spki);
  if (pin !== undefined && pin.toLowerCase() !== shown) {
    throw new ProtocolError(
      "bad_encryption",
      `the server's key has the fingerprint ${shown}, not the pinned one`,
    );
  }
  const wrapped = typeof offer.key === "string" ? decodeBase64Url(offer.key) : undefined;
  if (wrapped === undefined) throw badEncryption();
  const serverSecret = await unwrapSecret(own, wrapped);
  const clientSecret = createSecret();
  const wrappedKey = await wrapSecret(server, clientSecret);
  const clientKey = spkiOf(own);
  const keys = await deriveKeys({ clientKey, serverKey: server.spki, clientSecret, serverSecret });
  return { keys, wrappedKey };
}

/** HKDF-SHA-256 over both secrets, salted with the hashes of both public keys. [JSON-8.6] */
export async function deriveKeys(exchanged: ExchangedSecrets): Promise<DirectionKeys> {
  const { clientKey, serverKey, clientSecret, serverSecret } = exchanged;
  const salt = join(await sha256(clientKey), await sha256(serverKey));
  const secrets = join(clientSecret, serverSecret);
  const base = await subtle().importKey("raw", secrets, "HKDF", false, ["deriveBits"]);
  const derive = async (direction: Direction): Promise<Uint8Array<ArrayBuffer>> => {
    const info = new Uint8Array(encodeText(`wireyard json-packet ${direction}`));
    const algorithm = { name: "HKDF", hash: "SHA-256", salt, info };
    return new Uint8Array(await subtle().deriveBits(algorithm, base, AES_KEY_BITS));
  };
  return { client: await derive("client"), server: await derive("server") };
}

function spkiOf(own: EncryptKeys): Uint8Array<ArrayBuffer> {
  const spki = decodeBase64Url(own.publicKey);
  if (spki === undefined) throw new TypeError("keys are what createEncryptKeys or importEncryptKeys gave");
  return spki;
}

function join(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(a.length + b.length);
  bytes.set(a);
  bytes.set(b, a.length);
  return bytes;
}
