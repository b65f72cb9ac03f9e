import type { Kysely } from "kysely";
import { type Migration, Migrator } from "kysely/migration";
import type { Database } from "./schema.ts";

/**
 * Every change of the tables so far, by name, in the order of the names. One that was released is never changed.
 *
 * Keys are compared byte by byte: SQLite does so by itself, PostgreSQL where the database's collation is "C".
 */
const MIGRATIONS: Record<string, Migration> = {
  "001_accounts": {
    async up(db) {
      await db.schema
        .createTable("accounts")
        .addColumn("key", "text", (column) => column.notNull().primaryKey())
        .addColumn("name", "text", (column) => column.notNull())
        .addColumn("hash", "text", (column) => column.notNull())
        .addColumn("created_at", "bigint", (column) => column.notNull())
        .execute();
    },
  },
};

/**
 * Brings the tables up to date: all migrations that are missing, or none.
 *
 * @throws {Error} what the database said, or that its tables are of another version
 */
export async function migrate(db: Kysely<Database>): Promise<void> {
  const migrator = new Migrator({ db, provider: { getMigrations: async () => MIGRATIONS } });
  const { error } = await migrator.migrateToLatest();
  // Kysely has no code for it.
  if (error instanceof Error && error.message.startsWith("corrupted migrations")) {
    throw new Error("a newer version of @wireyard/accounts-sql wrote it; use that one", { cause: error });
  }
  if (error !== undefined) throw error;
}
