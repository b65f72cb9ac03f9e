/**
 * Passwords as argon2id hashes in PHC strings: `$argon2id$v=19$m=19456,t=2,p=1$SALT$HASH`, base64 without padding.
 * The parameters are OWASP's for argon2id: 19 MiB, two passes, one lane. A stored string is verified with its own.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9106
 * @see https://github.com/P-H-C/phc-string-format
 */
import { argon2, randomBytes, timingSafeEqual } from "node:crypto";

interface Parameters {
  memoryKiB: number;
  passes: number;
  lanes: number;
}

const CURRENT: Parameters = { memoryKiB: 19_456, passes: 2, lanes: 1 };
const SALT_BYTES = 16;
const HASH_BYTES = 32;
const PHC = /^\$argon2id\$v=19\$m=(\d{1,8}),t=(\d{1,4}),p=(\d{1,3})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;

/** The PHC string to store for a password, with a salt of its own. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  return toPhc(CURRENT, salt, await derive(password, salt, CURRENT, HASH_BYTES));
}

/**
 * Whether `phc` is the hash of `password`. Takes the same time for a right and a wrong one.
 *
 * @throws {Error} where `phc` is not a PHC string of argon2id, version 19
 */
export async function verifyPassword(password: string, phc: string): Promise<boolean> {
  const [, memoryKiB, passes, lanes, salt, hash] = PHC.exec(phc) ?? [];
  if (salt === undefined || hash === undefined)
    throw new Error("a stored password is no argon2id PHC string");
  const parameters = { memoryKiB: Number(memoryKiB), passes: Number(passes), lanes: Number(lanes) };
  const stored = Buffer.from(hash, "base64");
  return timingSafeEqual(
    await derive(password, Buffer.from(salt, "base64"), parameters, stored.length),
    stored,
  );
}

/** A PHC string that no password is known for, and that takes as long to verify as a current one. */
export function nobodysHash(): string {
  return toPhc(CURRENT, randomBytes(SALT_BYTES), randomBytes(HASH_BYTES));
}

function derive(
  password: string,
  salt: Uint8Array,
  parameters: Parameters,
  length: number,
): Promise<Uint8Array> {
  const { memoryKiB: memory, passes, lanes: parallelism } = parameters;
  // As bytes: what crypto says about an argument of a wrong type shows its value.
  const message = new TextEncoder().encode(password);
  return new Promise((resolve, reject) => {
    argon2(
      "argon2id",
      { message, nonce: salt, memory, passes, parallelism, tagLength: length },
      (error, hash) => (error === null ? resolve(hash) : reject(error)),
    );
  });
}

function toPhc({ memoryKiB, passes, lanes }: Parameters, salt: Uint8Array, hash: Uint8Array): string {
  return `$argon2id$v=19$m=${memoryKiB},t=${passes},p=${lanes}$${unpadded(salt)}$${unpadded(hash)}`;
}

function unpadded(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64").replace(/=+$/, "");
}
