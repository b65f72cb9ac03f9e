import type { Kysely, RawBuilder } from "kysely";
import { type Migration, Migrator } from "kysely/migration";
import type { Database } from "./schema.ts";

/**
 * Every change of the tables so far, by name, in the order of the names. One that was released is never changed.
 *
 * @param keyType text that is compared byte by byte
 */
function migrations(keyType: RawBuilder<string>): Record<string, Migration> {
  return {
    "001_accounts": {
      async up(db) {
        await db.schema
          .createTable("accounts")
          .addColumn("key", keyType, (column) => column.notNull().primaryKey())
          .addColumn("name", "text", (column) => column.notNull())
          .addColumn("hash", "text", (column) => column.notNull())
          .addColumn("created_at", "bigint", (column) => column.notNull())
          .execute();
      },
    },
  };
}

/**
 * Brings the tables up to date: all migrations that are missing, or none.
 *
 * @param keyType the dialect's type for text that is compared byte by byte, whatever the database's language
 * @throws {Error} what the database said, or that its tables are of another version
 */
export async function migrate(db: Kysely<Database>, keyType: RawBuilder<string>): Promise<void> {
  const provider = { getMigrations: async () => migrations(keyType) };
  const migrator = new Migrator({ db, provider });
  const { error } = await migrator.migrateToLatest();
  // Kysely has no code for it.
  if (error instanceof Error && error.message.startsWith("corrupted migrations")) {
    throw new Error("a newer version of @wireyard/accounts-sql wrote it; use that one", { cause: error });
  }
  if (error !== undefined) throw error;
}
