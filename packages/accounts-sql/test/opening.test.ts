import { chmodSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { UsageError } from "@wireyard/session";
import { expect, test } from "vitest";
import { openSqliteAccounts } from "../src/index.ts";
import { openSqliteFile } from "../src/sqlite-file.ts";
import { temporaryFile } from "./files.ts";

test("accounts are still there after closing and opening again", async () => {
  const file = temporaryFile();
  const first = await openSqliteAccounts({ file });
  await first.register("Ann", "secret");
  await first.close();
  const second = await openSqliteAccounts({ file });
  expect(await second.authenticate("ann", "secret")).toEqual({ name: "Ann", key: "ann" });
  expect(await second.list({ limit: 10 })).toEqual([{ name: "Ann", key: "ann" }]);
  await second.close();
});

test("two that have the file open see each other's accounts", async () => {
  const file = temporaryFile();
  const one = await openSqliteAccounts({ file });
  const two = await openSqliteAccounts({ file });
  await one.register("ann", "secret");
  expect(await two.find("ann")).toEqual({ name: "ann", key: "ann" });
  await expect(two.register("Ann", "other")).rejects.toMatchObject({ code: "name_taken" });
  await one.close();
  await two.register("bob", "secret");
  await two.close();
});

test("a file is opened with a write-ahead log, synced at every commit, waiting for other writers", () => {
  const database = openSqliteFile(temporaryFile(), 1234);
  const value = (pragma: string) => Object.values(database.prepare(`PRAGMA ${pragma}`).get() ?? {})[0];
  expect(value("journal_mode")).toBe("wal");
  expect(value("synchronous")).toBe(2);
  expect(value("busy_timeout")).toBe(1234);
  database.close();
});

test.skipIf(process.platform === "win32")(
  "the file and its log can be read by their owner alone",
  async () => {
    const file = temporaryFile();
    const accounts = await openSqliteAccounts({ file });
    await accounts.register("ann", "secret");
    for (const path of [file, `${file}-wal`, `${file}-shm`]) expect(statSync(path).mode & 0o777).toBe(0o600);
    await accounts.close();
  },
);

test("a name that looks like a URI is a file's name", async () => {
  const file = temporaryFile("x?mode=memory");
  const accounts = await openSqliteAccounts({ file });
  await accounts.close();
  expect(statSync(file).size).toBeGreaterThan(0);
});

test("a file that is no database is named in the error, and stays as it was", async () => {
  const file = temporaryFile();
  writeFileSync(file, "not a database ".repeat(100));
  await expect(openSqliteAccounts({ file })).rejects.toThrow(
    `cannot open the accounts file ${file}: it is not a SQLite database; name another file, or move this one away`,
  );
  expect(statSync(file).size).toBe(1500);
});

test("another program's database is refused, and stays as it was", async () => {
  for (const sql of ["CREATE TABLE users (id)", "PRAGMA application_id = 7"]) {
    const file = temporaryFile();
    const theirs = new DatabaseSync(file);
    theirs.exec(sql);
    await expect(openSqliteAccounts({ file })).rejects.toThrow(
      `cannot open the accounts file ${file}: it is the database of another program; name another file`,
    );
    expect(theirs.prepare("PRAGMA journal_mode").get()).toMatchObject({ journal_mode: "delete" });
    theirs.close();
  }
});

test("a file of a newer version is refused", async () => {
  const file = temporaryFile();
  await (await openSqliteAccounts({ file })).close();
  const database = openSqliteFile(file, 0);
  database.exec("INSERT INTO kysely_migration VALUES ('999_later', '2999-01-01T00:00:00.000Z')");
  database.close();
  await expect(openSqliteAccounts({ file })).rejects.toThrow(`${file}: a newer version`);
});

test("a missing directory, a file for a directory and a directory for a file are named in the error", async () => {
  const file = temporaryFile();
  await expect(openSqliteAccounts({ file: join(file, "a.db") })).rejects.toThrow(
    `cannot open the accounts file ${join(file, "a.db")}: its directory does not exist; make it, or name another`,
  );
  writeFileSync(file, "");
  await expect(openSqliteAccounts({ file: join(file, "a.db") })).rejects.toThrow(
    "what should be its directory is a file; name another",
  );
  const directory = temporaryFile("directory");
  mkdirSync(directory);
  await expect(openSqliteAccounts({ file: directory })).rejects.toThrow(
    `cannot open the accounts file ${directory}: it cannot be opened; it must be a file`,
  );
});

test("an empty name is a usage error: SQLite would delete the file at the end", async () => {
  await expect(openSqliteAccounts({ file: "" })).rejects.toBeInstanceOf(UsageError);
});

test("a file that another process keeps locked is named in the error", async () => {
  const file = temporaryFile();
  await (await openSqliteAccounts({ file })).close();
  const other = new DatabaseSync(file);
  other.exec("BEGIN IMMEDIATE");
  await expect(openSqliteAccounts({ file, busyTimeoutMs: 10 })).rejects.toThrow(
    `cannot open the accounts file ${file}: another process keeps it locked; stop that, or raise busyTimeoutMs`,
  );
  other.close();
});

test.skipIf(process.platform === "win32")(
  "a file or directory without write access is named in the error",
  async () => {
    const directory = temporaryFile("directory");
    const file = join(directory, "accounts.db");
    mkdirSync(directory);
    chmodSync(join(directory, ".."), 0o755);
    await (await openSqliteAccounts({ file })).close();

    chmodSync(file, 0o444);
    chmodSync(directory, 0o777);
    await asNobody(async () => {
      await expect(openSqliteAccounts({ file })).rejects.toThrow(
        `cannot open the accounts file ${file}: it cannot be written; this user must be able to read and write it`,
      );
    });
    chmodSync(file, 0o666);
    chmodSync(directory, 0o555);
    await asNobody(async () => {
      await expect(openSqliteAccounts({ file })).rejects.toThrow(
        `cannot open the accounts file ${file}: it cannot be`,
      );
      await expect(openSqliteAccounts({ file: join(directory, "new.db") })).rejects.toThrow(
        "its directory cannot be written; this user must be able to read and write it, and to make files beside it",
      );
    });
    chmodSync(directory, 0o755);
  },
);

/** Runs it without root's rights, where the tests have them: root may write whatever a file's mode says. */
async function asNobody(run: () => Promise<void>): Promise<void> {
  if (process.getuid?.() !== 0) return run();
  process.seteuid?.(65534);
  try {
    await run();
  } finally {
    process.seteuid?.(0);
  }
}
