import type { ColumnType } from "kysely";

/** The tables as queries see them; `migrations.ts` makes them. */
export interface Database {
  accounts: AccountsTable;
}

export interface AccountsTable {
  /** The name as it is compared: `nameKey` of `name`. Primary key. */
  key: string;
  /** The name as it was registered. */
  name: string;
  /** A PHC string: see `passwords.ts`. */
  hash: string;
  /** Milliseconds since 1970. A bigint, which SQLite gives as a number and PostgreSQL's driver as a string. */
  created_at: ColumnType<number | string, number, never>;
}
