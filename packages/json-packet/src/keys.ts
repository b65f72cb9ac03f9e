/** RSA keys: made, checked, told apart, and used to wrap the secrets of a connection. WebCrypto, in Node and browsers. */
import { ProtocolError } from "@wireyard/framing";
import { decodeBase64Url, encodeBase64Url } from "./base64url.ts";

const RSA = { name: "RSA-OAEP", hash: "SHA-256" } as const;
/** 65537, the exponent that everybody uses: a larger one would only cost. */
const EXPONENT = Uint8Array.of(1, 0, 1);
const MIN_MODULUS_BITS = 2_048;
const MAX_MODULUS_BITS = 4_096;
/** A key of 4,096 bits takes 734. */
const MAX_PUBLIC_KEY_CHARACTERS = 1_024;
export const SECRET_BYTES = 32;

type WebCrypto = typeof crypto.subtle;
/** What a browser's types call `CryptoKey`, and Node's by another name. */
export type WebCryptoKey = Parameters<WebCrypto["exportKey"]>[1];

/** One side's RSA keys. The private one stays within WebCrypto: keys that are logged show none. */
export interface EncryptKeys {
  /** SPKI as base64url: what a handshake's `publicKey` is. */
  readonly publicKey: string;
  /** What it can be pinned by: SHA-256 of the SPKI, 64 hex digits. */
  readonly fingerprint: string;
  readonly privateKey: WebCryptoKey;
}

/** A peer's public key, checked. */
export interface PublicKey {
  readonly spki: Uint8Array<ArrayBuffer>;
  readonly key: WebCryptoKey;
}

/**
 * Makes RSA keys. They can serve any number of connections.
 *
 * @param modulusBits 2,048 (the default) to 4,096
 * @throws {Error} where there is no WebCrypto: a browser has it on pages that came over https, or from localhost
 */
export async function createEncryptKeys(modulusBits: number = MIN_MODULUS_BITS): Promise<EncryptKeys> {
  if (!(modulusBits >= MIN_MODULUS_BITS && modulusBits <= MAX_MODULUS_BITS)) {
    throw new RangeError(`keys have ${MIN_MODULUS_BITS} to ${MAX_MODULUS_BITS} bits, not ${modulusBits}`);
  }
  const algorithm = { ...RSA, modulusLength: modulusBits, publicExponent: EXPONENT };
  const pair = await subtle().generateKey(algorithm, true, ["encrypt", "decrypt"]);
  return keysOf(pair.privateKey, await exportSpki(pair.publicKey));
}

/**
 * Takes keys that were kept as PKCS #8, such as a PEM file's bytes between its lines.
 *
 * @throws {TypeError} where they are no RSA keys of 2,048 to 4,096 bits with the exponent 65537
 */
export async function importEncryptKeys(pkcs8: Uint8Array): Promise<EncryptKeys> {
  let privateKey: WebCryptoKey;
  try {
    privateKey = await subtle().importKey("pkcs8", new Uint8Array(pkcs8), RSA, true, ["decrypt"]);
  } catch (error) {
    throw new TypeError("the bytes are no RSA private key in PKCS #8", { cause: error });
  }
  if (!isStrong(privateKey)) throw new TypeError("a key has 2048 to 4096 bits and the exponent 65537");
  const { n, e } = await subtle().exportKey("jwk", privateKey);
  const jwk = { kty: "RSA", n: n as string, e: e as string };
  return keysOf(privateKey, await exportSpki(await subtle().importKey("jwk", jwk, RSA, true, ["encrypt"])));
}

/** Gives the private key as PKCS #8, to be kept where nobody else reads it. */
export async function exportEncryptKeys(keys: EncryptKeys): Promise<Uint8Array> {
  return new Uint8Array(await subtle().exportKey("pkcs8", keys.privateKey));
}

/** What a public key can be pinned by: SHA-256 of its SPKI, 64 hex digits. */
export async function fingerprint(publicKey: string): Promise<string> {
  const spki = decodeBase64Url(publicKey);
  if (spki === undefined) throw new TypeError("a public key is SPKI as base64url");
  return fingerprintOf(spki);
}

export async function fingerprintOf(spki: Uint8Array<ArrayBuffer>): Promise<string> {
  return hex(await sha256(spki));
}

/**
 * Checks the `publicKey` of a peer: its length before anything is decoded, its kind, size and exponent.
 *
 * @throws {ProtocolError} `bad_encryption`
 * @see PROTOCOL.md [JSON-8.3]
 */
export async function readPublicKey(publicKey: unknown): Promise<PublicKey> {
  const spki =
    typeof publicKey === "string" && publicKey.length <= MAX_PUBLIC_KEY_CHARACTERS
      ? decodeBase64Url(publicKey)
      : undefined;
  if (spki === undefined) throw badEncryption();
  // What the engine says of bytes that are no key is for nobody to read.
  const key = await subtle()
    .importKey("spki", spki, RSA, false, ["encrypt"])
    .catch(() => undefined);
  if (key === undefined || !isStrong(key)) throw badEncryption();
  return { spki, key };
}

/** Makes a secret for one connection. */
export function createSecret(): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(SECRET_BYTES));
}

/** [JSON-8.4] */
export async function wrapSecret(to: PublicKey, secret: Uint8Array<ArrayBuffer>): Promise<string> {
  return encodeBase64Url(new Uint8Array(await subtle().encrypt(RSA, to.key, secret)));
}

/**
 * Unwraps a peer's secret. For what does not unwrap it gives a random one, which opens nothing: that a packet is
 * refused then tells nobody whether it was the key or the packet. [JSON-8.9]
 */
export async function unwrapSecret(keys: EncryptKeys, wrapped: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  const other = createSecret();
  const secret = await subtle()
    .decrypt(RSA, keys.privateKey, new Uint8Array(wrapped))
    .catch(() => undefined);
  return secret?.byteLength === SECRET_BYTES ? new Uint8Array(secret) : other;
}

export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await subtle().digest("SHA-256", bytes));
}

export function subtle(): WebCrypto {
  // Missing in a browser's page that came over http, whatever its type says.
  const { subtle: engine } = crypto as { subtle?: WebCrypto };
  if (engine === undefined) throw new Error("there is no WebCrypto here: serve the page over https");
  return engine;
}

/** What does not decrypt, for whatever reason: one error for all. [JSON-8.9] */
export function badEncryption(): ProtocolError {
  return new ProtocolError("bad_encryption", "a packet is not encrypted as it has to be");
}

async function keysOf(privateKey: WebCryptoKey, spki: Uint8Array<ArrayBuffer>): Promise<EncryptKeys> {
  return { publicKey: encodeBase64Url(spki), fingerprint: await fingerprintOf(spki), privateKey };
}

async function exportSpki(key: WebCryptoKey): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await subtle().exportKey("spki", key));
}

function isStrong(key: WebCryptoKey): boolean {
  const { modulusLength, publicExponent } = key.algorithm as unknown as {
    readonly modulusLength: number;
    readonly publicExponent: Uint8Array;
  };
  return (
    modulusLength >= MIN_MODULUS_BITS &&
    modulusLength <= MAX_MODULUS_BITS &&
    hex(publicExponent) === hex(EXPONENT)
  );
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
