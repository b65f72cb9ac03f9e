import { createPrivateKey, randomUUID } from "node:crypto";
import { closeSync, fsyncSync, linkSync, openSync, readFileSync, rmSync, statSync, writeSync } from "node:fs";
import {
  createEncryptKeys,
  type EncryptKeys,
  exportEncryptKeys,
  importEncryptKeys,
} from "@wireyard/json-packet";
import { Failure, ownFileProblem } from "./errors.ts";

const KEY = "protocols.json-packet.keyFile";
/** A key of 4,096 bits takes some 3,300. */
const MAX_FILE_BYTES = 65_536;

/**
 * Reads the RSA keys of the JSON protocol. Where there is no such file they are made and kept there: clients pin them.
 *
 * @param file path of a PEM file
 * @throws {Failure} which names the key and says what is wrong with the file
 */
export async function keptEncryptKeys(file: string): Promise<EncryptKeys> {
  try {
    const kept = readPem(file);
    if (kept !== undefined) return await keysOf(kept, file);
    const made = await createEncryptKeys();
    if (place(file, pemOf(await exportEncryptKeys(made)))) return made;
    // Another server has just made its own: they are those of both.
    return await keysOf(readFileSync(file), file);
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure(`${KEY}: ${file}: ${ownFileProblem(error)}`, { cause: error });
  }
}

function readPem(file: string): Uint8Array | undefined {
  try {
    return statSync(file).size > MAX_FILE_BYTES ? new Uint8Array() : readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

async function keysOf(pem: Uint8Array, file: string): Promise<EncryptKeys> {
  try {
    const pkcs8 = createPrivateKey(Buffer.from(pem)).export({ format: "der", type: "pkcs8" });
    return await importEncryptKeys(pkcs8);
  } catch (error) {
    throw new Failure(
      `${KEY}: ${file} is no RSA key of 2048 to 4096 bits in PEM (PKCS #8, without a passphrase); name one, or delete it, and a new one is made`,
      { cause: error },
    );
  }
}

function pemOf(pkcs8: Uint8Array): string {
  const key = createPrivateKey({ key: Buffer.from(pkcs8), format: "der", type: "pkcs8" });
  return `${key.export({ format: "pem", type: "pkcs8" })}`;
}

/**
 * Makes a file that is there whole or not at all, for this user alone.
 *
 * @returns `false` where there is one by now: nothing is written over
 */
function place(file: string, text: string): boolean {
  const draft = `${file}.${randomUUID()}`;
  try {
    const descriptor = openSync(draft, "wx", 0o600);
    try {
      writeSync(descriptor, text);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    linkSync(draft, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}
