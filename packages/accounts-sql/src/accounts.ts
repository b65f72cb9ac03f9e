import { type Account, type AccountStore, nameKey, RefusedError, UsageError } from "@wireyard/session";
import type { Kysely } from "kysely";
import type { HashQueue } from "./hash-queue.ts";
import { hashPassword, nobodysHash, verifyPassword } from "./passwords.ts";
import type { Database } from "./schema.ts";

/** An account store in a database: every call is a promise, and rejects where the database fails. */
export interface SqlAccounts extends AccountStore {
  find(name: string): Promise<Account | undefined>;
  list(page: { after?: string; limit: number }): Promise<Account[]>;
  remove(name: string): Promise<boolean>;
  check(): Promise<void>;
  close(): Promise<void>;
}

/** The account store over tables that `migrate` made, whatever the dialect. */
export function sqlAccounts(db: Kysely<Database>, queue: HashQueue): SqlAccounts {
  const nobody = nobodysHash();

  const row = (key: string) =>
    // No name holds a NUL, and PostgreSQL fails where a text does.
    key.includes("\0")
      ? undefined
      : db.selectFrom("accounts").select(["name", "key", "hash"]).where("key", "=", key).executeTakeFirst();

  return {
    async register(name, password) {
      const account = { name, key: nameKey(name) };
      const hash = await queue.run(() => hashPassword(password));
      const { numInsertedOrUpdatedRows } = await db
        .insertInto("accounts")
        .values({ ...account, hash, created_at: Date.now() })
        .onConflict((conflict) => conflict.column("key").doNothing())
        .executeTakeFirstOrThrow();
      if (numInsertedOrUpdatedRows !== 1n) throw new RefusedError("name_taken", "the user name is taken");
      return account;
    },

    authenticate(name, password) {
      const key = nameKey(name);
      return queue.run(async () => {
        const found = await row(key);
        const same = await verifyPassword(password, found?.hash ?? nobody);
        if (!same || found === undefined) return undefined;
        // While it was hashed the account may have been removed, or given another password.
        const now = await row(key);
        return now?.hash === found.hash ? { name: found.name, key } : undefined;
      });
    },

    async find(name) {
      const found = await row(nameKey(name));
      return found && { name: found.name, key: found.key };
    },

    async list({ after = "", limit }) {
      // SQLite takes a negative limit for none.
      if (!Number.isSafeInteger(limit) || limit < 0)
        throw new UsageError(`a page cannot hold ${limit} accounts`);
      const found = await db
        .selectFrom("accounts")
        .select(["name", "key"])
        .where("key", ">", after)
        .orderBy("key")
        .limit(limit)
        .execute();
      // Copied, since a row of SQLite has no prototype.
      return found.map(({ name, key }) => ({ name, key }));
    },

    async setPassword(name, password) {
      const hash = await queue.run(() => hashPassword(password));
      const { numUpdatedRows } = await db
        .updateTable("accounts")
        .set({ hash })
        .where("key", "=", nameKey(name))
        .executeTakeFirstOrThrow();
      return numUpdatedRows > 0n;
    },

    async remove(name) {
      const { numDeletedRows } = await db
        .deleteFrom("accounts")
        .where("key", "=", nameKey(name))
        .executeTakeFirstOrThrow();
      return numDeletedRows > 0n;
    },

    async check() {
      await db.selectFrom("accounts").select("key").limit(1).execute();
    },

    close: () => db.destroy(),
  };
}
