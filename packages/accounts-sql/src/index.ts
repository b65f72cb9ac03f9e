export type { SqlAccounts } from "./accounts.ts";
export { openPostgresAccounts, type PostgresAccountsOptions } from "./postgres.ts";
export { openSqliteAccounts, type SqliteAccountsOptions } from "./sqlite.ts";
