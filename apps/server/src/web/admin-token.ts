import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import type { Config } from "../config/schema.ts";
import { dataFile } from "../data-files.ts";
import { Failure, ownFileProblem } from "../errors.ts";

const KEY = "web.adminTokenFile";
const TOKEN_BYTES = 32;
const FILE_NAME = "wireyard.admin";
/** What the file holds: the token has 256 random bits, so a plain hash is as good as a slow one. */
const FORM = /^sha256:([A-Za-z0-9_-]{43})\n?$/;

/** Where the hash is kept; `undefined`: nowhere, and the token is gone with the process. */
export function tokenFileOf({ web, accounts }: Config): string | undefined {
  return web.adminTokenFile ?? dataFile(accounts, FILE_NAME);
}

/** The token that opens console, API and metrics. Made once; of it only the hash is kept. */
export class AdminToken {
  /** The token itself, where it was made just now: to be told once. */
  readonly fresh: string | undefined;
  private readonly hash: Uint8Array;
  private readonly file: string | undefined;

  /**
   * Reads the hash, or makes a token where there is none yet: `store` keeps that.
   *
   * @throws {Failure} where the file cannot be used
   */
  constructor(file: string | undefined) {
    this.file = file;
    const kept = file === undefined ? undefined : readHash(file);
    this.fresh = kept === undefined ? randomBytes(TOKEN_BYTES).toString("base64url") : undefined;
    this.hash = kept ?? hashOf(this.fresh as string);
  }

  /**
   * Keeps the hash of a fresh token. Not before the server is up: a token that is never told would be lost.
   *
   * @throws {Failure} where the file cannot be written
   */
  store(): void {
    if (this.fresh === undefined || this.file === undefined) return;
    const text = `sha256:${Buffer.from(this.hash).toString("base64url")}\n`;
    try {
      writeFileSync(this.file, text, { mode: 0o600, flag: "wx" });
    } catch (error) {
      throw new Failure(`${KEY}: ${this.file}: ${ownFileProblem(error)}`, { cause: error });
    }
  }

  matches(token: string): boolean {
    return timingSafeEqual(hashOf(token), this.hash);
  }
}

function readHash(file: string): Uint8Array | undefined {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new Failure(`${KEY}: ${file}: ${ownFileProblem(error)}`, { cause: error });
  }
  const [, hash] = FORM.exec(text) ?? [];
  if (hash === undefined)
    throw new Failure(`${KEY}: ${file} holds no hash of a token; delete it, and a new token is made`);
  return Buffer.from(hash, "base64url");
}

function hashOf(token: string): Uint8Array {
  return createHash("sha256").update(token).digest();
}
