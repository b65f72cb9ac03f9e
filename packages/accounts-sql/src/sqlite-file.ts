import { closeSync, openSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";

/** "Wyrd" in ASCII: what tells our files from other programs', `file` and SQLite alike. */
const APPLICATION_ID = 0x57797264;

/**
 * Opens a SQLite file that only its owner may read, ready to be written: a commit returns when it is synced.
 *
 * @param file a path, or `:memory:`
 * @param busyTimeoutMs how long a statement waits for another process that writes
 * @throws {Error} what SQLite or the file system said, or that it is no file of ours
 */
export function openSqliteFile(file: string, busyTimeoutMs: number): DatabaseSync {
  if (file !== ":memory:") createPrivate(file);
  const database = new DatabaseSync(file, { timeout: busyTimeoutMs });
  try {
    refuseForeign(database);
    const mode = database.prepare("PRAGMA journal_mode = WAL").all()[0]?.journal_mode;
    if (mode !== "wal" && file !== ":memory:") {
      throw new Error("its file system cannot hold a write-ahead log; name a file on a local disk");
    }
    database.exec("PRAGMA synchronous = FULL");
    // Written every time: SQLite opens a file that cannot be written without a word, and this is where it is seen.
    database.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Made here and not by SQLite, for its rights; its log files take theirs from it. */
function createPrivate(file: string): void {
  try {
    // Only where there is none: closing a file that SQLite has open gives up SQLite's locks on it.
    closeSync(openSync(file, "wx", 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}

function refuseForeign(database: DatabaseSync): void {
  const id = database.prepare("PRAGMA application_id").get()?.application_id;
  const tables = database.prepare("SELECT count(*) AS count FROM sqlite_schema").get()?.count;
  if (id === APPLICATION_ID || (id === 0 && tables === 0)) return;
  throw new Error("it is the database of another program; name another file");
}
