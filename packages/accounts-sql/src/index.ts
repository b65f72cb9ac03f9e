export type { SqlAccounts } from "./accounts.ts";
export { openSqliteAccounts, type SqliteAccountsOptions } from "./sqlite.ts";
