import { dirname, join, resolve } from "node:path";
import type { Secret } from "@wireyard/session";

/** What accounts in SQLite are kept in; `undefined` where they are elsewhere. */
export function sqliteFile(accounts: Secret): string | undefined {
  return /^sqlite:(.*)$/s.exec(accounts.reveal())?.[1];
}

/**
 * Where the server keeps a file of its own: beside the accounts, in the working directory where they are no file.
 *
 * @returns `undefined` where accounts are in memory: then nothing outlives the process
 */
export function dataFile(accounts: Secret, name: string): string | undefined {
  const file = sqliteFile(accounts);
  if (file === ":memory:") return undefined;
  return file === undefined ? resolve(name) : join(dirname(file), name);
}
