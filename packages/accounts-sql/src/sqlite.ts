import { resolve } from "node:path";
import { UsageError } from "@wireyard/session";
import { Kysely, sql } from "kysely";
import { type SqlAccounts, sqlAccounts } from "./accounts.ts";
import { type HashOptions, HashQueue } from "./hash-queue.ts";
import { migrate } from "./migrations.ts";
import type { Database } from "./schema.ts";
import { NodeSqliteDialect } from "./sqlite-dialect.ts";
import { openSqliteFile } from "./sqlite-file.ts";

export interface SqliteAccountsOptions extends HashOptions {
  /** Path of the database, made where there is none (its directory is not); `:memory:` lasts until `close`. */
  file: string;
  /** Milliseconds a write waits, and the process with it, for another process that writes. Default 1000. */
  busyTimeoutMs?: number;
}

/**
 * Accounts in a SQLite file: what was acknowledged is synced to disk, and survives a crash of process or machine.
 *
 * @throws {UsageError} where `file` is empty, or another option makes no sense
 * @throws {Error} which names the file and what would be right, where it cannot be opened
 */
export async function openSqliteAccounts(options: SqliteAccountsOptions): Promise<SqlAccounts> {
  // SQLite takes "" for a file that it deletes at the end.
  if (options.file === "") throw new UsageError("the accounts file has no name");
  const queue = new HashQueue(options);
  // Absolute, so that SQLite never takes a name for a URI.
  const file = options.file === ":memory:" ? options.file : resolve(options.file);
  try {
    const database = openSqliteFile(file, options.busyTimeoutMs ?? 1000);
    try {
      const db = new Kysely<Database>({ dialect: new NodeSqliteDialect(database) });
      await migrate(db, sql`text`);
      return sqlAccounts(db, queue);
    } catch (error) {
      database.close();
      throw error;
    }
  } catch (error) {
    throw new Error(`cannot open the accounts file ${file}: ${explain(error)}`, { cause: error });
  }
}

const ACCESS = "this user must be able to read and write it, and to make files beside it";

/** By SQLite's primary result codes, see https://sqlite.org/rescode.html, and by the system's names. */
const EXPLANATIONS: Record<string, string> = {
  5: "another process keeps it locked; stop that, or raise busyTimeoutMs",
  8: `it cannot be written; ${ACCESS}`,
  10: "the disk or its file system fails to read or write it",
  11: "it is damaged; put a backup in its place",
  13: "the disk is full",
  14: `it cannot be opened; it must be a file, and ${ACCESS}`,
  26: "it is not a SQLite database; name another file, or move this one away",
  ENOENT: "its directory does not exist; make it, or name another",
  ENOTDIR: "what should be its directory is a file; name another",
  EACCES: `its directory cannot be written; ${ACCESS}`,
  EPERM: `its directory cannot be written; ${ACCESS}`,
  EROFS: `its file system is read-only; ${ACCESS}`,
  ENOSPC: "the disk is full",
};

function explain(error: unknown): string {
  const { errcode, code, message } = error as Error & { errcode?: number; code?: string };
  // The low byte of an extended result code is the primary one.
  const known = EXPLANATIONS[errcode === undefined ? (code ?? "") : errcode & 0xff];
  return known === undefined ? message : `${known} (${message})`;
}
